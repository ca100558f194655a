//! A pattern map over names that are learned as they are used.

use std::sync::{Arc, OnceLock};

use super::{Pattern, PatternError};
use crate::MessageId;
use crate::names::open::OpenNames;

/// The pairs of patterns, and what they say of each name that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct OpenPatterns {
    names: Arc<OpenNames>,
    pairs: Vec<(String, String)>,
    replies: Box<[OnceLock<Option<MessageId>>]>,
    is_reply: Box<[OnceLock<bool>]>,
}

impl OpenPatterns {
    pub(crate) fn new(
        names: Arc<OpenNames>,
        pairs: &[(String, String)],
    ) -> Result<OpenPatterns, PatternError> {
        for (index, (request, reply)) in pairs.iter().enumerate() {
            let (from, to) = (Pattern::parse(request)?, Pattern::parse(reply)?);
            if from.is_exact() && !to.is_exact() {
                return Err(PatternError::StarOnlyInReply { request: request.clone(), reply: reply.clone() });
            }
            if pairs[..index].iter().any(|(earlier, _)| earlier == request) {
                return Err(PatternError::Twice { request: request.clone() });
            }
        }
        let most = OpenNames::most() as usize;
        Ok(OpenPatterns {
            names,
            pairs: pairs.to_vec(),
            replies: (0..most).map(|_| OnceLock::new()).collect(),
            is_reply: (0..most).map(|_| OnceLock::new()).collect(),
        })
    }

    #[inline]
    pub(super) fn reply_to(&self, request: MessageId) -> Option<MessageId> {
        let known = self.replies.get(request.0 as usize)?;
        *known.get_or_init(|| self.names.intern(&self.reply_name(self.names.name(request)?)?))
    }

    #[inline]
    pub(super) fn is_reply(&self, message: MessageId) -> bool {
        let Some(known) = self.is_reply.get(message.0 as usize) else { return false };
        *known.get_or_init(|| {
            let replies = self.pairs.iter().filter_map(|(_, reply)| Pattern::parse(reply).ok());
            let name = self.names.name(message);
            name.is_some_and(|name| replies.into_iter().any(|reply| reply.captured(name).is_some()))
        })
    }

    /// The name of the reply: an exact pair beats a pattern, the longest pattern the others.
    fn reply_name(&self, request: &str) -> Option<String> {
        let parsed = self.pairs.iter().rev().filter_map(|(request, reply)| {
            Some((Pattern::parse(request).ok()?, Pattern::parse(reply).ok()?))
        });
        let matching = parsed.filter(|(pattern, _)| pattern.captured(request).is_some());
        let (pattern, reply) = matching.max_by_key(|(pattern, _)| pattern.rank())?;
        let captured = pattern.captured(request)?;
        Some(match reply.ends {
            Some((prefix, suffix)) => format!("{prefix}{captured}{suffix}"),
            None => reply.text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paired_as_they_come() {
        let names = Arc::new(OpenNames::new());
        let pairs = [("*", "*"), ("get_*", "*_got"), ("login", "welcome")];
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let patterns = OpenPatterns::new(Arc::clone(&names), &pairs).unwrap();
        let reply = |request: &str| {
            let reply = patterns.reply_to(names.intern(request).unwrap())?;
            assert!(patterns.is_reply(reply));
            names.name(reply)
        };
        assert_eq!(reply("move"), Some("move"));
        assert_eq!(reply("get_item"), Some("item_got"));
        assert_eq!(reply("login"), Some("welcome"));
        let only = OpenPatterns::new(Arc::clone(&names), &pairs[1..]).unwrap();
        assert_eq!(only.reply_to(names.intern("move").unwrap()), None);
        assert!(!only.is_reply(names.intern("move").unwrap()));
        assert!(only.is_reply(names.intern("welcome").unwrap()));
        assert_eq!(only.reply_to(MessageId(u32::MAX)), None);
    }

    #[test]
    fn a_map_that_cannot_be_is_refused() {
        let refused = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            OpenPatterns::new(Arc::new(OpenNames::new()), &pairs).unwrap_err()
        };
        assert!(matches!(refused(&[("a", "*")]), PatternError::StarOnlyInReply { .. }));
        assert!(matches!(refused(&[("**", "*")]), PatternError::ManyStars { .. }));
        assert!(matches!(refused(&[("*", "a"), ("*", "b")]), PatternError::Twice { .. }));
    }
}
