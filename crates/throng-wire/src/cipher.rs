//! Ciphers on a channel: bytes changed where they are, from the next frame on, in one direction.

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
}

impl Coder {
    /// The cipher that follows on `before`.
    pub(crate) fn after(before: Option<Coder>, cipher: Box<dyn Cipher>, coverage: Coverage) -> Coder {
        match before {
            Some(before) => Coder { cipher, coverage, ..before },
            None => Coder { cipher, coverage, plain: Vec::new(), done: false },
        }
    }
}

/// Names no key.
impl std::fmt::Debug for Coder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coder").field("coverage", &self.coverage).finish_non_exhaustive()
    }
}
