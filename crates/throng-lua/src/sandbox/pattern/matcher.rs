//! The matcher: one function for each of the original's, so that the two can be read side by side.

use std::ops::Range;

use super::class::is_of;
use super::fault::Fault;

const MAX_CAPTURES: usize = 32;
/// How deep the matcher may call itself, which bounds its stack.
const MAX_DEPTH: u32 = 200;

const ESCAPE: u8 = b'%';

/// A subject, a pattern without its anchor, and the captures of the latest match.
pub(in crate::sandbox) struct Matcher<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    captures: [Slot; MAX_CAPTURES],
    level: usize,
    depth: u32,
    fuel: u64,
    fault: Option<Fault>,
}

/// What a pair of parentheses caught.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Capture {
    Text(Range<usize>),
    /// Of `()`: an offset into the subject.
    Position(usize),
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    start: usize,
    extent: Extent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Unfinished,
    Position,
    Length(usize),
}

/// Where a match ended. A fault travels like an end, so that nobody goes on to look for another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct End(usize);

impl End {
    const NOWHERE: End = End(usize::MAX);
    const FAULT: End = End(usize::MAX - 1);
}

impl<'a> Matcher<'a> {
    pub(in crate::sandbox) fn new(subject: &'a [u8], pattern: &'a [u8], fuel: u64) -> Matcher<'a> {
        let unused = Slot { start: 0, extent: Extent::Unfinished };
        let captures = [unused; MAX_CAPTURES];
        Matcher { subject, pattern, captures, level: 0, depth: 0, fuel, fault: None }
    }

    /// The end of a match that starts at `start` exactly.
    pub(in crate::sandbox) fn match_at(&mut self, start: usize) -> Result<Option<usize>, Fault> {
        self.level = 0;
        self.depth = MAX_DEPTH;
        match self.follow(start, 0) {
            End::NOWHERE => Ok(None),
            End::FAULT => Err(self.fault.unwrap_or(Fault::TooComplex)),
            End(end) => Ok(Some(end)),
        }
    }

    /// Fills up with fuel, and returns how much was left.
    pub(in crate::sandbox) fn refuel(&mut self, fuel: u64) -> u64 {
        std::mem::replace(&mut self.fuel, fuel)
    }

    /// How many captures the latest match made.
    pub(in crate::sandbox) fn captures(&self) -> usize {
        self.level
    }

    /// The capture of that index; the first of a pattern without any is the whole match.
    pub(in crate::sandbox) fn capture(&self, index: usize, whole: Range<usize>) -> Result<Capture, Fault> {
        if index >= self.level {
            return if index == 0 { Ok(Capture::Text(whole)) } else { Err(Fault::CaptureIndex(index + 1)) };
        }
        let Slot { start, extent } = self.captures[index];
        match extent {
            Extent::Unfinished => Err(Fault::UnfinishedCapture),
            Extent::Position => Ok(Capture::Position(start)),
            Extent::Length(length) => Ok(Capture::Text(start..start + length)),
        }
    }

    /// Matches the pattern from `p` at `s`, one call deeper.
    fn follow(&mut self, s: usize, p: usize) -> End {
        if self.depth == 0 {
            return self.fail(Fault::TooComplex);
        }
        self.depth -= 1;
        let end = self.follow_items(s, p);
        self.depth += 1;
        end
    }

    fn follow_items(&mut self, mut s: usize, mut p: usize) -> End {
        loop {
            if !self.burn(1) {
                return self.fail(Fault::TooLong);
            }
            let Some(&item) = self.pattern.get(p) else { return End(s) };
            match item {
                b'(' if self.pattern.get(p + 1) == Some(&b')') => {
                    return self.start_capture(s, p + 2, Extent::Position);
                }
                b'(' => return self.start_capture(s, p + 1, Extent::Unfinished),
                b')' => return self.end_capture(s, p + 1),
                b'$' if p + 1 == self.pattern.len() => {
                    return if s == self.subject.len() { End(s) } else { End::NOWHERE };
                }
                ESCAPE => match self.pattern.get(p + 1) {
                    Some(b'b') => match self.balance(s, p + 2) {
                        end @ (End::NOWHERE | End::FAULT) => return end,
                        End(end) => (s, p) = (end, p + 4),
                    },
                    Some(b'f') => match self.frontier(s, p + 2) {
                        end @ (End::NOWHERE | End::FAULT) => return end,
                        End(next) => p = next,
                    },
                    Some(&digit @ b'0'..=b'9') => match self.back_reference(s, digit) {
                        end @ (End::NOWHERE | End::FAULT) => return end,
                        End(end) => (s, p) = (end, p + 2),
                    },
                    _ => match self.single_item(&mut s, &mut p) {
                        Some(end) => return end,
                        None => continue,
                    },
                },
                _ => match self.single_item(&mut s, &mut p) {
                    Some(end) => return end,
                    None => continue,
                },
            }
        }
    }

    /// An item that matches one byte, with its suffix. Either moves on and returns nothing, or knows the
    /// outcome.
    #[inline]
    fn single_item(&mut self, s: &mut usize, p: &mut usize) -> Option<End> {
        let item_end = match self.item_end(*p) {
            Ok(item_end) => item_end,
            Err(fault) => return Some(self.fail(fault)),
        };
        if !self.burn((item_end - *p) as u64 / 8) {
            return Some(self.fail(Fault::TooLong));
        }
        let suffix = self.pattern.get(item_end).copied();
        if !self.matches_one(*s, *p, item_end) {
            return match suffix {
                Some(b'*' | b'?' | b'-') => {
                    *p = item_end + 1;
                    None
                }
                _ => Some(End::NOWHERE),
            };
        }
        match suffix {
            Some(b'?') => {
                let end = self.follow(*s + 1, item_end + 1);
                if end != End::NOWHERE {
                    return Some(end);
                }
                *p = item_end + 1;
                None
            }
            Some(b'+') => Some(self.expand_most(*s + 1, *p, item_end)),
            Some(b'*') => Some(self.expand_most(*s, *p, item_end)),
            Some(b'-') => Some(self.expand_least(*s, *p, item_end)),
            _ => {
                *s += 1;
                *p = item_end;
                None
            }
        }
    }

    fn expand_most(&mut self, s: usize, p: usize, item_end: usize) -> End {
        let Some(mut count) = self.count_matches(s, p, item_end) else { return self.fail(Fault::TooLong) };
        loop {
            let end = self.follow(s + count, item_end + 1);
            if end != End::NOWHERE || count == 0 {
                return end;
            }
            count -= 1;
        }
    }

    /// How many bytes from `s` on match the item, if there is fuel enough to tell.
    fn count_matches(&mut self, s: usize, p: usize, item_end: usize) -> Option<usize> {
        let rest = self.subject.get(s..).unwrap_or_default();
        let count = match self.pattern[p] {
            b'.' => return Some(rest.len()),
            ESCAPE => {
                let letter = self.pattern[p + 1];
                rest.iter().take_while(|&&byte| is_of(byte, letter)).count()
            }
            b'[' => return self.count_set_matches(s, p, item_end),
            literal => rest.iter().take_while(|&&byte| byte == literal).count(),
        };
        self.burn(count as u64).then_some(count)
    }

    fn count_set_matches(&mut self, s: usize, p: usize, item_end: usize) -> Option<usize> {
        let price = 1 + (item_end - p) as u64 / 8;
        let mut count = 0;
        while self.matches_one(s + count, p, item_end) {
            count += 1;
            if !self.burn(price) {
                return None;
            }
        }
        Some(count)
    }

    fn expand_least(&mut self, mut s: usize, p: usize, item_end: usize) -> End {
        loop {
            let end = self.follow(s, item_end + 1);
            if end != End::NOWHERE {
                return end;
            }
            if !self.matches_one(s, p, item_end) {
                return End::NOWHERE;
            }
            if !self.burn((item_end - p) as u64 / 8) {
                return self.fail(Fault::TooLong);
            }
            s += 1;
        }
    }

    fn start_capture(&mut self, s: usize, p: usize, extent: Extent) -> End {
        let level = self.level;
        let Some(slot) = self.captures.get_mut(level) else { return self.fail(Fault::TooManyCaptures) };
        *slot = Slot { start: s, extent };
        self.level = level + 1;
        let end = self.follow(s, p);
        if end == End::NOWHERE {
            self.level -= 1;
        }
        end
    }

    fn end_capture(&mut self, s: usize, p: usize) -> End {
        let open = self.captures[..self.level].iter().rposition(|slot| slot.extent == Extent::Unfinished);
        let Some(open) = open else { return self.fail(Fault::NothingToClose) };
        self.captures[open].extent = Extent::Length(s - self.captures[open].start);
        let end = self.follow(s, p);
        if end == End::NOWHERE {
            self.captures[open].extent = Extent::Unfinished;
        }
        end
    }

    fn back_reference(&mut self, s: usize, digit: u8) -> End {
        let number = usize::from(digit - b'0');
        let slot = number.checked_sub(1).and_then(|index| self.captures[..self.level].get(index)).copied();
        let length = match slot {
            None | Some(Slot { extent: Extent::Unfinished, .. }) => {
                return self.fail(Fault::CaptureIndex(number));
            }
            // The original takes a position for a text longer than any subject.
            Some(Slot { extent: Extent::Position, .. }) => return End::NOWHERE,
            Some(Slot { extent: Extent::Length(length), .. }) => length,
        };
        if !self.burn(length as u64 / 16) {
            return self.fail(Fault::TooLong);
        }
        let start = slot.map_or(0, |slot| slot.start);
        if self.subject[s..].starts_with(&self.subject[start..start + length]) {
            End(s + length)
        } else {
            End::NOWHERE
        }
    }

    fn balance(&mut self, s: usize, p: usize) -> End {
        let (Some(&open), Some(&close)) = (self.pattern.get(p), self.pattern.get(p + 1)) else {
            return self.fail(Fault::MissingBalanceArguments);
        };
        if self.subject.get(s) != Some(&open) {
            return End::NOWHERE;
        }
        let mut depth = 1_usize;
        let mut end = None;
        for (at, &byte) in self.subject.iter().enumerate().skip(s + 1) {
            if byte == close {
                depth -= 1;
                if depth == 0 {
                    end = Some(at + 1);
                    break;
                }
            } else if byte == open {
                depth += 1;
            }
        }
        let looked_at = end.unwrap_or(self.subject.len()) - s;
        if !self.burn(looked_at as u64) {
            return self.fail(Fault::TooLong);
        }
        end.map_or(End::NOWHERE, End)
    }

    /// The pattern's next item, if `s` is where the set at `p` begins to match.
    fn frontier(&mut self, s: usize, p: usize) -> End {
        if self.pattern.get(p) != Some(&b'[') {
            return self.fail(Fault::MissingFrontierSet);
        }
        let item_end = match self.item_end(p) {
            Ok(item_end) => item_end,
            Err(fault) => return self.fail(fault),
        };
        if !self.burn((item_end - p) as u64 / 4) {
            return self.fail(Fault::TooLong);
        }
        let before = s.checked_sub(1).map_or(0, |before| self.subject[before]);
        let after = self.subject.get(s).copied().unwrap_or(0);
        let begins = !self.set_holds(before, p, item_end - 1) && self.set_holds(after, p, item_end - 1);
        if begins { End(item_end) } else { End::NOWHERE }
    }

    /// Where the item at `p` ends, without its suffix.
    fn item_end(&self, p: usize) -> Result<usize, Fault> {
        let at = |p: usize| self.pattern.get(p).copied();
        match self.pattern[p] {
            ESCAPE if p + 1 == self.pattern.len() => Err(Fault::EndsWithEscape),
            ESCAPE => Ok(p + 2),
            b'[' => {
                let mut p = p + 1;
                if at(p) == Some(b'^') {
                    p += 1;
                }
                loop {
                    // The first byte of a set may be the bracket that else would close it.
                    let byte = at(p).ok_or(Fault::MissingBracket)?;
                    p += 1;
                    if byte == ESCAPE && p < self.pattern.len() {
                        p += 1;
                    }
                    if at(p) == Some(b']') {
                        return Ok(p + 1);
                    }
                }
            }
            _ => Ok(p + 1),
        }
    }

    #[inline]
    fn matches_one(&self, s: usize, p: usize, item_end: usize) -> bool {
        let Some(&byte) = self.subject.get(s) else { return false };
        match self.pattern[p] {
            b'.' => true,
            ESCAPE => is_of(byte, self.pattern[p + 1]),
            b'[' => self.set_holds(byte, p, item_end - 1),
            literal => literal == byte,
        }
    }

    /// Whether the set that begins at `p`, with its closing bracket at `close`, holds `byte`.
    fn set_holds(&self, byte: u8, p: usize, close: usize) -> bool {
        let pattern = self.pattern;
        let complement = pattern[p + 1] == b'^';
        let mut p = if complement { p + 2 } else { p + 1 };
        while p < close {
            if pattern[p] == ESCAPE {
                p += 1;
                if is_of(byte, pattern[p]) {
                    return !complement;
                }
            } else if pattern[p + 1] == b'-' && p + 2 < close {
                if (pattern[p]..=pattern[p + 2]).contains(&byte) {
                    return !complement;
                }
                p += 2;
            } else if pattern[p] == byte {
                return !complement;
            }
            p += 1;
        }
        complement
    }

    #[inline]
    fn burn(&mut self, steps: u64) -> bool {
        let left = self.fuel.checked_sub(steps);
        self.fuel = left.unwrap_or(0);
        left.is_some()
    }

    #[cold]
    fn fail(&mut self, fault: Fault) -> End {
        self.fault = Some(fault);
        End::FAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: u64 = 1_000_000;

    fn match_at(subject: &str, pattern: &str, fuel: u64) -> Result<Option<usize>, Fault> {
        Matcher::new(subject.as_bytes(), pattern.as_bytes(), fuel).match_at(0)
    }

    #[test]
    fn a_match_ends_where_the_pattern_is_used_up() {
        assert_eq!(match_at("hello world", "%a+", PLENTY), Ok(Some(5)));
        assert_eq!(match_at("((a)b)c", "%b()", PLENTY), Ok(Some(6)));
        assert_eq!(match_at("abab", "(ab)%1$", PLENTY), Ok(Some(4)));
        assert_eq!(match_at("ab", "b", PLENTY), Ok(None));
    }

    #[test]
    fn a_match_that_backtracks_too_long_is_given_up() {
        let subject = "a".repeat(400);
        assert_eq!(match_at(&subject, ".-.-.-.-.-b", PLENTY), Err(Fault::TooLong));
        assert_eq!(match_at(&subject, &format!("[{}]*b", "x-z".repeat(10_000)), PLENTY), Ok(None));
    }

    #[test]
    fn long_sets_burn_more_than_short_ones() {
        let subject = "a".repeat(400);
        let pattern = format!("[{}a]*b", "x-z".repeat(10_000));
        assert_eq!(match_at(&subject, &pattern, PLENTY), Err(Fault::TooLong));
    }

    #[test]
    fn captures_are_told_by_index() {
        let mut matcher = Matcher::new(b"key=value", b"(%a+)=()", PLENTY);
        assert_eq!(matcher.match_at(0), Ok(Some(4)));
        assert_eq!(matcher.capture(0, 0..4), Ok(Capture::Text(0..3)));
        assert_eq!(matcher.capture(1, 0..4), Ok(Capture::Position(4)));
        assert_eq!(matcher.capture(2, 0..4), Err(Fault::CaptureIndex(3)));
    }
}
