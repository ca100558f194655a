//! The three methods of a message, as calls of `typed::plumbing` field by field.

use crate::generate::{Code, line};
use crate::schema::{Field, FieldType, Repeat, TypeDef, TypeId};

/// The most bytes a number takes outside of its record.
const NUMBER: usize = 12;

pub(super) fn write_methods(code: &Code<'_>, id: TypeId, ty: &TypeDef, out: &mut String) {
    let methods = Methods { code, ty };
    line(out, 0, "");
    line(out, 0, "#[allow(clippy::all, unused)]");
    line(
        out,
        0,
        &format!("impl<'b> ::throng_sproto::typed::Message<'b> for {} {{", code.type_name(id, "'b")),
    );
    line(out, 1, &format!("const NAME: &'static str = {:?};", ty.name));
    methods.measure(out);
    methods.write(out);
    methods.read(out);
    line(out, 0, "}");
}

struct Methods<'a> {
    code: &'a Code<'a>,
    ty: &'a TypeDef,
}

/// A call of a function on a field: what it is called, and arguments behind the value.
struct Call(&'static str, String);

impl Methods<'_> {
    fn measure(&self, out: &mut String) {
        line(out, 0, "");
        line(out, 1, "#[inline]");
        line(out, 1, "fn measure(");
        line(out, 2, "&self,");
        line(out, 2, "depth: u32,");
        line(out, 1, ") -> ::std::result::Result<usize, ::std::boxed::Box<::throng_sproto::EncodeError>> {");
        line(out, 2, "use ::throng_sproto::typed::{Message, plumbing};");
        if !self.ty.fields.is_empty() {
            line(out, 2, "plumbing::measure_depth(depth)?;");
        }
        let numbers = self.ty.fields.iter().filter(|field| takes_a_number(field)).count();
        let least = 2 + 2 * usize::from(self.ty.most_records) + NUMBER * numbers;
        line(out, 2, &format!("let mut room = {least};"));
        for field in &self.ty.fields {
            self.measure_field(field, out);
        }
        line(out, 2, "::std::result::Result::Ok(room)");
        line(out, 1, "}");
    }

    fn measure_field(&self, field: &Field, out: &mut String) {
        let place = format!("\"{}.{}\"", self.ty.name, field.name);
        let room = match (field.repeat, field.ty) {
            (Repeat::One, FieldType::Fixed { digits }) => {
                let check = format!("plumbing::measure_fixed(*value, {digits}, {place})?;");
                return self.if_there(field, &check, out);
            }
            (Repeat::One, FieldType::Integer | FieldType::Boolean | FieldType::Double) => return,
            (Repeat::One, FieldType::String | FieldType::Binary) => "4 + value.len()".to_owned(),
            (Repeat::One, FieldType::Struct(_)) => "4 + value.measure(depth + 1)?".to_owned(),
            (_, FieldType::Integer | FieldType::Double) => "5 + 8 * value.len()".to_owned(),
            (_, FieldType::Fixed { digits }) => {
                format!("plumbing::measure_fixeds(value, {digits}, {place})?")
            }
            (_, FieldType::Boolean) => "4 + value.len()".to_owned(),
            (_, FieldType::String | FieldType::Binary) => "plumbing::measure_blocks(value)".to_owned(),
            (Repeat::MapByKey { key }, FieldType::Struct(id)) => {
                format!("plumbing::measure_keyed_map(value, depth, {place}, {})?", self.has(id, key))
            }
            (Repeat::MapPair { key, value }, FieldType::Struct(id)) => {
                let (key, value) = (self.has(id, key), self.has(id, value));
                format!("plumbing::measure_pair_map(value, depth, {place}, {key}, {value})?")
            }
            (Repeat::Array, FieldType::Struct(_)) => "plumbing::measure_list(value, depth)?".to_owned(),
        };
        self.if_there(field, &format!("room += {room};"), out);
    }

    fn write(&self, out: &mut String) {
        line(out, 0, "");
        line(out, 1, "#[inline]");
        line(out, 1, "fn write<'o>(&self, out: &'o mut [u8]) -> &'o mut [u8] {");
        line(out, 2, "use ::throng_sproto::typed::{Message, plumbing};");
        line(out, 2, "let mut records = plumbing::Records::begin(out);");
        for field in &self.ty.fields {
            let tag = field.tag;
            let record = match (field.repeat, field.ty) {
                (Repeat::One, FieldType::Integer) => format!("records.integer({tag}, *value);"),
                (Repeat::One, FieldType::Fixed { digits }) => {
                    format!("records.fixed({tag}, *value, {digits});")
                }
                (Repeat::One, FieldType::Boolean) => format!("records.boolean({tag}, *value);"),
                _ => format!("records.block({tag});"),
            };
            self.if_there(field, &record, out);
        }
        line(out, 2, "let mut out = records.end();");
        for field in &self.ty.fields {
            let Call(function, arguments) = match (field.repeat, field.ty) {
                (Repeat::One, FieldType::Boolean) => continue,
                (Repeat::One, FieldType::Integer) => Call("write_integer", String::new()),
                (Repeat::One, FieldType::Fixed { digits }) => Call("write_fixed", format!(", {digits}")),
                (Repeat::One, FieldType::Double) => Call("write_double", String::new()),
                (Repeat::One, FieldType::String | FieldType::Binary) => Call("write_block", String::new()),
                (Repeat::One, FieldType::Struct(_)) => Call("write_nested", String::new()),
                (_, FieldType::Integer) => Call("write_integers", String::new()),
                (_, FieldType::Fixed { digits }) => Call("write_fixeds", format!(", {digits}")),
                (_, FieldType::Boolean) => Call("write_booleans", String::new()),
                (_, FieldType::Double) => Call("write_doubles", String::new()),
                (_, FieldType::String | FieldType::Binary) => Call("write_blocks", String::new()),
                (_, FieldType::Struct(_)) => Call("write_list", String::new()),
            };
            let is_copied = field.repeat == Repeat::One
                && matches!(field.ty, FieldType::Integer | FieldType::Fixed { .. } | FieldType::Double);
            let star = if is_copied { "*" } else { "" };
            self.if_there(field, &format!("out = plumbing::{function}(out, {star}value{arguments});"), out);
        }
        line(out, 2, "out");
        line(out, 1, "}");
    }

    fn read(&self, out: &mut String) {
        line(out, 0, "");
        line(out, 1, "#[inline]");
        line(out, 1, "fn read(");
        line(out, 2, "&mut self,");
        line(out, 2, "bytes: &'b [u8],");
        line(out, 2, "depth: u32,");
        line(
            out,
            1,
            ") -> ::std::result::Result<&'b [u8], ::std::boxed::Box<::throng_sproto::typed::plumbing::Failure>> {",
        );
        line(out, 2, "use ::std::option::Option::{None, Some};");
        line(out, 2, "use ::throng_sproto::typed::{Message, plumbing};");
        let failed = |field: &str| format!(".map_err(|failure| failure.at(Self::NAME, {field}))?");
        let whole = failed("None");
        line(out, 2, &format!("let mut reader = plumbing::Reader::open(bytes){whole};"));
        let count = self.ty.fields.len();
        if count > 0 {
            line(out, 2, &format!("let mut absent = [true; {count}];"));
        }
        line(out, 2, &format!("while let Some((tag, content)) = reader.next(){whole} {{"));
        if count > 0 {
            self.read_fields(out, &failed);
        }
        line(out, 2, "}");
        for (index, field) in self.ty.fields.iter().enumerate() {
            line(out, 2, &format!("if absent[{index}] {{"));
            line(out, 3, &format!("self.{} = None;", self.code.names.field(field.id)));
            line(out, 2, "}");
        }
        line(out, 2, "::std::result::Result::Ok(reader.rest())");
        line(out, 1, "}");
    }

    fn read_fields(&self, out: &mut String, failed: &dyn Fn(&str) -> String) {
        line(out, 3, "match tag {");
        for (index, field) in self.ty.fields.iter().enumerate() {
            line(out, 4, &format!("{} => {{", field.tag));
            line(out, 5, &format!("plumbing::check_depth(depth, bytes){};", failed("None")));
            let Call(function, arguments) = self.reader(field);
            let slot = self.code.names.field(field.id);
            line(out, 5, &format!("plumbing::{function}(&mut self.{slot}, content{arguments})"));
            line(out, 6, &format!("{};", failed(&format!("Some({:?})", field.name))));
            line(out, 5, &format!("absent[{index}] = false;"));
            line(out, 4, "}");
        }
        line(out, 4, "_ => {}");
        line(out, 3, "}");
    }

    fn reader(&self, field: &Field) -> Call {
        match (field.repeat, field.ty) {
            (Repeat::One, FieldType::Integer) => Call("integer", String::new()),
            (Repeat::One, FieldType::Fixed { digits }) => Call("fixed", format!(", {digits}")),
            (Repeat::One, FieldType::Boolean) => Call("boolean", String::new()),
            (Repeat::One, FieldType::String | FieldType::Binary) => Call("block", String::new()),
            (Repeat::One, FieldType::Double) => Call("double", String::new()),
            (Repeat::One, FieldType::Struct(_)) => Call("nested", ", depth".to_owned()),
            (_, FieldType::Integer) => Call("integers", String::new()),
            (_, FieldType::Fixed { digits }) => Call("fixeds", format!(", {digits}")),
            (_, FieldType::Boolean) => Call("booleans", String::new()),
            (_, FieldType::String | FieldType::Binary) => Call("blocks", String::new()),
            (_, FieldType::Double) => Call("doubles", String::new()),
            (Repeat::MapByKey { key }, FieldType::Struct(id)) => match self.is_scalar(id, key) {
                true => Call("keyed_map", format!(", depth, {}", self.has(id, key))),
                false => Call("unreadable_map", String::new()),
            },
            (Repeat::MapPair { key, value }, FieldType::Struct(id)) => match self.is_scalar(id, key) {
                true => Call("pair_map", format!(", depth, {}, {}", self.has(id, key), self.has(id, value))),
                false => Call("unreadable_map", String::new()),
            },
            (Repeat::Array, FieldType::Struct(_)) => Call("list", ", depth".to_owned()),
        }
    }

    fn is_scalar(&self, id: TypeId, key: u16) -> bool {
        self.code.schema.type_def(id).fields[usize::from(key)].repeat == Repeat::One
    }

    /// A function that tells whether an entry has a field.
    fn has(&self, id: TypeId, field: u16) -> String {
        let field = &self.code.schema.type_def(id).fields[usize::from(field)];
        format!("|entry| entry.{}.is_some()", self.code.names.field(field.id))
    }

    fn if_there(&self, field: &Field, body: &str, out: &mut String) {
        let name = self.code.names.field(field.id);
        line(out, 2, &format!("if let ::std::option::Option::Some(value) = &self.{name} {{"));
        line(out, 3, body);
        line(out, 2, "}");
    }
}

/// Whether a field takes room for a number in a block.
fn takes_a_number(field: &Field) -> bool {
    let is_number = matches!(field.ty, FieldType::Integer | FieldType::Fixed { .. } | FieldType::Double);
    is_number && field.repeat == Repeat::One
}
