//! Segments on the wire: a header of 24 bytes, little-endian, and a body.

use super::KcpError;

/// Bytes of a segment's header.
pub(super) const HEADER: usize = 24;

/// What a segment says beside its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) conv: u32,
    pub(super) command: Command,
    /// Fragments of the message that follow this one.
    pub(super) fragment: u8,
    /// Segments the sender of this can take.
    pub(super) window: u16,
    /// When it was sent, or the stamp of what it acknowledges.
    pub(super) stamp: u32,
    /// Its number, or the number it acknowledges.
    pub(super) number: u32,
    /// The number its sender expects next: all before it came.
    pub(super) expected: u32,
}

/// What a segment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Push = 81,
    Acknowledge = 82,
    AskWindow = 83,
    TellWindow = 84,
}

impl Command {
    const ALL: [Command; 4] = [Command::Push, Command::Acknowledge, Command::AskWindow, Command::TellWindow];
}

impl Header {
    /// Appends the segment.
    pub(super) fn write(&self, body: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.conv.to_le_bytes());
        out.extend_from_slice(&[self.command as u8, self.fragment]);
        out.extend_from_slice(&self.window.to_le_bytes());
        for number in [self.stamp, self.number, self.expected, body.len() as u32] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(body);
    }

    /// The segment of `conv` at the start of `bytes`, its body, and what stands behind it.
    pub(super) fn read(bytes: &[u8], conv: u32) -> Result<(Header, &[u8], &[u8]), KcpError> {
        let (head, rest) =
            bytes.split_first_chunk::<HEADER>().ok_or(KcpError::Short { length: bytes.len() })?;
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let found = word(0);
        if found != conv {
            return Err(KcpError::Conversation { found, wanted: conv });
        }
        let command = Command::ALL.into_iter().find(|command| *command as u8 == head[4]);
        let command = command.ok_or(KcpError::Command(head[4]))?;
        let said = word(20);
        let (body, rest) =
            rest.split_at_checked(said as usize).ok_or(KcpError::Truncated { said, left: rest.len() })?;
        let header = Header {
            conv,
            command,
            fragment: head[5],
            window: u16::from_le_bytes([head[6], head[7]]),
            stamp: word(8),
            number: word(12),
            expected: word(16),
        };
        Ok((header, body, rest))
    }
}

/// How far `later` lies behind `earlier`, on a circle: negative when it lies before.
pub(super) fn distance(later: u32, earlier: u32) -> i32 {
    later.wrapping_sub(earlier) as i32
}
