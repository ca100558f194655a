//! Ciphers on a channel: bytes changed where they are, from the next frame on, in one direction.

use std::ops::Range;

use throng_crypto::CipherStream;

/// Changes the bytes of one direction of one connection, in their order. It keeps its own position.
///
/// A [`CipherStream`] is one. A host's own function is another; it must not come back to the connection it is called for.
pub trait Cipher {
    /// Encrypts or decrypts the next bytes.
    ///
    /// # Errors
    /// Why it cannot; the connection cannot go on then.
    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), CipherError>;

    /// Whether it runs a function of the host's, which may come back to the driver. What is sent is not encrypted when it is
    /// made then, but by [`Channel::seal`](crate::Channel::seal).
    fn is_hosts(&self) -> bool {
        false
    }
}

impl Cipher for CipherStream {
    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), CipherError> {
        CipherStream::apply(self, bytes);
        Ok(())
    }
}

/// A cipher that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cipher failed: {reason}")]
pub struct CipherError {
    /// Why.
    pub reason: Box<str>,
}

/// What of a frame is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coverage {
    /// What stands behind the header that the framing reads; a trailer is part of it.
    #[default]
    Body,
    /// Every byte, the length too.
    All,
}

/// A cipher that this channel cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CoverageError {
    /// An encrypted body could hold the delimiter.
    #[error("an encrypted body could hold the delimiter; let the cipher cover all")]
    Delimiter,
    /// The host's functions make and cut the frames.
    #[error("the protocol cuts its frames with functions of its own: let these encrypt and decrypt")]
    Own,
    /// A framing inside WebSocket messages is cut with them.
    #[error("inside WebSocket with a framing of its own a cipher can only cover the body")]
    InsideWebSocket,
}

/// What encrypts one direction, and its buffer.
pub(crate) struct Coder {
    pub(crate) cipher: Box<dyn Cipher>,
    pub(crate) coverage: Coverage,
    /// Received bytes that are decrypted: a body, or with [`Coverage::All`] all that came.
    pub(crate) plain: Vec<u8>,
    /// Whether `plain` is a frame that was handed over.
    pub(crate) done: bool,
    /// What the host's function has to encrypt before it is written.
    pub(crate) unsealed: Vec<Unsealed>,
}

/// Bytes of the output that are to be encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsealed {
    pub(crate) range: Range<usize>,
    /// Where the content begins that a WebSocket's mask covers; the mask stands before it.
    pub(crate) masked_from: Option<usize>,
}

impl Unsealed {
    /// Has `cipher` change the bytes, under their mask.
    pub(crate) fn seal(self, cipher: &mut dyn Cipher, out: &mut [u8]) -> Result<(), CipherError> {
        let Unsealed { range, masked_from } = self;
        let mask =
            masked_from.map(|from| (from, <[u8; 4]>::try_from(&out[from - 4..from]).unwrap_or_default()));
        let turn = |out: &mut [u8]| {
            if let Some((from, mask)) = mask {
                out[range.clone()]
                    .iter_mut()
                    .zip(range.start - from..)
                    .for_each(|(byte, at)| *byte ^= mask[at % 4]);
            }
        };
        turn(out);
        cipher.apply(&mut out[range.clone()])?;
        turn(out);
        Ok(())
    }
}

impl Coder {
    /// The cipher that follows on `before`.
    pub(crate) fn after(before: Option<Coder>, cipher: Box<dyn Cipher>, coverage: Coverage) -> Coder {
        match before {
            Some(before) => Coder { cipher, coverage, ..before },
            None => Coder { cipher, coverage, plain: Vec::new(), done: false, unsealed: Vec::new() },
        }
    }
}

/// Names no key.
impl std::fmt::Debug for Coder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coder").field("coverage", &self.coverage).finish_non_exhaustive()
    }
}
