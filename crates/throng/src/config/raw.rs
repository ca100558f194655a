//! `throng.toml` as it was typed: a tree of values, each with the place it came from.

use std::fmt;
use std::ops::Range;

use toml_edit::{Document, Item, TableLike, Value as TomlValue};

use super::problem::{Place, Problem};

/// Everything a user typed into `throng.toml`, before it is known to mean anything.
#[derive(Debug, Clone, Default)]
pub struct RawConfig {
    pub(super) entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// A value and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// A value as it was typed.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// From a flag or a variable: what it is depends on what is wanted.
    Text(String),
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Datetime(String),
    Array(Vec<Node>),
    Table(Vec<Entry>),
}

impl RawConfig {
    /// Reads TOML.
    ///
    /// # Errors
    /// The first place that is not TOML.
    pub fn parse(text: &str) -> Result<Self, Box<Problem>> {
        let document = Document::parse(text).map_err(|error| Box::new(syntax_problem(text, &error)))?;
        Ok(Self { entries: entries(document.as_table(), &Origin::File) })
    }
}

impl Value {
    /// Reads a whole TOML value out of a flag or a variable, such as `{ between = [1, 5] }`.
    pub(super) fn parse_text(text: &str, place: &Place) -> Option<Self> {
        let parsed = text.parse::<TomlValue>().ok()?;
        Some(value(&parsed, &Origin::Fixed(place.clone())))
    }
}

impl fmt::Display for Value {
    /// The value with its kind, as an error's "found".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{:?}", shortened(text)),
            Self::String(text) => write!(f, "the text {:?}", shortened(text)),
            Self::Integer(number) => write!(f, "the whole number {number}"),
            Self::Float(number) => write!(f, "the number {number:?}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Datetime(text) => write!(f, "the date or time {text}"),
            Self::Array(items) => write!(f, "a list of {}", items.len()),
            Self::Table(_) => f.write_str("a table"),
        }
    }
}

/// Where the parts of a value come from: their own spans, or one flag or variable.
enum Origin {
    File,
    Fixed(Place),
}

impl Origin {
    fn place(&self, span: Option<Range<usize>>) -> Place {
        match self {
            Self::File => Place::File(span.unwrap_or_default()),
            Self::Fixed(place) => place.clone(),
        }
    }
}

fn syntax_problem(text: &str, error: &toml_edit::TomlError) -> Problem {
    let place = Place::File(error.span().unwrap_or(text.len()..text.len()));
    if let Place::File(span) = &place
        && text.get(..span.start).is_some_and(|before| before.trim_end_matches([' ', '\t']).ends_with('='))
        && text.get(span.clone()).is_some_and(|there| there.trim().is_empty())
    {
        return Problem::new(place, "this is not TOML: there is no value behind `=`");
    }
    let mut lines = error.message().lines();
    let title = lines.next().unwrap_or("it is not TOML");
    let rest = lines.collect::<Vec<_>>().join(", ");
    let problem = Problem::new(place, format!("this is not TOML: {title}"));
    if rest.is_empty() { problem } else { problem.wanted(rest.trim_start_matches("expected ")) }
}

fn entries(table: &dyn TableLike, origin: &Origin) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (key, item) in table.iter() {
        let span = table.key(key).and_then(|key| key.span());
        let place = origin.place(span.or_else(|| item.span()));
        if let Some(node) = node(item, &place, origin) {
            entries.push(Entry { key: key.to_owned(), place, node });
        }
    }
    entries
}

fn node(item: &Item, key_place: &Place, origin: &Origin) -> Option<Node> {
    let value = match item {
        Item::None => return None,
        Item::Value(inner) => value(inner, origin),
        Item::Table(table) => Value::Table(entries(table, origin)),
        Item::ArrayOfTables(tables) => Value::Array(
            tables
                .iter()
                .map(|table| Node {
                    value: Value::Table(entries(table, origin)),
                    place: origin.place(table.span()),
                })
                .collect(),
        ),
    };
    // Below a `[section]` the value is the whole section; its name is the better thing to point at.
    let place = match item {
        Item::Value(inner) => inner.span().map_or_else(|| key_place.clone(), |span| origin.place(Some(span))),
        _ => key_place.clone(),
    };
    Some(Node { value, place })
}

fn value(value: &TomlValue, origin: &Origin) -> Value {
    match value {
        TomlValue::String(text) => Value::String(text.value().clone()),
        TomlValue::Integer(number) => Value::Integer(*number.value()),
        TomlValue::Float(number) => Value::Float(*number.value()),
        TomlValue::Boolean(flag) => Value::Boolean(*flag.value()),
        TomlValue::Datetime(time) => Value::Datetime(time.value().to_string()),
        TomlValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| Node { value: self::value(item, origin), place: origin.place(item.span()) })
                .collect(),
        ),
        TomlValue::InlineTable(table) => Value::Table(entries(table, origin)),
    }
}

/// An error shows enough of a text to find it, not all of it.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}
