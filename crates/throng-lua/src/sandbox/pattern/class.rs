//! The character classes of patterns, those of the C locale.

const ALPHA: u16 = 1;
const CONTROL: u16 = 1 << 1;
const DIGIT: u16 = 1 << 2;
const GRAPHIC: u16 = 1 << 3;
const LOWER: u16 = 1 << 4;
const PUNCTUATION: u16 = 1 << 5;
const SPACE: u16 = 1 << 6;
const UPPER: u16 = 1 << 7;
const HEX: u16 = 1 << 8;
const ZERO: u16 = 1 << 9;

static CLASSES: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = classes_of(byte as u8);
        byte += 1;
    }
    classes
}

const fn classes_of(byte: u8) -> u16 {
    const fn when(holds: bool, class: u16) -> u16 {
        if holds { class } else { 0 }
    }
    when(byte.is_ascii_alphabetic(), ALPHA)
        | when(byte.is_ascii_control(), CONTROL)
        | when(byte.is_ascii_digit(), DIGIT)
        | when(byte.is_ascii_graphic(), GRAPHIC)
        | when(byte.is_ascii_lowercase(), LOWER)
        | when(byte.is_ascii_punctuation(), PUNCTUATION)
        | when(matches!(byte, b' ' | b'\t'..=b'\r'), SPACE)
        | when(byte.is_ascii_uppercase(), UPPER)
        | when(byte.is_ascii_hexdigit(), HEX)
        | when(byte == 0, ZERO)
}

/// Whether `byte` is of the class that `letter` stands for after a `%`; a letter without a class stands for
/// itself.
#[inline]
pub(super) fn is_of(byte: u8, letter: u8) -> bool {
    let class = match letter.to_ascii_lowercase() {
        b'a' => ALPHA,
        b'c' => CONTROL,
        b'd' => DIGIT,
        b'g' => GRAPHIC,
        b'l' => LOWER,
        b'p' => PUNCTUATION,
        b's' => SPACE,
        b'u' => UPPER,
        b'w' => ALPHA | DIGIT,
        b'x' => HEX,
        b'z' => ZERO,
        _ => return byte == letter,
    };
    (CLASSES[usize::from(byte)] & class != 0) == letter.is_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn an_upper_case_letter_is_the_complement() {
        for byte in 0..=255 {
            for letter in b"acdglpsuwxz" {
                assert_ne!(is_of(byte, *letter), is_of(byte, letter.to_ascii_uppercase()));
            }
        }
    }

    #[test]
    fn spaces_are_those_of_c() {
        let spaces: Vec<u8> = (0..=255).filter(|&byte| is_of(byte, b's')).collect();
        assert_eq!(spaces, [9, 10, 11, 12, 13, 32]);
    }
}
