//! A message's bytes as lines with their places: what stands there, as far as it can be read.

mod sproto;

use throng_protobuf as protobuf;

pub(super) use sproto::sproto;

use super::capture::Broken;

/// The most bytes of a string that a line shows.
const SHOWN: usize = 64;

/// A part of a message.
pub(super) struct Line {
    pub(super) offset: usize,
    pub(super) length: usize,
    pub(super) depth: usize,
    pub(super) text: String,
}

/// A message.
pub(super) struct Tree {
    pub(super) lines: Vec<Line>,
    pub(super) broken: Option<Broken>,
    /// How many bytes it takes.
    pub(super) used: usize,
    /// How many fields the schema does not know.
    pub(super) unknown: usize,
}

impl Tree {
    /// The same tree of bytes with `count` more in front.
    pub(super) fn behind(mut self, count: usize) -> Tree {
        self.lines.iter_mut().for_each(|line| line.offset += count);
        self.broken = self.broken.map(|broken| Broken { offset: broken.offset + count, ..broken });
        self
    }
}

/// A protobuf message, which is all of `bytes`.
pub(super) fn protobuf(schema: &protobuf::Schema, id: protobuf::MessageId, bytes: &[u8]) -> Tree {
    let (lines, error) = protobuf::dump::dump(schema, id, bytes);
    let error = error.or_else(|| protobuf::decode_value(schema, id, bytes).err());
    let line = |line: protobuf::dump::Line| Line {
        offset: line.offset,
        length: line.length,
        depth: line.depth,
        text: line.text,
    };
    Tree {
        unknown: lines.iter().filter(|line| line.unknown).count(),
        lines: lines.into_iter().map(line).collect(),
        broken: error
            .map(|error| Broken { offset: error.offset, text: format!("{} ({})", error.kind, error.place) }),
        used: bytes.len(),
    }
}

/// Bytes as a text with escapes, or as bytes where they are none; not all of it.
pub(super) fn text(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else { return escaped(bytes) };
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(SHOWN).collect();
    format!("{shown:?}{}", if chars.next().is_some() { "..." } else { "" })
}

/// Bytes as ASCII with escapes; not all of them.
pub(super) fn escaped(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let more = if shown.len() < bytes.len() { "..." } else { "" };
    format!("\"{}\"{more}", shown.escape_ascii())
}
