//! What game logins need over byte slices: digests, ciphers, text forms, and skynet's login set.
//!
//! Published algorithms come from RustCrypto and other kept libraries; written here are only skynet's own, and the
//! border that turns whatever a script hands over into a result or an error that names lengths and positions. Nothing
//! here reads a clock, a socket or a source of randomness: random bytes are given by the caller, so that seeded robots
//! stay repeatable. Positions in errors count from 1, as Lua counts.
//!
//! Much of this is weak by today's standards (MD5, RC4, DES, a 64-bit key exchange). It is here because servers under
//! test speak it; protect nothing real with it.
//!
//! Start with [`aes`], [`CipherStream`] and [`skynet`].
//!
//! ```
//! use throng_crypto::{CipherStream, aes, hex, md5};
//!
//! let session = md5(b"account:password");
//! let token = aes::cbc_encrypt(&session, &[0; 16], b"login", aes::Padding::Pkcs7)?;
//! assert_eq!(token.len(), 16);
//! assert_eq!(hex::encode(&session[..4]), "454bf328");
//!
//! let mut outgoing = CipherStream::rc4(&session)?;
//! let mut frame = *b"first frame";
//! outgoing.apply(&mut frame);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod aes;
pub mod base64;
mod hash;
pub mod hex;
mod key;
pub mod skynet;
mod stream;

pub use hash::{Hash, crc32, hmac_md5, hmac_sha1, hmac_sha256, hmac_sha512, md5, sha1, sha256, sha512};
pub use key::KeyError;
pub use stream::{CipherStream, rc4, xor};
