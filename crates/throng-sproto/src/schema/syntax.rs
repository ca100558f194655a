//! The language of a schema's text; what is checked here needs no other declaration.
//!
//! The reference's grammar, with its quirks: a blank is needed between name and tag and between fields, none is allowed
//! before a parenthesis or after the star and the dot.

use crate::schema::error::{At, Fault, SchemaErrorKind};
use crate::schema::scan::Cursor;

pub(super) const MAX_TAG: u16 = 0x7ffe;
pub(super) const MAX_DIGITS: u8 = 9;
const MAX_NESTING: u32 = 64;

pub(super) enum Item<'a> {
    Type(TypeItem<'a>),
    Protocol(ProtocolItem<'a>),
}

pub(super) struct TypeItem<'a> {
    pub(super) name: &'a str,
    pub(super) at: At,
    pub(super) fields: Vec<FieldItem<'a>>,
    pub(super) nested: Vec<TypeItem<'a>>,
}

pub(super) struct FieldItem<'a> {
    pub(super) name: &'a str,
    pub(super) at: At,
    pub(super) tag: u16,
    pub(super) tag_at: At,
    pub(super) is_array: bool,
    pub(super) type_name: &'a str,
    pub(super) type_at: At,
    /// The first number in parentheses.
    pub(super) digits: Option<(u8, At)>,
    /// The first word in parentheses; it may be empty.
    pub(super) key: Option<(&'a str, At)>,
}

pub(super) struct ProtocolItem<'a> {
    pub(super) name: &'a str,
    pub(super) at: At,
    pub(super) tag: u16,
    pub(super) tag_at: At,
    pub(super) parts: Vec<PartItem<'a>>,
}

pub(super) struct PartItem<'a> {
    pub(super) kind: PartKind,
    pub(super) at: At,
    pub(super) type_at: At,
    pub(super) body: PartBody<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    Request,
    Response,
}

impl PartKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            PartKind::Request => "request",
            PartKind::Response => "response",
        }
    }
}

pub(super) enum PartBody<'a> {
    Nil,
    Named(&'a str),
    Inline(TypeItem<'a>),
}

/// Appends the declarations of one file's text to `items`.
pub(super) fn parse<'a>(file: u32, text: &'a str, items: &mut Vec<Item<'a>>) -> Result<(), Fault> {
    let mut cursor = Cursor::new(file, text);
    loop {
        cursor.blanks();
        if cursor.is_at_end() {
            return Ok(());
        }
        items.push(match cursor.peek() {
            Some(b'.') => Item::Type(type_item(&mut cursor, 1)?),
            _ => Item::Protocol(protocol(&mut cursor)?),
        });
    }
}

fn type_item<'a>(cursor: &mut Cursor<'a>, depth: u32) -> Result<TypeItem<'a>, Fault> {
    let at = cursor.at();
    if depth > MAX_NESTING {
        return Err(Fault { at, kind: SchemaErrorKind::NestedTooDeep });
    }
    cursor.need(b'.', "`.` and a type's name")?;
    let name = cursor.need_word("a type's name right after the dot")?;
    cursor.blanks();
    body(cursor, name, at, depth)
}

/// Fields and nested types in braces.
fn body<'a>(cursor: &mut Cursor<'a>, name: &'a str, at: At, depth: u32) -> Result<TypeItem<'a>, Fault> {
    let mut item = TypeItem { name, at, fields: Vec::new(), nested: Vec::new() };
    cursor.need(b'{', "`{`")?;
    while let Some(first) = next_in_braces(cursor)? {
        match first {
            b'.' => item.nested.push(type_item(cursor, depth + 1)?),
            _ => item.fields.push(field(cursor)?),
        }
    }
    Ok(item)
}

/// Steps to the next declaration and returns its first byte, or steps over the closing brace.
fn next_in_braces(cursor: &mut Cursor<'_>) -> Result<Option<u8>, Fault> {
    let is_apart = cursor.is_behind_bracket() | cursor.blanks();
    if cursor.eat(b'}') {
        return Ok(None);
    }
    match cursor.peek() {
        None => Err(cursor.expected("`}`")),
        Some(_) if !is_apart => Err(cursor.expected("a blank or `}`")),
        Some(first) => Ok(Some(first)),
    }
}

fn field<'a>(cursor: &mut Cursor<'a>) -> Result<FieldItem<'a>, Fault> {
    let at = cursor.at();
    let name = cursor.need_word("a field's name, a nested type or `}`")?;
    cursor.need_blanks("a blank and the field's tag")?;
    let tag_at = cursor.at();
    let tag = tag(cursor, "the field's tag (a number)")?;
    cursor.blanks();
    cursor.need(b':', "`:` and the field's type")?;
    cursor.blanks();
    let is_array = cursor.eat(b'*');
    let type_at = cursor.at();
    let type_name = cursor.need_path(if is_array { "a type right after the star" } else { "a type" })?;
    let mut item = FieldItem { name, at, tag, tag_at, is_array, type_name, type_at, digits: None, key: None };
    while cursor.peek() == Some(b'(') {
        parentheses(cursor, &mut item)?;
    }
    Ok(item)
}

/// `(number)`, `(word)` or `()`; of several of a kind the first one counts.
fn parentheses<'a>(cursor: &mut Cursor<'a>, field: &mut FieldItem<'a>) -> Result<(), Fault> {
    cursor.need(b'(', "`(`")?;
    cursor.blanks();
    let at = cursor.at();
    if cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        let digits = cursor.need_digits("a number of digits")?;
        let count = digits
            .parse()
            .ok()
            .filter(|count| *count <= MAX_DIGITS)
            .ok_or_else(|| Fault { at, kind: SchemaErrorKind::TooManyDigits { digits: digits.into() } })?;
        field.digits.get_or_insert((count, at));
    } else {
        let key = cursor.word().unwrap_or("");
        field.key.get_or_insert((key, at));
    }
    cursor.blanks();
    cursor.need(b')', "a number, a field's name or `)`")
}

fn protocol<'a>(cursor: &mut Cursor<'a>) -> Result<ProtocolItem<'a>, Fault> {
    const EXPECTED: &str = "a type (`.Name {`) or a protocol (`name tag {`)";
    let at = cursor.at();
    let stray = cursor.expected(EXPECTED);
    let name = cursor.need_word(EXPECTED)?;
    cursor.need_blanks("a blank and the protocol's tag")?;
    let tag_at = cursor.at();
    // A word that nothing on its line makes a protocol of, or a type without its dot.
    if tag_at.line > at.line || matches!(cursor.peek(), None | Some(b'{')) {
        return Err(stray);
    }
    let tag = tag(cursor, "the protocol's tag (a number)")?;
    cursor.blanks();
    cursor.need(b'{', "`{`")?;
    let mut parts = Vec::new();
    while next_in_braces(cursor)?.is_some() {
        parts.push(part(cursor)?);
    }
    Ok(ProtocolItem { name, at, tag, tag_at, parts })
}

fn part<'a>(cursor: &mut Cursor<'a>) -> Result<PartItem<'a>, Fault> {
    const EXPECTED: &str = "`request`, `response` or `}`";
    let wrong = cursor.expected(EXPECTED);
    let at = cursor.at();
    let kind = match cursor.word() {
        Some("request") => PartKind::Request,
        Some("response") => PartKind::Response,
        _ => return Err(wrong),
    };
    cursor.need_blanks("a blank and a type")?;
    let type_at = cursor.at();
    let body = if cursor.peek() == Some(b'{') {
        PartBody::Inline(body(cursor, kind.name(), at, 1)?)
    } else {
        match cursor.need_path("a type's name, `{` or `nil`")? {
            "nil" => PartBody::Nil,
            name => PartBody::Named(name),
        }
    };
    Ok(PartItem { kind, at, type_at, body })
}

fn tag(cursor: &mut Cursor<'_>, expected: &'static str) -> Result<u16, Fault> {
    let at = cursor.at();
    let digits = cursor.need_digits(expected)?;
    digits
        .parse()
        .ok()
        .filter(|tag| *tag <= MAX_TAG)
        .ok_or_else(|| Fault { at, kind: SchemaErrorKind::TagTooLarge { tag: digits.into() } })
}
