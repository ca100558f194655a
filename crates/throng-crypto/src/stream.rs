//! Ciphers for one direction of one connection: they keep their position, so bytes may come in any pieces.

use std::fmt;

use ::aes::{Aes128, Aes192, Aes256};
use ctr::Ctr128BE;
use rc4::{KeyInit, Rc4, StreamCipher};

use crate::KeyError;
use crate::aes::with_iv;

/// A stream cipher and its position. Encrypting and decrypting are the same, so each direction needs its own.
///
/// ```
/// use throng_crypto::CipherStream;
///
/// let (mut ours, mut theirs) = (CipherStream::rc4(b"Key")?, CipherStream::rc4(b"Key")?);
/// let mut bytes = *b"Plaintext";
/// ours.apply(&mut bytes);
/// theirs.apply(&mut bytes[..5]);
/// theirs.apply(&mut bytes[5..]);
/// assert_eq!(&bytes, b"Plaintext");
/// # Ok::<(), throng_crypto::KeyError>(())
/// ```
pub struct CipherStream(Keystream);

/// Boxed: a connection has two, most have none.
enum Keystream {
    Rc4(Box<Rc4>),
    Aes128Ctr(Box<Ctr128BE<Aes128>>),
    Aes192Ctr(Box<Ctr128BE<Aes192>>),
    Aes256Ctr(Box<Ctr128BE<Aes256>>),
    Xor { key: Box<[u8]>, next: usize },
}

impl CipherStream {
    /// RC4 under a key of 1 to 256 bytes.
    ///
    /// # Errors
    /// A key of another length.
    pub fn rc4(key: &[u8]) -> Result<CipherStream, KeyError> {
        let cipher = Rc4::new_from_slice(key).map_err(|_| KeyError::Rc4 { length: key.len() })?;
        Ok(CipherStream(Keystream::Rc4(Box::new(cipher))))
    }

    /// AES in CTR mode under a key of 16, 24 or 32 bytes; `iv` is the first counter block, 16 bytes that count up as one
    /// big-endian number.
    ///
    /// # Errors
    /// A key or `iv` of another length.
    pub fn aes_ctr(key: &[u8], iv: &[u8]) -> Result<CipherStream, KeyError> {
        let keystream = match key.len() {
            16 => Keystream::Aes128Ctr(Box::new(with_iv(key, iv)?)),
            24 => Keystream::Aes192Ctr(Box::new(with_iv(key, iv)?)),
            32 => Keystream::Aes256Ctr(Box::new(with_iv(key, iv)?)),
            length => return Err(KeyError::Aes { length }),
        };
        Ok(CipherStream(keystream))
    }

    /// The key's bytes again and again.
    ///
    /// # Errors
    /// An empty key.
    pub fn xor(key: &[u8]) -> Result<CipherStream, KeyError> {
        if key.is_empty() {
            return Err(KeyError::EmptyXor);
        }
        Ok(CipherStream(Keystream::Xor { key: key.into(), next: 0 }))
    }

    /// Encrypts or decrypts the stream's next bytes where they are.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        match &mut self.0 {
            Keystream::Rc4(cipher) => cipher.apply_keystream(bytes),
            Keystream::Aes128Ctr(cipher) => cipher.apply_keystream(bytes),
            Keystream::Aes192Ctr(cipher) => cipher.apply_keystream(bytes),
            Keystream::Aes256Ctr(cipher) => cipher.apply_keystream(bytes),
            Keystream::Xor { key, next } => {
                for byte in bytes {
                    *byte ^= key[*next];
                    *next = if *next + 1 == key.len() { 0 } else { *next + 1 };
                }
            }
        }
    }
}

/// Names the cipher only: keys stay out of logs.
impl fmt::Debug for CipherStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            Keystream::Rc4(_) => "rc4",
            Keystream::Aes128Ctr(_) => "aes-128-ctr",
            Keystream::Aes192Ctr(_) => "aes-192-ctr",
            Keystream::Aes256Ctr(_) => "aes-256-ctr",
            Keystream::Xor { .. } => "xor",
        };
        write!(f, "CipherStream({name})")
    }
}

/// `bytes` encrypted or decrypted with RC4 from the start of its stream; a key has 1 to 256 bytes.
///
/// # Errors
/// A key of another length.
pub fn rc4(key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
    applied(CipherStream::rc4(key)?, bytes)
}

/// `bytes` combined by exclusive or with the key's bytes again and again.
///
/// # Errors
/// An empty key.
pub fn xor(bytes: &[u8], key: &[u8]) -> Result<Vec<u8>, KeyError> {
    applied(CipherStream::xor(key)?, bytes)
}

fn applied(mut stream: CipherStream, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut bytes = bytes.to_vec();
    stream.apply(&mut bytes);
    Ok(bytes)
}
