//! The key exchange of Diffie and Hellman in 64 bits.

use super::{Argument, WordError, word};

/// The largest prime below 2^64.
const PRIME: u64 = 0xffff_ffff_ffff_ffc5;

const GENERATOR: u64 = 5;

/// Why keys cannot be exchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// A key that does not have 8 bytes.
    #[error(transparent)]
    Length(#[from] WordError),
    /// A key of zeros, which would give the secret away.
    #[error("the {argument} argument must not be 8 bytes of zero")]
    Zero {
        /// Which one.
        argument: Argument,
    },
}

/// A private key from 8 random bytes, which are taken as they are except that zero is avoided.
pub fn randomkey(random: [u8; 8]) -> [u8; 8] {
    let mut key = random;
    // skynet looks at the exclusive or of the bytes, so it changes a few keys that are not zero as well.
    if key.iter().fold(0, |all, byte| all ^ byte) == 0 {
        key[0] |= 1;
    }
    key
}

/// What to send to the other side for the private key `secret`: 5 to the power of it, modulo 2^64 - 59.
///
/// # Errors
/// A key that does not have 8 bytes, or is zero.
pub fn dhexchange(secret: &[u8]) -> Result<[u8; 8], ExchangeError> {
    Ok(power(GENERATOR, key(Argument::First, secret)?).to_le_bytes())
}

/// The secret that both sides share: what the other side sent, to the power of one's own private key.
///
/// # Errors
/// A key that does not have 8 bytes, or is zero.
pub fn dhsecret(received: &[u8], secret: &[u8]) -> Result<[u8; 8], ExchangeError> {
    let (received, secret) = (word(Argument::First, received)?, word(Argument::Second, secret)?);
    let base = key(Argument::First, &received)?;
    Ok(power(base, key(Argument::Second, &secret)?).to_le_bytes())
}

fn key(argument: Argument, bytes: &[u8]) -> Result<u64, ExchangeError> {
    match u64::from_le_bytes(word(argument, bytes)?) {
        0 => Err(ExchangeError::Zero { argument }),
        key => Ok(key),
    }
}

/// `base` to the power of `exponent`, which is not zero, modulo the prime.
fn power(base: u64, exponent: u64) -> u64 {
    // As in skynet, the prime itself stays: to the power of one it is the prime and not zero.
    let base = if base > PRIME { base - PRIME } else { base };
    let below_highest = (0..exponent.ilog2()).rev();
    below_highest.fold(base, |power, bit| {
        let square = multiply(power, power);
        if (exponent >> bit) & 1 == 1 { multiply(square, base) } else { square }
    })
}

fn multiply(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right) % u128::from(PRIME);
    product as u64
}
