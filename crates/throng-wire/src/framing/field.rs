//! Fields of headers and trailers: `"seq:u32be"`, their texts and their bytes.

use std::fmt;
use std::str::FromStr;

use super::Endian;

/// The longest varint: 64 bits in groups of seven.
const LONGEST_VARINT: usize = 10;
/// The most bytes of padding in one field.
const MOST_PADDING: usize = 1 << 10;

/// A field of a header or trailer, as `name:type` or `name:type=value`.
///
/// The name `_` stands for bytes that mean nothing: zeros when sent, whatever they are when received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// What the field is called.
    pub name: Box<str>,
    /// How it lies on the wire.
    pub ty: FieldType,
    /// What it always is: written when sent, checked when received.
    pub constant: Option<i64>,
}

/// How a field lies on the wire. Values are 64-bit integers; an unsigned one above 2^63 is negative here, as in Lua.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// A whole number of 1, 2, 3, 4 or 8 bytes.
    Whole {
        /// How many bytes.
        size: u8,
        /// Their order.
        endian: Endian,
        /// Whether the highest bit is a sign.
        signed: bool,
    },
    /// Base 128, least significant group first, at most ten bytes.
    Varint,
    /// Bytes that mean nothing.
    Padding(u16),
}

/// A text that is no field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no field: {reason}")]
pub struct FieldError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Bytes that end inside a field, or hold none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// At least so many bytes are needed from the field's first.
    Need(usize),
    /// A varint that goes on for ever.
    LongVarint,
}

impl FieldSpec {
    /// The forms of a type, for people.
    pub const TYPES: &str = "u8, u16, u24, u32, u64, i8 to i64, each but the first with be or le, varint, or a number of bytes for `_`";

    /// A field that is not a constant.
    pub fn new(name: &str, ty: FieldType) -> FieldSpec {
        FieldSpec { name: name.into(), ty, constant: None }
    }

    /// Whether the field has no meaning.
    pub fn is_padding(&self) -> bool {
        &*self.name == "_"
    }
}

impl FromStr for FieldSpec {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<FieldSpec, FieldError> {
        let refuse = |reason| FieldError { text: text.to_owned(), reason };
        let (name, rest) = text.split_once(':').ok_or_else(|| refuse("it is `name:type`"))?;
        let (ty, constant) = match rest.split_once('=') {
            Some((ty, value)) => (ty, Some(value)),
            None => (rest, None),
        };
        let (name, ty) = (name.trim(), ty.trim());
        let first = name.bytes().next();
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain || first.is_none_or(|byte| byte.is_ascii_digit()) {
            return Err(refuse("a name has letters, digits and `_`, and begins with no digit"));
        }
        let ty = match ty.parse() {
            Ok(ty) => ty,
            Err(()) => return Err(refuse("it has no such type")),
        };
        if matches!(ty, FieldType::Padding(_)) && (name != "_" || constant.is_some()) {
            return Err(refuse("only `_` is a number of bytes"));
        }
        let constant = match constant.map(|value| number(value.trim())) {
            Some(None) => return Err(refuse("its value is no whole number")),
            Some(Some(value)) if !ty.holds(value) => return Err(refuse("its value does not fit its type")),
            Some(value) => value,
            None => None,
        };
        Ok(FieldSpec { name: name.into(), ty, constant })
    }
}

/// A whole number, decimal or `0x`; up to 64 bits, with or without a sign.
pub(crate) fn number(text: &str) -> Option<i64> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok().map(u64::cast_signed);
    }
    text.parse().ok().or_else(|| text.parse::<u64>().ok().map(u64::cast_signed))
}

impl FromStr for FieldType {
    type Err = ();

    fn from_str(word: &str) -> Result<FieldType, ()> {
        if word == "varint" {
            return Ok(FieldType::Varint);
        }
        if let Ok(bytes) = word.parse::<usize>() {
            let fits = (1..=MOST_PADDING).contains(&bytes);
            return if fits { Ok(FieldType::Padding(bytes as u16)) } else { Err(()) };
        }
        let signed = word.starts_with('i');
        let rest = word.strip_prefix(['u', 'i']).ok_or(())?;
        let (bits, endian) = match (rest.strip_suffix("be"), rest.strip_suffix("le")) {
            (Some(bits), _) => (bits, Endian::Big),
            (_, Some(bits)) => (bits, Endian::Little),
            (None, None) if rest == "8" => (rest, Endian::Big),
            (None, None) => return Err(()),
        };
        let size = match bits {
            "8" if rest == "8" => 1,
            "16" => 2,
            "24" => 3,
            "32" => 4,
            "64" => 8,
            _ => return Err(()),
        };
        Ok(FieldType::Whole { size, endian, signed })
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            FieldType::Whole { size, endian, signed } => {
                let letter = if signed { 'i' } else { 'u' };
                let order = match (size, endian) {
                    (1, _) => "",
                    (_, Endian::Big) => "be",
                    (_, Endian::Little) => "le",
                };
                write!(f, "{letter}{}{order}", u32::from(size) * 8)
            }
            FieldType::Varint => f.write_str("varint"),
            FieldType::Padding(bytes) => write!(f, "{bytes}"),
        }
    }
}

impl FieldType {
    /// How many bytes it takes; `None` where that depends on the value.
    pub(crate) fn size(self) -> Option<usize> {
        match self {
            FieldType::Whole { size, .. } => Some(usize::from(size)),
            FieldType::Varint => None,
            FieldType::Padding(bytes) => Some(usize::from(bytes)),
        }
    }

    /// The greatest value, as an unsigned number.
    pub(crate) fn greatest(self) -> u64 {
        match self {
            FieldType::Whole { size: 8, signed: false, .. } | FieldType::Varint => u64::MAX,
            FieldType::Whole { size, signed, .. } => (1 << (8 * u32::from(size) - u32::from(signed))) - 1,
            FieldType::Padding(_) => 0,
        }
    }

    /// Whether it can hold a value.
    pub(crate) fn holds(self, value: i64) -> bool {
        match self {
            FieldType::Whole { size: 8, .. } | FieldType::Varint => true,
            FieldType::Whole { signed: true, .. } if value < 0 => {
                value >= -(self.greatest().cast_signed()) - 1
            }
            FieldType::Whole { .. } => value >= 0 && value.cast_unsigned() <= self.greatest(),
            FieldType::Padding(_) => value == 0,
        }
    }

    /// The value at the start of `bytes` and its size.
    #[inline]
    pub(crate) fn read(self, bytes: &[u8]) -> Result<(i64, usize), Unread> {
        let size = match self {
            FieldType::Varint => return varint(bytes),
            FieldType::Whole { size, .. } => usize::from(size),
            FieldType::Padding(size) => usize::from(size),
        };
        let field = bytes.get(..size).ok_or(Unread::Need(size))?;
        let FieldType::Whole { endian, signed, .. } = self else { return Ok((0, size)) };
        let mut wide = [0; 8];
        let value = match endian {
            Endian::Big => {
                wide[8 - size..].copy_from_slice(field);
                u64::from_be_bytes(wide)
            }
            Endian::Little => {
                wide[..size].copy_from_slice(field);
                u64::from_le_bytes(wide)
            }
        };
        let unused = 64 - 8 * size as u32;
        let value = if signed { (value << unused).cast_signed() >> unused } else { value.cast_signed() };
        Ok((value, size))
    }

    /// Appends a value, of which a fixed size takes the low bytes.
    #[inline]
    pub(crate) fn write(self, value: i64, out: &mut Vec<u8>) {
        match self {
            FieldType::Whole { size, endian, .. } => {
                let start = out.len();
                out.resize(start + usize::from(size), 0);
                put(endian, value, &mut out[start..]);
            }
            FieldType::Varint => {
                let mut left = value.cast_unsigned();
                while left >= 0x80 {
                    out.push(left as u8 | 0x80);
                    left >>= 7;
                }
                out.push(left as u8);
            }
            FieldType::Padding(bytes) => out.resize(out.len() + usize::from(bytes), 0),
        }
    }

    /// Writes a value over a field of fixed size.
    #[inline]
    pub(crate) fn overwrite(self, value: i64, field: &mut [u8]) {
        if let FieldType::Whole { endian, .. } = self {
            put(endian, value, field);
        }
    }
}

/// How many bytes a number takes as a varint.
pub(crate) fn varint_size(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

#[inline]
fn put(endian: Endian, value: i64, field: &mut [u8]) {
    let size = field.len();
    match endian {
        Endian::Big => field.copy_from_slice(&value.to_be_bytes()[8 - size..]),
        Endian::Little => field.copy_from_slice(&value.to_le_bytes()[..size]),
    }
}

fn varint(bytes: &[u8]) -> Result<(i64, usize), Unread> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().take(LONGEST_VARINT).enumerate() {
        // The tenth byte has room for one bit; what a peer puts above it is lost, as in every reader of varints.
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok((value.cast_signed(), place + 1));
        }
    }
    Err(if bytes.len() >= LONGEST_VARINT { Unread::LongVarint } else { Unread::Need(bytes.len() + 1) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(text: &str) -> FieldSpec {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(ty: &str, value: i64, bytes: &[u8]) {
        let ty: FieldType = ty.parse().unwrap();
        let mut out = Vec::new();
        ty.write(value, &mut out);
        assert_eq!(out, bytes);
        assert_eq!(ty.read(&out), Ok((value, bytes.len())));
        for cut in 0..bytes.len() {
            assert!(
                matches!(ty.read(&bytes[..cut]), Err(Unread::Need(need)) if need > cut && need <= bytes.len())
            );
        }
    }

    #[test]
    fn whole_numbers_have_every_size_and_order() {
        check("u8", 255, &[255]);
        check("u16be", 0x102, &[1, 2]);
        check("u16le", 0x102, &[2, 1]);
        check("u24be", 0x1_02_03, &[1, 2, 3]);
        check("u24le", 0x1_02_03, &[3, 2, 1]);
        check("u32be", 0x8000_0000, &[0x80, 0, 0, 0]);
        check("u64le", -1, &[255; 8]);
        check("i8", -2, &[254]);
        check("i24be", -2, &[255, 255, 254]);
        check("i32le", -2, &[254, 255, 255, 255]);
        check("varint", 300, &[0xac, 2]);
        check("varint", -1, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
        check("3", 0, &[0, 0, 0]);
    }

    #[test]
    fn a_field_s_text_says_name_type_and_value() {
        assert_eq!(field("magic:u16be=0x1234").constant, Some(0x1234));
        assert_eq!(field("seq : u32be").name.as_ref(), "seq");
        assert_eq!(field("_:3").ty, FieldType::Padding(3));
        assert_eq!(field("m:u64be=0xffffffffffffffff").constant, Some(-1));
        for wrong in [
            "",
            "len",
            "len:u16",
            "len:u8be",
            "len:u40be",
            "1:u8",
            ":u8",
            "a b:u8",
            "x:3",
            "_:0",
            "v:u8=256",
            "v:u8=-1",
            "v:i8=128",
            "v:u8=x",
            "_:3=1",
        ] {
            assert!(wrong.parse::<FieldSpec>().is_err(), "{wrong}");
        }
        assert!("v:i8=-128".parse::<FieldSpec>().is_ok());
    }

    #[test]
    fn a_varint_without_an_end_is_refused() {
        assert_eq!(FieldType::Varint.read(&[0x80; 10]), Err(Unread::LongVarint));
        assert_eq!(FieldType::Varint.read(&[0x80; 9]), Err(Unread::Need(10)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value: i64, word in prop::sample::select(vec!["u8", "i16be", "u24le", "i32le", "u64be", "varint"])) {
            let ty: FieldType = word.parse().unwrap();
            let mut out = Vec::new();
            ty.write(value, &mut out);
            let (read, used) = ty.read(&out).unwrap();
            prop_assert_eq!(used, out.len());
            prop_assert!(ty.holds(read));
            if ty.holds(value) {
                prop_assert_eq!(read, value);
            }
            if ty == FieldType::Varint {
                prop_assert_eq!(used, varint_size(value.cast_unsigned()));
            }
            prop_assert_eq!(word, ty.to_string());
        }
    }
}
