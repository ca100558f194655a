//! Zero packing: eight bytes become a bitmap of the non-zero ones and those, runs without zeros are copied.

/// Opens a run of words that are copied as they are: this, the number of words less one, the words.
const RUN: u8 = 0xff;

/// The most words a run holds.
const RUN_WORDS: u8 = u8::MAX;

/// Why packed bytes could not be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// The input ends inside a word or a run.
    #[error("the packed bytes end in the middle of a word")]
    Truncated,
    /// There is more in it than allowed.
    #[error("the packed bytes hold more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// Appends `input`, thought to be padded with zeros to a multiple of eight bytes, to `out` in packed form.
pub fn pack(input: &[u8], out: &mut Vec<u8>) {
    out.reserve(input.len() + input.len() / 1024 + 10);
    let mut run = None;
    let words = input.chunks_exact(8);
    let rest = words.remainder();
    for word in words {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        run = pack_word(bytes, run, out);
    }
    if !rest.is_empty() {
        let mut bytes = [0; 8];
        bytes[..rest.len()].copy_from_slice(rest);
        pack_word(bytes, run, out);
    }
}

/// Packs one word; `run` is the position of the open run's count, if there is one.
#[inline]
fn pack_word(word: [u8; 8], run: Option<usize>, out: &mut Vec<u8>) -> Option<usize> {
    let bitmap = non_zero(word);
    match (bitmap.count_ones(), run) {
        // Up to two zeros cost less in an open run than leaving it.
        (6..=8, Some(count)) => {
            out.extend_from_slice(&word);
            out[count] += 1;
            (out[count] < RUN_WORDS).then_some(count)
        }
        (8, None) => {
            let count = out.len() + 1;
            out.extend_from_slice(&[RUN, 0]);
            out.extend_from_slice(&word);
            Some(count)
        }
        _ => {
            out.push(bitmap);
            out.extend(word.iter().filter(|byte| **byte != 0));
            None
        }
    }
}

/// Bit i is set where byte i is not zero.
#[inline]
fn non_zero(word: [u8; 8]) -> u8 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let word = u64::from_le_bytes(word);
    let high_bits = (((word & LOW) + LOW) | word) & !LOW;
    // Gathers the eight high bits into the top byte.
    ((high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// Appends what `input` unpacks to, which is a multiple of eight bytes and at most `limit`, to `out`. On an error `out`
/// is as it was.
///
/// # Errors
/// Input that ends too early, or that holds more than `limit` bytes.
pub fn unpack(input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), UnpackError> {
    let start = out.len();
    let done = unpack_words(input, limit, start, out);
    if done.is_err() {
        out.truncate(start);
    }
    done
}

fn unpack_words(mut input: &[u8], limit: usize, start: usize, out: &mut Vec<u8>) -> Result<(), UnpackError> {
    while let Some((&bitmap, rest)) = input.split_first() {
        let (bytes, rest) = if bitmap == RUN {
            let (&count, rest) = rest.split_first().ok_or(UnpackError::Truncated)?;
            let (words, rest) =
                rest.split_at_checked((usize::from(count) + 1) * 8).ok_or(UnpackError::Truncated)?;
            (Words::Run(words), rest)
        } else {
            let (bytes, rest) =
                rest.split_at_checked(bitmap.count_ones() as usize).ok_or(UnpackError::Truncated)?;
            (Words::One(spread(bitmap, bytes)), rest)
        };
        let bytes = match &bytes {
            Words::Run(words) => words,
            Words::One(word) => word.as_slice(),
        };
        if bytes.len() > limit - (out.len() - start) {
            return Err(UnpackError::TooLarge { limit });
        }
        out.extend_from_slice(bytes);
        input = rest;
    }
    Ok(())
}

enum Words<'a> {
    Run(&'a [u8]),
    One([u8; 8]),
}

/// Puts `bytes` where the bits of `bitmap` are set.
#[inline]
fn spread(bitmap: u8, bytes: &[u8]) -> [u8; 8] {
    let mut word = [0; 8];
    let mut bits = bitmap;
    for byte in bytes {
        word[bits.trailing_zeros() as usize & 7] = *byte;
        bits &= bits.wrapping_sub(1);
    }
    word
}
