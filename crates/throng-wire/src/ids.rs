//! Numbers for messages: which of them a header or a document names by which number.

use crate::MessageId;

/// The numbers of a protocol's messages: of those that are sent and of those that are received, which may have tables of
/// their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    /// Of what is sent, by message.
    numbers: Vec<Option<i64>>,
    /// Of what is received, by number, sorted.
    messages: Vec<(i64, MessageId)>,
}

/// (message, number) pairs of one direction.
pub(crate) type Pairs = [(MessageId, i64)];

/// Two messages of one direction with one number: the second's, and the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SameNumber(pub(crate) MessageId, pub(crate) i64);

impl Ids {
    /// The tables of what is sent and of what is received.
    pub(crate) fn new(sent: &Pairs, received: &Pairs) -> Result<Ids, SameNumber> {
        let mut ids = Ids { numbers: Vec::new(), messages: sorted(received)? };
        sorted(sent)?;
        for (message, number) in sent {
            let index = message.0 as usize;
            if ids.numbers.len() <= index {
                ids.numbers.resize(index + 1, None);
            }
            ids.numbers[index] = Some(*number);
        }
        Ok(ids)
    }

    /// Each number and its message, of what is received and of what is sent.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (i64, MessageId)> {
        let sent = self.numbers.iter().enumerate();
        let sent = sent.filter_map(|(index, number)| Some(((*number)?, MessageId(index as u32))));
        self.messages.iter().copied().chain(sent)
    }

    #[inline]
    pub(crate) fn number(&self, message: MessageId) -> Option<i64> {
        self.numbers.get(message.0 as usize).copied().flatten()
    }

    /// The message that is sent with the number with which this one comes.
    pub(crate) fn counterpart(&self, received: MessageId) -> Option<MessageId> {
        let (number, _) = self.messages.iter().find(|(_, message)| *message == received)?;
        let place = self.numbers.iter().position(|sent| *sent == Some(*number))?;
        Some(MessageId(place as u32))
    }

    #[inline]
    pub(crate) fn message(&self, number: i64) -> Option<MessageId> {
        let place = self.messages.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(self.messages[place].1)
    }
}

/// Pairs by number.
fn sorted(pairs: &Pairs) -> Result<Vec<(i64, MessageId)>, SameNumber> {
    let mut sorted: Vec<(i64, MessageId)> =
        pairs.iter().map(|(message, number)| (*number, *message)).collect();
    sorted.sort_by_key(|(number, _)| *number);
    match sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(SameNumber(pair[1].1, pair[1].0)),
        None => Ok(sorted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_both_ways() {
        let pairs = [(MessageId(3), 1001), (MessageId(1), -5)];
        let ids = Ids::new(&pairs, &pairs).unwrap();
        assert_eq!((ids.number(MessageId(3)), ids.message(-5)), (Some(1001), Some(MessageId(1))));
        assert_eq!((ids.number(MessageId(0)), ids.number(MessageId(9)), ids.message(7)), (None, None, None));
    }

    #[test]
    fn a_number_may_mean_another_message_each_way_but_not_two_in_one() {
        let (sent, received) = ([(MessageId(0), 1), (MessageId(1), 2)], [(MessageId(2), 1)]);
        let ids = Ids::new(&sent, &received).unwrap();
        assert_eq!((ids.number(MessageId(0)), ids.message(1)), (Some(1), Some(MessageId(2))));
        assert_eq!((ids.number(MessageId(2)), ids.message(2)), (None, None));
        assert_eq!(
            (ids.counterpart(MessageId(2)), ids.counterpart(MessageId(1))),
            (Some(MessageId(0)), None)
        );
        let twice = [(MessageId(0), 1), (MessageId(1), 1)];
        assert_eq!(Ids::new(&twice, &[]).unwrap_err(), SameNumber(MessageId(1), 1));
        assert_eq!(Ids::new(&[], &twice).unwrap_err(), SameNumber(MessageId(1), 1));
    }
}
