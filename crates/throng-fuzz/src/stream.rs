//! Streams through a channel, whole and in pieces, as a driver reads them.

use throng_wire::{Channel, Received};

/// What a stream held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The handshake was done.
    Opened,
    /// A message.
    Message(Vec<u8>),
    /// The peer's good-bye.
    Closed(Option<u16>, String),
    /// The end of all: why.
    Broken(String),
    /// What its end, if it came now, would cut short.
    Ended(Option<String>),
}

/// Reads `stream` as a driver does that gets it in pieces of these sizes, and keeps at most `limit` bytes between two.
pub fn read(
    channel: &mut Channel,
    stream: &[u8],
    limit: usize,
    mut size: impl FnMut() -> usize,
) -> Vec<Found> {
    let (mut found, mut tail, mut rest) = (Vec::new(), Vec::new(), stream);
    let mut answers = Vec::new();
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(size().min(rest.len()));
        rest = behind;
        tail.extend_from_slice(piece);
        let Some(used) = cut_all(channel, &tail, &mut found) else { return found };
        tail.drain(..used);
        assert!(tail.len() <= limit, "{} bytes are kept, {limit} allowed", tail.len());
        channel.drain_control(&mut answers);
        // A pong for each piece, and a handshake.
        assert!(answers.len() <= 300, "{} bytes of answers", answers.len());
        answers.clear();
    }
    found.push(Found::Ended(channel.end_of_input().err().map(|error| error.to_string())));
    found
}

/// Cuts until more is needed; how many bytes were used, or `None` when it is all over.
fn cut_all(channel: &mut Channel, input: &[u8], found: &mut Vec<Found>) -> Option<usize> {
    let mut at = 0;
    loop {
        let left = input.len() - at;
        let used = match channel.cut(&input[at..]) {
            Ok(Received::Need { at_least }) => {
                assert!(at_least > left, "{at_least} bytes are wanted, {left} are there");
                return Some(at);
            }
            Ok(Received::Opened { used }) => {
                found.push(Found::Opened);
                used
            }
            Ok(Received::Message { payload, used }) => {
                found.push(Found::Message(payload.to_vec()));
                used
            }
            Ok(Received::Control { used }) => used,
            Ok(Received::Closed { code, reason, used }) => {
                assert!(used <= left && reason.len() <= 123);
                found.push(Found::Closed(code, reason.into()));
                return None;
            }
            Err(error) => {
                found.push(Found::Broken(error.to_string()));
                return None;
            }
        };
        assert!(used <= left, "{used} bytes of {left} were used");
        at += used;
    }
}
