//! A Sproto message's bytes: records, data blocks, and what they hold.

use std::ops::Range;

use throng_sproto::{Field, FieldType, MAX_DEPTH, Repeat, Schema, TypeDef, TypeId, ValueSink, decode};

use super::{Line, Tree, escaped, text};
use crate::commands::proto::capture::Broken;
use crate::commands::proto::list::type_name;

/// The bytes of a data block's length.
const LENGTH: usize = 4;
/// The most elements of an array of numbers that a line shows.
const ELEMENTS: usize = 16;

/// The message of type `ty` at the front of `bytes`.
pub(in super::super) fn sproto(schema: &Schema, ty: TypeId, bytes: &[u8]) -> Tree {
    let mut walker = Walker { schema, bytes, lines: Vec::new() };
    let walked = walker.structure(schema.type_def(ty), 0..bytes.len(), 0);
    // What is wrong is for the decoder to say.
    match decode(schema, ty, bytes, &mut ValueSink::new(schema)) {
        Ok(used) => Tree { lines: walker.lines, broken: None, used, unknown: 0 },
        Err(error) => {
            let broken = Broken { offset: error.offset, text: format!("{} ({})", error.kind, error.place) };
            Tree {
                lines: walker.lines,
                broken: Some(broken),
                used: walked.unwrap_or(bytes.len()),
                unknown: 0,
            }
        }
    }
}

struct Walker<'a> {
    schema: &'a Schema,
    bytes: &'a [u8],
    lines: Vec<Line>,
}

/// `None` is the end of the walk: bytes that cannot be read.
impl<'a> Walker<'a> {
    fn line(&mut self, range: &Range<usize>, depth: usize, text: String) {
        self.lines.push(Line { offset: range.start, length: range.len(), depth, text });
    }

    fn u16(&self, range: &Range<usize>) -> Option<u16> {
        let bytes = self.bytes.get(range.clone())?;
        Some(u16::from_le_bytes(*bytes.first_chunk()?))
    }

    /// A struct that begins `range`; returns where it ends.
    fn structure(&mut self, ty: &'a TypeDef, range: Range<usize>, depth: usize) -> Option<usize> {
        if depth > 2 * MAX_DEPTH as usize {
            return None;
        }
        let count = self.u16(&range)?;
        let records = range.start + 2..range.start + 2 + 2 * usize::from(count);
        let title = format!("{}: {count} {}", ty.name, if count == 1 { "record" } else { "records" });
        self.line(&(range.start..range.start + 2), depth, title);
        let mut data = records.end;
        if data > range.end {
            return None;
        }
        let mut tag = 0;
        for at in records.step_by(2) {
            let record = at..at + 2;
            let value = self.u16(&record)?;
            if value % 2 == 1 {
                let skipped = u32::from(value).div_ceil(2);
                self.line(&record, depth + 1, format!("(tags {tag} to {} are absent)", tag + skipped - 1));
                tag += skipped;
                continue;
            }
            let field = ty.fields.iter().find(|field| u32::from(field.tag) == tag);
            let name = match field {
                Some(field) => format!("{} ({tag}, {})", field.name, type_name(self.schema, field)),
                None => format!("?{tag}, which {} does not have", ty.name),
            };
            tag += 1;
            if value != 0 {
                let shown = inline(field, value / 2 - 1);
                self.line(&record, depth + 1, format!("{name} = {shown}"));
                continue;
            }
            let block = self.block(data..range.end)?;
            data = block.end;
            self.field(field, name, block, depth + 1)?;
        }
        Some(data)
    }

    /// The data block that begins `range`, its length not included.
    fn block(&self, range: Range<usize>) -> Option<Range<usize>> {
        let length = u32::from_le_bytes(*self.bytes.get(range.clone())?.first_chunk()?);
        let start = range.start + LENGTH;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        (end <= range.end).then_some(start..end)
    }

    fn field(
        &mut self,
        field: Option<&Field>,
        name: String,
        block: Range<usize>,
        depth: usize,
    ) -> Option<()> {
        let whole = block.start - LENGTH..block.end;
        let content = self.bytes.get(block.clone())?;
        let Some(field) = field else {
            self.line(&whole, depth, format!("{name} = {} bytes {}", content.len(), escaped(content)));
            return Some(());
        };
        if field.repeat == Repeat::One {
            return self.value(field.ty, name, block, depth);
        }
        match field.ty {
            FieldType::Boolean => {
                let shown = listed(content.iter().map(|byte| (*byte != 0).to_string()));
                self.line(&whole, depth, format!("{name} = {shown}"));
                Some(())
            }
            FieldType::Integer | FieldType::Fixed { .. } | FieldType::Double => {
                let shown = numbers(field.ty, content);
                let text = shown.as_deref().unwrap_or("elements that are no numbers");
                self.line(&whole, depth, format!("{name} = {text}"));
                shown.map(drop)
            }
            FieldType::String | FieldType::Binary | FieldType::Struct(_) => {
                self.line(&whole, depth, name);
                self.elements(field.ty, block, depth + 1)
            }
        }
    }

    fn elements(&mut self, ty: FieldType, block: Range<usize>, depth: usize) -> Option<()> {
        let mut at = block.start;
        let mut index = 1;
        while at < block.end {
            let element = self.block(at..block.end)?;
            at = element.end;
            self.value(ty, format!("[{index}]"), element, depth)?;
            index += 1;
        }
        Some(())
    }

    fn value(&mut self, ty: FieldType, name: String, block: Range<usize>, depth: usize) -> Option<()> {
        let whole = block.start - LENGTH..block.end;
        let content = self.bytes.get(block.clone())?;
        let shown = match ty {
            FieldType::Struct(id) => {
                self.line(&whole, depth, name);
                return self.structure(self.schema.type_def(id), block, depth + 1).map(drop);
            }
            FieldType::String => Some(text(content)),
            FieldType::Binary => Some(escaped(content)),
            FieldType::Boolean => None,
            FieldType::Integer | FieldType::Fixed { .. } | FieldType::Double => number(ty, content),
        };
        let text = match &shown {
            Some(shown) => format!("{name} = {shown}"),
            None => format!("{name} = a data block of {} bytes, which is none", content.len()),
        };
        self.line(&whole, depth, text);
        shown.map(drop)
    }
}

/// What a record holds itself.
fn inline(field: Option<&Field>, value: u16) -> String {
    match field.map(|field| (field.ty, field.repeat)) {
        None | Some((FieldType::Integer, Repeat::One)) => value.to_string(),
        Some((FieldType::Boolean, Repeat::One)) => (value != 0).to_string(),
        Some((FieldType::Fixed { digits }, Repeat::One)) => scaled(i64::from(value), digits),
        Some(_) => format!("{value} in the record, where a data block is needed"),
    }
}

fn number(ty: FieldType, bytes: &[u8]) -> Option<String> {
    let value = match bytes.len() {
        8 => i64::from_le_bytes(*bytes.first_chunk()?),
        4 if ty != FieldType::Double => i64::from(i32::from_le_bytes(*bytes.first_chunk()?)),
        _ => return None,
    };
    Some(match ty {
        FieldType::Double => format!("{:?}", f64::from_bits(value.cast_unsigned())),
        FieldType::Fixed { digits } => scaled(value, digits),
        _ => value.to_string(),
    })
}

fn scaled(value: i64, digits: u8) -> String {
    format!("{:?}", value as f64 / 10f64.powi(i32::from(digits)))
}

/// An array of numbers: the width of its elements, then they.
fn numbers(ty: FieldType, bytes: &[u8]) -> Option<String> {
    let Some((width, elements)) = bytes.split_first().filter(|(_, elements)| !elements.is_empty()) else {
        return Some("[]".to_owned());
    };
    let width = usize::from(*width);
    if ![4, 8].contains(&width) || elements.len() % width != 0 {
        return None;
    }
    let shown: Option<Vec<String>> =
        elements.chunks_exact(width).map(|element| number(ty, element)).collect();
    Some(format!("{} of {width} bytes each", listed(shown?.into_iter())))
}

fn listed(elements: impl ExactSizeIterator<Item = String>) -> String {
    let count = elements.len();
    let shown = elements.take(ELEMENTS).collect::<Vec<_>>().join(", ");
    if count > ELEMENTS { format!("[{shown}, ... {count} in all]") } else { format!("[{shown}]") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use throng_sproto::{SourceFile, Value, encode_value};

    const TEXT: &str = ".Pos { x 0 : integer y 3 : integer(2) }
        .Unit { name 0 : string at 1 : Pos path 2 : *Pos ids 3 : *integer on 4 : boolean raw 5 : binary d 6 : double }";

    fn schema() -> Schema {
        Schema::parse(&[SourceFile { name: "a.sproto", text: TEXT }]).unwrap()
    }

    #[test]
    fn each_part_of_a_message_has_its_place() {
        let schema = schema();
        let ty = schema.type_id("Unit").unwrap();
        let pos = Value::structure([("x", 3.into()), ("y", Value::Double(1.5))]);
        let value = Value::structure([("name", "Grom".into()), ("at", pos), ("on", true.into())]);
        let mut bytes = Vec::new();
        encode_value(&schema, ty, &value, &mut bytes).unwrap();
        let tree = sproto(&schema, ty, &bytes);
        assert!(tree.broken.is_none());
        assert_eq!(tree.used, bytes.len());
        let shown: Vec<String> = tree
            .lines
            .iter()
            .map(|line| format!("{} {} {}{}", line.offset, line.length, " ".repeat(line.depth), line.text))
            .collect();
        assert_eq!(
            shown,
            [
                "0 2 Unit: 4 records",
                "10 8  name (0, string) = \"Grom\"",
                "18 12  at (1, Pos)",
                "22 2   Pos: 3 records",
                "24 2    x (0, integer) = 3",
                "26 2    (tags 1 to 2 are absent)",
                "28 2    y (3, integer(2)) = 1.5",
                "6 2  (tags 2 to 3 are absent)",
                "8 2  on (4, boolean) = true",
            ]
        );
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_walk_and_every_line_lies_within_them(
            bytes in proptest::collection::vec(prop_oneof![Just(0u8), 0..12u8, any::<u8>()], 0..80)
        ) {
            let schema = schema();
            let tree = sproto(&schema, schema.type_id("Unit").unwrap(), &bytes);
            prop_assert!(tree.used <= bytes.len());
            for line in &tree.lines {
                prop_assert!(line.offset + line.length <= bytes.len());
            }
        }
    }
}
