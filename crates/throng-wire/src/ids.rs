//! Numbers for messages: which of them a header or a document names by which number.

use crate::MessageId;

/// The numbers of a protocol's messages, both ways.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    /// By message.
    numbers: Vec<Option<i64>>,
    /// By number, sorted.
    messages: Vec<(i64, MessageId)>,
}

/// Two messages with one number: the second's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SameNumber(pub(crate) usize);

impl Ids {
    /// The table of (message, number) pairs; an error is the place of a pair whose number is taken.
    pub(crate) fn new(pairs: &[(MessageId, i64)]) -> Result<Ids, SameNumber> {
        let mut ids = Ids::default();
        for (place, (message, number)) in pairs.iter().enumerate() {
            if pairs[..place].iter().any(|(_, taken)| taken == number) {
                return Err(SameNumber(place));
            }
            let index = message.0 as usize;
            if ids.numbers.len() <= index {
                ids.numbers.resize(index + 1, None);
            }
            ids.numbers[index] = Some(*number);
            ids.messages.push((*number, *message));
        }
        ids.messages.sort_unstable_by_key(|(number, _)| *number);
        Ok(ids)
    }

    /// Each number and its message.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (i64, MessageId)> {
        self.messages.iter().copied()
    }

    #[inline]
    pub(crate) fn number(&self, message: MessageId) -> Option<i64> {
        self.numbers.get(message.0 as usize).copied().flatten()
    }

    #[inline]
    pub(crate) fn message(&self, number: i64) -> Option<MessageId> {
        let place = self.messages.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(self.messages[place].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_both_ways() {
        let ids = Ids::new(&[(MessageId(3), 1001), (MessageId(1), -5)]).unwrap();
        assert_eq!((ids.number(MessageId(3)), ids.message(-5)), (Some(1001), Some(MessageId(1))));
        assert_eq!((ids.number(MessageId(0)), ids.number(MessageId(9)), ids.message(7)), (None, None, None));
        assert_eq!(Ids::new(&[(MessageId(0), 1), (MessageId(1), 1)]).unwrap_err(), SameNumber(1));
    }
}
