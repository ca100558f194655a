//! Zero packing: eight bytes become a bitmap of the non-zero ones and those, runs without zeros are copied.

/// Opens a run of words that are copied as they are: this, the number of words less one, the words.
const RUN: u8 = 0xff;

/// Bytes of a word.
const WORD: usize = 8;

/// The count of a run that cannot grow.
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
    let start = out.len();
    let words = input.len().div_ceil(WORD);
    // A run costs two bytes for its 256 words, and each word is written with room for a whole one and its bitmap.
    let most = words * WORD + 2 * words.div_ceil(usize::from(RUN_WORDS) + 1) + 2 + WORD + 1;
    out.resize(start + most, 0);
    let end = start + pack_words(input, &mut out[start..]);
    out.truncate(end);
}

/// Returns how many bytes were written.
fn pack_words(input: &[u8], out: &mut [u8]) -> usize {
    let (words, rest) = input.as_chunks::<WORD>();
    let mut packer = Packer { out, end: 0, run: None };
    words.iter().for_each(|word| packer.word(*word));
    if !rest.is_empty() {
        let mut word = [0; WORD];
        word[..rest.len()].copy_from_slice(rest);
        packer.word(word);
    }
    packer.end
}

struct Packer<'o> {
    out: &'o mut [u8],
    end: usize,
    /// The position of the open run's count, if there is one.
    run: Option<usize>,
}

impl Packer<'_> {
    #[inline(always)]
    fn word(&mut self, word: [u8; WORD]) {
        let bitmap = non_zero(word);
        match (bitmap.count_ones(), self.run) {
            // Up to two zeros cost less in an open run than leaving it.
            (6..=8, Some(count)) => {
                self.put(word);
                self.out[count] += 1;
                if self.out[count] == RUN_WORDS {
                    self.run = None;
                }
            }
            (8, None) => {
                self.put([RUN, 0]);
                self.run = Some(self.end - 1);
                self.put(word);
            }
            (ones, _) => {
                self.put([bitmap]);
                self.put(gathered(word, bitmap));
                // The zeros behind are written over by the next word.
                self.end = self.end - WORD + ones as usize;
                self.run = None;
            }
        }
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.out[self.end..][..N].copy_from_slice(&bytes);
        self.end += N;
    }
}

/// Bit i is set where byte i is not zero.
#[inline]
fn non_zero(word: [u8; WORD]) -> u8 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let word = u64::from_le_bytes(word);
    let high_bits = (((word & LOW) + LOW) | word) & !LOW;
    // Gathers the eight high bits into the top byte.
    ((high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// The bytes of `word` where the bits of `bitmap` are set, and anything behind them.
#[inline(always)]
fn gathered(word: [u8; WORD], bitmap: u8) -> [u8; WORD] {
    let places = &GATHERED[usize::from(bitmap)];
    std::array::from_fn(|at| word[usize::from(places[at] & 7)])
}

/// For each bitmap the places of its bits, from the lowest.
static GATHERED: [[u8; WORD]; 256] = {
    let mut table = [[0; WORD]; 256];
    let mut bitmap = 0;
    while bitmap < 256 {
        let (mut bit, mut at) = (0, 0);
        while bit < WORD {
            if bitmap >> bit & 1 == 1 {
                table[bitmap][at] = bit as u8;
                at += 1;
            }
            bit += 1;
        }
        bitmap += 1;
    }
    table
};

/// Appends what `input` unpacks to, which is a multiple of eight bytes and at most `limit`, to `out`. On an error `out`
/// is as it was.
///
/// # Errors
/// Input that ends too early, or that holds more than `limit` bytes.
pub fn unpack(input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), UnpackError> {
    let start = out.len();
    let done = unpack_words(input, start.saturating_add(limit), out);
    done.inspect_err(|_| out.truncate(start)).map_err(|error| match error {
        Stop::Truncated => UnpackError::Truncated,
        Stop::Full => UnpackError::TooLarge { limit },
    })
}

enum Stop {
    Truncated,
    Full,
}

fn unpack_words(mut input: &[u8], end: usize, out: &mut Vec<u8>) -> Result<(), Stop> {
    while let Some((&bitmap, rest)) = input.split_first() {
        if bitmap == RUN {
            let (&count, rest) = rest.split_first().ok_or(Stop::Truncated)?;
            let length = (usize::from(count) + 1) * WORD;
            let (words, rest) = rest.split_at_checked(length).ok_or(Stop::Truncated)?;
            has_room(out, length, end)?;
            out.extend_from_slice(words);
            input = rest;
            continue;
        }
        let (word, rest) = match rest.first_chunk() {
            Some(bytes) => (spread(*bytes, bitmap), &rest[bitmap.count_ones() as usize..]),
            None => spread_end(rest, bitmap)?,
        };
        has_room(out, WORD, end)?;
        out.extend_from_slice(&word);
        input = rest;
    }
    Ok(())
}

#[inline(always)]
fn has_room(out: &[u8], length: usize, end: usize) -> Result<(), Stop> {
    if length > end - out.len() { Err(Stop::Full) } else { Ok(()) }
}

/// The last word of all, behind which there is less than a whole one to read.
fn spread_end(bytes: &[u8], bitmap: u8) -> Result<([u8; WORD], &[u8]), Stop> {
    let (bytes, rest) = bytes.split_at_checked(bitmap.count_ones() as usize).ok_or(Stop::Truncated)?;
    let mut padded = [0; WORD];
    padded[..bytes.len()].copy_from_slice(bytes);
    Ok((spread(padded, bitmap), rest))
}

/// Puts `bytes` where the bits of `bitmap` are set.
#[inline(always)]
fn spread(bytes: [u8; WORD], bitmap: u8) -> [u8; WORD] {
    let places = &SPREAD[usize::from(bitmap)];
    let mut source = [0; 2 * WORD];
    source[..WORD].copy_from_slice(&bytes);
    std::array::from_fn(|at| source[usize::from(places[at] & 15)])
}

/// For each bitmap and byte how many bits are set before it; where its own is not, a place that holds zero.
static SPREAD: [[u8; WORD]; 256] = {
    let mut table = [[WORD as u8; WORD]; 256];
    let mut bitmap = 0;
    while bitmap < 256 {
        let (mut bit, mut from) = (0, 0);
        while bit < WORD {
            if bitmap >> bit & 1 == 1 {
                table[bitmap][bit] = from;
                from += 1;
            }
            bit += 1;
        }
        bitmap += 1;
    }
    table
};
