//! skynet's own hashes of 8 bytes.

use md5::block_api::compress;

use super::{Argument, WordError, word};

/// MD5's first state (RFC 1321, 3.3).
const MD5_START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Two hashes of 32 bits behind each other: Bernstein's and Sobel's.
pub fn hashkey(text: &[u8]) -> [u8; 8] {
    let (mut bernstein, mut sobel) = (5381_u32, 1_315_423_911_u32);
    for byte in text {
        let byte = u32::from(*byte);
        bernstein = bernstein.wrapping_mul(33).wrapping_add(byte);
        sobel ^= (sobel << 5).wrapping_add(byte).wrapping_add(sobel >> 2);
    }
    join(bernstein, sobel)
}

/// MD5's rounds over both words four times, without length, padding or the final addition; `hmac64(challenge, secret)`
/// proves at login that one knows the secret.
///
/// # Errors
/// An argument that does not have 8 bytes.
pub fn hmac64(x: &[u8], y: &[u8]) -> Result<[u8; 8], WordError> {
    Ok(rounds(word(Argument::First, x)?, word(Argument::Second, y)?))
}

/// The MD5 of both words three times, its halves combined by exclusive or.
///
/// # Errors
/// An argument that does not have 8 bytes.
pub fn hmac64_md5(x: &[u8], y: &[u8]) -> Result<[u8; 8], WordError> {
    let pair = [word(Argument::First, x)?, word(Argument::Second, y)?].concat();
    let digest = crate::md5(&pair.repeat(3));
    Ok(std::array::from_fn(|index| digest[index] ^ digest[index + 8]))
}

/// [`hmac64`] of the text's [`hashkey`] and `key`; signs the handshake with a gate.
///
/// # Errors
/// A key that does not have 8 bytes.
pub fn hmac_hash(key: &[u8], text: &[u8]) -> Result<[u8; 8], WordError> {
    Ok(rounds(hashkey(text), word(Argument::First, key)?))
}

fn rounds(x: [u8; 8], y: [u8; 8]) -> [u8; 8] {
    let mut block = [0; 64];
    for quarter in block.chunks_exact_mut(16) {
        quarter[..8].copy_from_slice(&swapped(x));
        quarter[8..].copy_from_slice(&swapped(y));
    }
    let mut state = MD5_START;
    compress(&mut state, &[block]);
    // The library adds the first state at the end, skynet does not.
    let [a, b, c, d] = std::array::from_fn(|index| state[index].wrapping_sub(MD5_START[index]));
    join(c ^ d, a ^ b)
}

/// The word with its halves exchanged.
fn swapped(word: [u8; 8]) -> [u8; 8] {
    u64::from_le_bytes(word).rotate_left(32).to_le_bytes()
}

/// A word from its lower and its upper half.
fn join(low: u32, high: u32) -> [u8; 8] {
    (u64::from(low) | (u64::from(high) << 32)).to_le_bytes()
}
