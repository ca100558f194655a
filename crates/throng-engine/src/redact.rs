//! Which fields of a message are secret: their values are shown as `***` in samples and timelines.

use crate::pattern::Pattern;

/// What stands for a secret value.
pub const REDACTED: &str = "***";

/// Names that are secret wherever they occur in a field's name, so that `userPassword` and `accesstoken` are.
const ANYWHERE: [&str; 7] =
    ["password", "passwd", "passphrase", "secret", "token", "credential", "authorization"];

/// Names that are secret as a word of their own, so that `api_key` and `set-cookie` are, but `monkey` is not.
const AS_A_WORD: [&str; 7] = ["key", "keys", "apikey", "pwd", "pass", "otp", "cookie"];

/// Which fields are secret: those named like a password, token or key, and those the project adds, without those it shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redaction {
    added: Vec<Pattern>,
    shown: Vec<Pattern>,
}

impl Redaction {
    /// The built-in names and `added`, without `shown`; both are patterns in small letters over whole field names.
    pub fn new(added: Vec<Pattern>, shown: Vec<Pattern>) -> Self {
        Self { added, shown }
    }

    /// Whether the value of a field with this name must not be shown.
    pub fn is_secret(&self, field: &str) -> bool {
        let lower = field.to_lowercase();
        let fits = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(&lower));
        if fits(&self.shown) {
            return false;
        }
        fits(&self.added)
            || ANYWHERE.iter().any(|name| lower.contains(name))
            || words(field).iter().any(|word| AS_A_WORD.contains(&word.as_str()))
    }

    /// Whether a text names something secret, whose value then most likely stands there too.
    pub fn is_named_in(&self, text: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        text.split(|c| !is_word(c)).any(|word| self.is_secret(word))
    }
}

/// The words of a name in small letters: `apiKey`, `api_key` and `APIKey` are all `api`, `key`.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, c) in chars.iter().enumerate() {
        let previous = index.checked_sub(1).map(|at| chars[at]);
        let ends_acronym = previous.is_some_and(char::is_uppercase)
            && chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase() && (previous.is_some_and(|p| !p.is_uppercase()) || ends_acronym);
        if begins || !c.is_alphabetic() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphabetic(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, expected: bool) {
        assert_eq!(Redaction::default().is_secret(field), expected, "{field}");
    }

    #[test]
    fn fields_named_like_a_password_token_or_key_are_secret() {
        for field in [
            "password",
            "Password",
            "userPassword",
            "pwd",
            "Pwd",
            "old_pwd",
            "passwd",
            "token",
            "AccessToken",
            "accesstoken",
            "key",
            "apiKey",
            "api_key",
            "APIKey",
            "secret",
            "clientSecret",
            "key2",
            "sessionKEY",
            "Authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
        ] {
            check(field, true);
        }
    }

    #[test]
    fn ordinary_fields_are_shown() {
        for field in [
            "Text",
            "monkey",
            "keyboard",
            "turnkey",
            "passenger",
            "compass",
            "name",
            "",
            "hotkeys",
            "cookies",
        ] {
            check(field, false);
        }
    }

    #[test]
    fn a_project_adds_and_shows_names() {
        let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::new(text)).collect();
        let redaction = Redaction::new(patterns(&["card_*", "email"]), patterns(&["key", "*_public_token"]));
        assert!(redaction.is_secret("Card_Number"));
        assert!(redaction.is_secret("email"));
        assert!(redaction.is_secret("api_key"));
        assert!(!redaction.is_secret("Key"));
        assert!(!redaction.is_secret("my_public_token"));
    }

    #[test]
    fn a_text_that_names_a_secret_is_told() {
        let redaction = Redaction::default();
        assert!(redaction.is_named_in("{\"access_token\": 7}") && redaction.is_named_in("pwd=x"));
        assert!(!redaction.is_named_in("no such player") && !redaction.is_named_in(""));
    }

    #[test]
    fn everything_can_be_shown() {
        assert!(!Redaction::new(Vec::new(), vec![Pattern::new("*")]).is_secret("password"));
    }
}
