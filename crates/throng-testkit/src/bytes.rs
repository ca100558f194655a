//! Bytes by hand.

/// A number of two bytes, the lowest first.
pub(crate) fn le16(number: u16) -> [u8; 2] {
    number.to_le_bytes()
}

/// A number of four bytes, the lowest first.
pub(crate) fn le32(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}

/// Parts, one behind the other.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A number in groups of seven bits, the lowest first.
pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
