//! Compressed bodies: zlib, zstd and lz4, with an upper bound on what comes out.

use std::io::{Read, Write};

use flate2::Compression as Level;
use flate2::write::ZlibEncoder;

/// The window of zstd that every decoder should bear (RFC 8878, 3.1.1.1.2), in bytes. A window is kept in memory before
/// anything comes out, so that a larger one is only taken where so much may come out.
const ZSTD_WINDOW: u64 = 8 << 20;

/// How bodies are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compressor {
    /// RFC 1950.
    Zlib,
    /// RFC 8878, one frame.
    Zstd,
    /// One LZ4 block, without a frame or a size.
    Lz4,
}

/// Compressed bytes that cannot be had back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// They are none.
    #[error("the body is not {word}: {reason}")]
    Broken {
        /// The compression's word.
        word: &'static str,
        /// What is wrong.
        reason: Box<str>,
    },
    /// They would become too much.
    #[error("the body grows to more than {limit} bytes")]
    TooLong {
        /// The most that is accepted, in bytes.
        limit: usize,
    },
}

impl Compressor {
    /// What `throng.toml` calls it.
    pub fn word(self) -> &'static str {
        match self {
            Compressor::Zlib => "zlib",
            Compressor::Zstd => "zstd",
            Compressor::Lz4 => "lz4",
        }
    }

    /// Appends `plain`, compressed.
    pub(crate) fn compress(self, plain: &[u8], out: &mut Vec<u8>) {
        match self {
            Compressor::Zlib => {
                let mut encoder = ZlibEncoder::new(out, Level::default());
                // Writing to a vector does not fail.
                let _ = encoder.write_all(plain).and_then(|()| encoder.try_finish());
            }
            Compressor::Zstd => {
                let level = ruzstd::encoding::CompressionLevel::Fastest;
                out.extend_from_slice(&ruzstd::encoding::compress_to_vec(plain, level));
            }
            Compressor::Lz4 => out.extend_from_slice(&lz4_flex::block::compress(plain)),
        }
    }

    /// Appends what `packed` was compressed from.
    ///
    /// # Errors
    /// Bytes that were not compressed so, or of which more than `limit` bytes would come; what was appended is to be dropped.
    pub(crate) fn inflate(self, packed: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), InflateError> {
        let broken = |reason: String| InflateError::Broken { word: self.word(), reason: reason.into() };
        match self {
            Compressor::Zlib => drain(flate2::read::ZlibDecoder::new(packed), limit, out, broken),
            Compressor::Zstd => {
                let mut source = packed;
                let window = ZSTD_WINDOW.max(limit as u64);
                let decoder =
                    ruzstd::decoding::StreamingDecoder::new_with_max_window_size(&mut source, window);
                drain(decoder.map_err(|error| broken(error.to_string()))?, limit, out, broken)
            }
            Compressor::Lz4 => {
                // A byte of a block says at most 255 bytes.
                let most = limit.min(packed.len().saturating_mul(255));
                let start = out.len();
                out.resize(start + most, 0);
                let length = lz4_flex::block::decompress_into(packed, &mut out[start..]).map_err(
                    |error| match error {
                        lz4_flex::block::DecompressError::OutputTooSmall { .. } if most == limit => {
                            InflateError::TooLong { limit }
                        }
                        error => broken(error.to_string()),
                    },
                )?;
                out.truncate(start + length);
                Ok(())
            }
        }
    }
}

fn drain(
    reader: impl Read,
    limit: usize,
    out: &mut Vec<u8>,
    broken: impl Fn(String) -> InflateError,
) -> Result<(), InflateError> {
    let read = reader.take(limit as u64 + 1).read_to_end(out).map_err(|error| broken(error.to_string()))?;
    if read > limit { Err(InflateError::TooLong { limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Compressor; 3] = [Compressor::Zlib, Compressor::Zstd, Compressor::Lz4];

    #[test]
    fn a_bomb_is_refused_at_its_limit() {
        for compressor in ALL {
            let mut packed = Vec::new();
            compressor.compress(&vec![0; 1 << 20], &mut packed);
            assert!(packed.len() < 10_000, "{compressor:?}");
            let mut out = Vec::new();
            assert_eq!(
                compressor.inflate(&packed, 1 << 16, &mut out),
                Err(InflateError::TooLong { limit: 1 << 16 }),
                "{compressor:?}"
            );
            assert!(out.len() <= (1 << 16) + 1);
            assert_eq!(compressor.inflate(&packed, 1 << 20, &mut Vec::new()), Ok(()));
        }
    }

    #[test]
    fn a_zstd_window_larger_than_what_may_come_out_is_refused_before_it_is_filled() {
        // A frame with a window of 64 MiB, whose blocks of 128 KiB each repeat one byte.
        let mut packed = b"\x28\xb5\x2f\xfd\x00\x80".to_vec();
        packed.extend([0x02, 0x00, 0x10, b'x'].repeat(300));
        packed.extend([0x03, 0x00, 0x10, b'x']);
        let inflate = |limit| Compressor::Zstd.inflate(&packed, limit, &mut Vec::new());
        let error = inflate(1 << 20).unwrap_err();
        assert!(error.to_string().contains("window"), "{error}");
        assert_eq!(inflate(64 << 20), Ok(()));
    }

    #[test]
    fn zlib_reads_what_others_write() {
        // From RFC 1950 and 1951 by hand: one stored block of "abc".
        let packed = [0x78, 0x01, 1, 3, 0, 0xfc, 0xff, b'a', b'b', b'c', 0x02, 0x4d, 0x01, 0x27];
        let mut out = Vec::new();
        Compressor::Zlib.inflate(&packed, 10, &mut out).unwrap();
        assert_eq!(out, b"abc");
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(plain in prop::collection::vec(0u8..4, 0..2000), at in 0usize..3) {
            let (mut packed, mut out) = (Vec::new(), b"x".to_vec());
            ALL[at].compress(&plain, &mut packed);
            ALL[at].inflate(&packed, plain.len(), &mut out).unwrap();
            prop_assert_eq!(&out[1..], &plain[..]);
        }

        #[test]
        fn any_bytes_are_read_or_refused(packed in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..3) {
            let mut out = Vec::new();
            let _ = ALL[at].inflate(&packed, 1000, &mut out);
            prop_assert!(out.len() <= 1001);
        }
    }
}
