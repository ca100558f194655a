//! Patterns with `*` for any run of characters, as used for hosts, message names and field names.

/// A text in which each `*` stands for any characters, also none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// A pattern; every text is one.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `name` fits.
    pub fn matches(&self, name: &str) -> bool {
        crate::config::matches(&self.text, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(Pattern::new(pattern).matches(name), expected, "{pattern} on {name}");
    }

    #[test]
    fn stars_stand_for_any_characters() {
        check("ws://*", "ws://127.0.0.1:8765", true);
        check("ws://*", "tcp://127.0.0.1:8765", false);
        check("*Request", "EchoRequest", true);
        check("*Request", "RequestEcho", false);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "a-c-b", false);
        check("*", "", true);
        check("ab*ba", "aba", false);
        check("exact", "exact", true);
        check("exact", "exactly", false);
    }

    proptest! {
        #[test]
        fn a_pattern_made_by_cutting_a_piece_out_matches(head in ".*", middle in ".*", tail in ".*") {
            let pattern = Pattern::new(&format!("{}*{}", head.replace('*', ""), tail.replace('*', "")));
            let name = format!("{}{}{}", head.replace('*', ""), middle, tail.replace('*', ""));
            prop_assert!(pattern.matches(&name));
        }
    }
}
