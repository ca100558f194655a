//! Sproto's 0-packing and struct layout, as its reference describes them, in the simplest form.

use crate::bytes::{joined, le16, le32};

/// Packs by runs of words as they are: no word is taken for zeros.
pub(crate) fn packed(plain: &[u8]) -> Vec<u8> {
    let mut padded = plain.to_vec();
    padded.resize(plain.len().next_multiple_of(8), 0);
    padded.chunks(2048).flat_map(|run| joined(&[&[0xff, (run.len() / 8 - 1) as u8], run])).collect()
}

/// What was packed.
pub(crate) fn unpacked(mut bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    while let Some((head, rest)) = bytes.split_first() {
        if *head == 0xff {
            let length = (usize::from(rest[0]) + 1) * 8;
            plain.extend_from_slice(&rest[1..=length]);
            bytes = &rest[1 + length..];
            continue;
        }
        bytes = rest;
        for bit in 0..8 {
            let set = head >> bit & 1 == 1;
            plain.push(if set { bytes[0] } else { 0 });
            bytes = &bytes[usize::from(set)..];
        }
    }
    plain
}

/// A field of a struct.
#[derive(Debug, Clone)]
pub(crate) enum Field {
    /// A small number or a boolean, in the field itself.
    Small(u16),
    /// What stands behind the fields, with its length.
    Block(Vec<u8>),
    /// Tags that are left out, as the field says it.
    Skip(u16),
}

impl Field {
    pub(crate) fn text(text: &[u8]) -> Field {
        Field::Block(text.to_vec())
    }
}

/// A struct whose fields have the tags 0, 1 and so on.
pub(crate) fn structure(fields: &[Field]) -> Vec<u8> {
    let mut head = le16(fields.len() as u16).to_vec();
    let mut blocks = Vec::new();
    for field in fields {
        let value = match field {
            Field::Small(value) => (value + 1) * 2,
            Field::Skip(count) => count * 2 - 1,
            Field::Block(block) => {
                blocks.extend_from_slice(&le32(block.len() as u32));
                blocks.extend_from_slice(block);
                0
            }
        };
        head.extend_from_slice(&le16(value));
    }
    joined(&[&head, &blocks])
}
