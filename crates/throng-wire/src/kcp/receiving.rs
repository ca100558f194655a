//! What comes: segments in any order are put in theirs, and acknowledged.

use super::Packet;
use super::segment::{Command, Header, distance};
use std::collections::VecDeque;

/// The least receive window, in segments: a message's fragments fit in.
const LEAST_WINDOW: u16 = 128;
/// Bytes that are kept at most of what came too early; what would be more is not acknowledged, and comes again.
const MOST_EARLY: usize = 4 << 20;
/// Bytes that are kept at most in all. The piece that comes next is always taken up to here, or those behind it would keep it
/// out for ever.
const MOST_BYTES: usize = 12 << 20;
/// Acknowledgements that wait for the next flush at most; the peer sends again what is not acknowledged.
const MOST_ACKNOWLEDGEMENTS: usize = 4096;

#[derive(Debug)]
pub(super) struct Receiver {
    window: u16,
    expected: u32,
    /// By how far their number lies behind `expected`.
    early: VecDeque<Option<Piece>>,
    /// In order, and not taken yet.
    queue: VecDeque<Piece>,
    /// Messages in `queue` that are whole.
    whole: usize,
    /// Of all pieces.
    bytes: usize,
    /// Numbers and stamps.
    acknowledgements: Vec<(u32, u32)>,
    tells_window: bool,
    /// The piece that comes next found no room.
    is_overfull: bool,
}

#[derive(Debug)]
struct Piece {
    fragment: u8,
    body: Box<[u8]>,
}

impl Receiver {
    pub(super) fn new(window: u16) -> Receiver {
        Receiver {
            window: window.max(LEAST_WINDOW),
            expected: 0,
            early: VecDeque::new(),
            queue: VecDeque::new(),
            whole: 0,
            bytes: 0,
            acknowledgements: Vec::new(),
            tells_window: false,
            is_overfull: false,
        }
    }

    /// Takes in a segment with a body.
    pub(super) fn take(&mut self, header: &Header, body: &[u8]) {
        let ahead = distance(header.number, self.expected);
        if ahead >= i32::from(self.window) {
            return;
        }
        if ahead < 0 {
            // Its acknowledgement was lost.
            return self.acknowledge(header);
        }
        let most = if ahead == 0 { MOST_BYTES } else { MOST_EARLY };
        if self.bytes + body.len() > most {
            self.is_overfull |= ahead == 0;
            return;
        }
        self.acknowledge(header);
        let at = ahead as usize;
        if self.early.len() <= at {
            self.early.resize_with(at + 1, || None);
        }
        if self.early[at].is_none() {
            self.bytes += body.len();
            self.early[at] = Some(Piece { fragment: header.fragment, body: body.into() });
        }
        self.put_in_order();
    }

    fn acknowledge(&mut self, header: &Header) {
        if self.acknowledgements.len() < MOST_ACKNOWLEDGEMENTS {
            self.acknowledgements.push((header.number, header.stamp));
        }
    }

    fn put_in_order(&mut self) {
        while self.queue.len() < usize::from(self.window)
            && let Some(piece) = self.early.front_mut().and_then(Option::take)
        {
            self.early.pop_front();
            self.expected = self.expected.wrapping_add(1);
            self.whole += usize::from(piece.fragment == 0);
            self.queue.push_back(piece);
        }
    }

    /// Appends the next whole message.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        self.whole = self.whole.checked_sub(1)?;
        let (before, was_full) = (out.len(), self.room() == 0);
        while let Some(piece) = self.queue.pop_front() {
            self.bytes -= piece.body.len();
            out.extend_from_slice(&piece.body);
            if piece.fragment == 0 {
                break;
            }
        }
        self.put_in_order();
        self.tells_window |= was_full && self.room() > 0;
        Some(out.len() - before)
    }

    /// Whether the queue is full of a message that is not whole.
    pub(super) fn is_stuck(&self) -> bool {
        self.whole == 0 && self.room() == 0
    }

    /// Whether a message that is not whole has more bytes than are kept, and how many these are.
    pub(super) fn overfull(&self) -> Option<usize> {
        (self.whole == 0 && self.is_overfull).then_some(MOST_BYTES)
    }

    pub(super) fn window(&self) -> usize {
        usize::from(self.window)
    }

    /// Segments that can be taken.
    pub(super) fn room(&self) -> u16 {
        self.window.saturating_sub(u16::try_from(self.queue.len()).unwrap_or(u16::MAX))
    }

    pub(super) fn expected(&self) -> u32 {
        self.expected
    }

    pub(super) fn tell_window(&mut self) {
        self.tells_window = true;
    }

    pub(super) fn has_to_write(&self) -> bool {
        self.tells_window || !self.acknowledgements.is_empty()
    }

    pub(super) fn write(&mut self, base: &Header, packet: &mut Packet<'_>) {
        for (number, stamp) in self.acknowledgements.drain(..) {
            packet.put(&Header { number, stamp, ..*base }, &[]);
        }
        if std::mem::take(&mut self.tells_window) {
            packet.put(&Header { command: Command::TellWindow, ..*base }, &[]);
        }
    }
}
