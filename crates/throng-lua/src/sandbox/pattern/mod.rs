//! Lua 5.4's patterns with a bound on the work of a match.
//!
//! The original matcher backtracks for as long as it takes, and no hook is called meanwhile: a subject of
//! some hundred bytes can hold a shard for hours. This one follows it branch by branch, so that it finds the
//! same matches and finds fault with the same patterns, but burns fuel as it goes. It works on indexes into
//! subject and pattern, and allocates nothing.

mod class;
mod fault;
mod matcher;

pub(super) use fault::Fault;
pub(super) use matcher::{Capture, Matcher};

/// Steps, each of a few nanoseconds, that the search for one match may take in a subject of that length: far more than
/// a pattern needs that looks at each byte a few times, and few enough that nobody notices.
pub(super) fn fuel(length: usize) -> u64 {
    const LEAST: u64 = 2_000_000;
    const MOST: u64 = 10_000_000;
    const PER_BYTE: u64 = 8;
    (LEAST + PER_BYTE.saturating_mul(length as u64)).min(MOST)
}

/// Whether `pattern` means just itself.
pub(super) fn is_plain(pattern: &[u8]) -> bool {
    !pattern.iter().any(|&byte| is_special(byte))
}

/// Whether the byte makes a search a pattern search.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'^' | b'$' | b'*' | b'+' | b'?' | b'.' | b'(' | b'[' | b'%' | b'-')
}

/// The byte every match of `pattern` begins with, if there is one.
pub(super) fn first_byte(pattern: &[u8]) -> Option<u8> {
    let &first = pattern.first()?;
    let is_optional = matches!(pattern.get(1), Some(b'*' | b'?' | b'-'));
    let is_literal = !is_special(first) && first != b')';
    (is_literal && !is_optional).then_some(first)
}

/// Where `needle` first occurs in `haystack`, in linear time.
pub(super) fn find_plain(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    const SHORT: usize = 256;
    let Some((&first, rest)) = needle.split_first() else { return Some(0) };
    if haystack.len() > SHORT {
        return memchr::memmem::find(haystack, needle);
    }
    // Setting a searcher up costs more than looking through a short text.
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(first, &haystack[from..])?;
        from = at + 1;
        if haystack[from..].starts_with(rest) {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_search_finds_the_first_occurrence_in_short_and_long_texts() {
        assert_eq!(find_plain(b"abcabc", b"ca"), Some(2));
        assert_eq!(find_plain(b"abc", b""), Some(0));
        assert_eq!(find_plain(b"abc", b"abcd"), None);
        let mut long = vec![b'a'; 1_000];
        long.extend_from_slice(b"aab");
        assert_eq!(find_plain(&long, b"aab"), Some(1_000));
    }

    #[test]
    fn only_a_byte_that_must_come_first_is_searched_for() {
        assert_eq!(first_byte(b"ab"), Some(b'a'));
        assert_eq!(first_byte(b"a+"), Some(b'a'));
        assert_eq!(first_byte(b"a*b"), None);
        assert_eq!(first_byte(b"%a"), None);
        assert_eq!(first_byte(b")"), None);
        assert_eq!(first_byte(b""), None);
    }
}
