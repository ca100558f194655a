//! How a user says which run is meant.

use std::str::FromStr;

use crate::error::StoreError;
use crate::run::RunId;

/// A run as a user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `12`: by its number.
    Number(RunId),
    /// `last` and `last~2`: so many before the newest.
    Last(u32),
    /// `tag:NAME`: the newest with that tag.
    Tag(String),
}

impl FromStr for Reference {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let known = match (text.strip_prefix("last"), text.strip_prefix("tag:")) {
            (Some(""), _) => Some(Reference::Last(0)),
            (Some(back), _) => back.strip_prefix('~').and_then(|back| back.parse().ok()).map(Reference::Last),
            (_, Some(tag)) if !tag.is_empty() => Some(Reference::Tag(tag.to_owned())),
            _ => text.parse().ok().filter(|id| *id > 0).map(|id| Reference::Number(RunId(id))),
        };
        known.ok_or_else(|| StoreError::Reference(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_named_by_number_age_and_tag() {
        let read = |text: &str| text.parse::<Reference>().unwrap();
        assert_eq!(read("12"), Reference::Number(RunId(12)));
        assert_eq!((read("last"), read("last~3")), (Reference::Last(0), Reference::Last(3)));
        assert_eq!(read("tag:release"), Reference::Tag("release".to_owned()));
    }

    #[test]
    fn what_is_no_run_is_said_with_what_would_be() {
        for text in ["", "0", "-1", "latest", "last~", "last~x", "tag:", "one"] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains(&format!("'{text}'")) && error.contains("last~1"), "{error}");
        }
    }
}
