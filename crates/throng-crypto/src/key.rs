//! Why a key or an initialization vector cannot be used.

/// A key or an initialization vector of the wrong length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An RC4 key that is empty or too long.
    #[error("an RC4 key has 1 to 256 bytes, this one has {length}")]
    Rc4 {
        /// The key's length, in bytes.
        length: usize,
    },
    /// No AES has keys of this length.
    #[error("an AES key has 16, 24 or 32 bytes, this one has {length}")]
    Aes {
        /// The key's length, in bytes.
        length: usize,
    },
    /// An initialization vector (CBC) or first counter block (CTR) that is not a block.
    #[error("an AES initialization vector has 16 bytes, this one has {length}")]
    Iv {
        /// The vector's length, in bytes.
        length: usize,
    },
    /// There is nothing to combine with.
    #[error("an XOR key must not be empty")]
    EmptyXor,
}
