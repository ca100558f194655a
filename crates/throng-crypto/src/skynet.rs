//! skynet's login set, with the names and the results of its `skynet.crypt`.
//!
//! The results are those of skynet's `lua-crypt.c` bit for bit, also where it differs from the published algorithm of
//! the same name: [`hmac64`] is not an HMAC, and [`base64decode`] skips what is not of the alphabet. Only one thing is
//! stricter, because there skynet reads garbage as digits by mistake: see [`hexdecode`]. Errors say more than skynet's.
//!
//! Words of 8 bytes are little-endian, as they stand in the strings that a script passes around.
//!
//! ```
//! use throng_crypto::skynet;
//!
//! // A client and a server agree on a secret over an open line, and prove to each other that they did.
//! let (ours, theirs) = (skynet::randomkey(*b"8 random"), skynet::randomkey(*b"8 others"));
//! let secret = skynet::dhsecret(&skynet::dhexchange(&theirs)?, &ours)?;
//! assert_eq!(secret, skynet::dhsecret(&skynet::dhexchange(&ours)?, &theirs)?);
//! let proof = skynet::hmac64(b"challeng", &secret)?;
//! let token = skynet::desencode(&secret, b"user@server:password", skynet::DesPadding::Iso7816)?;
//! # assert_eq!(skynet::desdecode(&secret, &token, skynet::DesPadding::Iso7816)?, b"user@server:password");
//! # assert_eq!(proof.len(), 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod des;
mod exchange;
mod hash;
mod text;

pub use crate::hash::{hmac_sha1, sha1};
pub use des::{DesError, DesPadding, desdecode, desencode};
pub use exchange::{ExchangeError, dhexchange, dhsecret, randomkey};
pub use hash::{hashkey, hmac_hash, hmac64, hmac64_md5};
pub use text::{base64decode, base64encode, hexdecode, hexencode, xor_str};

/// Which argument of a call something is wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// The first.
    First,
    /// The second.
    Second,
}

impl std::fmt::Display for Argument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Argument::First => "first",
            Argument::Second => "second",
        })
    }
}

/// An argument that must be a word of 8 bytes is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {argument} argument must have 8 bytes, it has {length}")]
pub struct WordError {
    /// Which one.
    pub argument: Argument,
    /// Its length, in bytes.
    pub length: usize,
}

/// The 8 bytes of an argument.
fn word(argument: Argument, bytes: &[u8]) -> Result<[u8; 8], WordError> {
    bytes.try_into().map_err(|_| WordError { argument, length: bytes.len() })
}
