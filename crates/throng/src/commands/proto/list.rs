//! `throng proto list`: messages with their fields, and protocols.

use std::io::{self, IsTerminal, Write};

use serde_json::{Value as Json, json};
use throng_protobuf as protobuf;
use throng_sproto::{Field, FieldType, Repeat, Response, Schema};

use super::schemas::{Language, Schemas, Source};
use crate::cli::{OutputFlags, ProtoListArgs};
use crate::exit::Exit;

pub(super) fn run(args: &ProtoListArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let schemas = Schemas::load(&args.path)?;
    let listed: Vec<Listed<'_>> = schemas.sources.iter().map(Listed::new).collect();
    let stdout = io::stdout();
    let colours = output.colours() && stdout.is_terminal();
    let mut out = stdout.lock();
    if args.json {
        let all: Vec<Json> = listed.iter().map(Listed::json).collect();
        writeln!(out, "{:#}", json!({ "schemas": all }))?;
    } else if listed.is_empty() {
        writeln!(out, "no protocol has a schema")?;
    } else {
        for (index, schema) in listed.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            schema.write(&mut out, colours)?;
        }
    }
    out.flush()?;
    Ok(Exit::Success)
}

/// A schema, as it is shown.
struct Listed<'a> {
    title: &'a str,
    language: &'static str,
    messages: Vec<Message>,
    protocols: Vec<Protocol>,
}

struct Message {
    name: String,
    place: String,
    /// Tag, name and type.
    fields: Vec<(u32, String, String)>,
}

struct Protocol {
    name: String,
    /// Methods of services have none.
    tag: Option<u32>,
    request: Option<String>,
    response: Option<String>,
}

impl<'a> Listed<'a> {
    fn new(source: &'a Source) -> Listed<'a> {
        let title = source.title.as_str();
        match &source.schema {
            Language::Sproto(schema) => Listed {
                title,
                language: "sproto",
                messages: sproto_messages(schema),
                protocols: sproto_protocols(schema),
            },
            Language::Protobuf(schema) => Listed {
                title,
                language: "protobuf",
                messages: protobuf_messages(schema),
                protocols: methods(schema),
            },
        }
    }

    fn json(&self) -> Json {
        let field = |(tag, name, ty): &(u32, String, String)| json!({ "name": name, "tag": tag, "type": ty });
        let message = |message: &Message| {
            let fields: Vec<Json> = message.fields.iter().map(field).collect();
            json!({ "name": message.name, "place": message.place, "fields": fields })
        };
        let protocol = |protocol: &Protocol| {
            let Protocol { name, tag, request, response } = protocol;
            json!({ "name": name, "tag": tag, "request": request, "response": response })
        };
        json!({
            "name": self.title,
            "language": self.language,
            "messages": self.messages.iter().map(message).collect::<Vec<_>>(),
            "protocols": self.protocols.iter().map(protocol).collect::<Vec<_>>(),
        })
    }

    fn write(&self, out: &mut impl Write, colours: bool) -> io::Result<()> {
        let (bold, dim, plain) = if colours { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        writeln!(out, "{bold}{}{plain}  {dim}{}{plain}", self.title, self.language)?;
        for message in &self.messages {
            writeln!(out, "\n  {bold}{}{plain}  {dim}{}{plain}", message.name, message.place)?;
            let tags = width(message.fields.iter().map(|(tag, ..)| tag.to_string()));
            let names = width(message.fields.iter().map(|(_, name, _)| name.as_str()));
            for (tag, name, ty) in &message.fields {
                writeln!(out, "    {tag:>tags$}  {name:<names$}  {ty}")?;
            }
        }
        self.write_protocols(out)
    }

    fn write_protocols(&self, out: &mut impl Write) -> io::Result<()> {
        if self.protocols.is_empty() {
            return Ok(());
        }
        let absent = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
        let row = |protocol: &Protocol| {
            let tag = protocol.tag.map(|tag| tag.to_string());
            [absent(&tag), protocol.name.clone(), absent(&protocol.request), absent(&protocol.response)]
        };
        let titles = ["tag", "protocol", "request", "response"].map(str::to_owned);
        let rows: Vec<[String; 4]> = [titles].into_iter().chain(self.protocols.iter().map(row)).collect();
        let [tags, names, requests, _] =
            [0, 1, 2, 3].map(|column| width(rows.iter().map(|row| row[column].as_str())));
        writeln!(out)?;
        for [tag, name, request, response] in &rows {
            writeln!(out, "  {tag:>tags$}  {name:<names$}  {request:<requests$}  {response}")?;
        }
        Ok(())
    }
}

fn width(texts: impl Iterator<Item = impl AsRef<str>>) -> usize {
    texts.map(|text| text.as_ref().chars().count()).max().unwrap_or(0)
}

/// A field's type as the schema writes it.
pub(super) fn type_name(schema: &Schema, field: &Field) -> String {
    let name = match field.ty {
        FieldType::Integer => "integer".to_owned(),
        FieldType::Fixed { digits } => format!("integer({digits})"),
        FieldType::Boolean => "boolean".to_owned(),
        FieldType::String => "string".to_owned(),
        FieldType::Binary => "binary".to_owned(),
        FieldType::Double => "double".to_owned(),
        FieldType::Struct(id) => schema.type_def(id).name.to_string(),
    };
    match (field.repeat, field.ty) {
        (Repeat::One, _) => name,
        (Repeat::MapByKey { key }, FieldType::Struct(id)) => {
            let key = schema.type_def(id).fields.get(usize::from(key));
            format!("*{name}({})", key.map_or("", |key| &key.name))
        }
        (Repeat::MapPair { .. }, _) => format!("*{name}()"),
        _ => format!("*{name}"),
    }
}

/// A line in a file; bundles have no lines.
fn place(file: &str, line: u32) -> String {
    if line == 0 { file.to_owned() } else { format!("{file}:{line}") }
}

fn sproto_messages(schema: &Schema) -> Vec<Message> {
    let message = |(_, ty): (_, &throng_sproto::TypeDef)| Message {
        name: ty.name.to_string(),
        place: place(schema.file_name(ty.file), ty.line),
        fields: ty
            .fields
            .iter()
            .map(|field| (field.tag.into(), field.name.to_string(), type_name(schema, field)))
            .collect(),
    };
    schema.types().map(message).collect()
}

fn sproto_protocols(schema: &Schema) -> Vec<Protocol> {
    let name = |id| schema.type_def(id).name.to_string();
    let protocol = |protocol: &throng_sproto::Protocol| Protocol {
        name: protocol.name.to_string(),
        tag: Some(protocol.tag),
        request: protocol.request.map(name),
        response: match protocol.response {
            Response::None => None,
            Response::Confirm => Some("nil".to_owned()),
            Response::Type(id) => Some(name(id)),
        },
    };
    schema.protocols().map(protocol).collect()
}

fn protobuf_messages(schema: &protobuf::Schema) -> Vec<Message> {
    let message = |message: &protobuf::MessageDef| Message {
        name: message.name.to_string(),
        place: place(message.file.map_or("", |file| schema.file_name(file)), message.line),
        fields: message
            .fields
            .iter()
            .map(|field| (field.number, field.name.to_string(), protobuf_type(schema, message, field)))
            .collect(),
    };
    // Those that no file has are the well-known types.
    schema.messages().iter().filter(|message| message.file.is_some()).map(message).collect()
}

fn protobuf_type(
    schema: &protobuf::Schema,
    message: &protobuf::MessageDef,
    field: &protobuf::Field,
) -> String {
    let kind = field.kind.name(schema);
    let shown = match field.repeat {
        protobuf::Repeat::One if field.required => format!("required {kind}"),
        protobuf::Repeat::One => kind.to_owned(),
        protobuf::Repeat::Array { .. } => format!("repeated {kind}"),
        protobuf::Repeat::Map { key } => format!("map<{}, {kind}>", key.name(schema)),
    };
    // A oneof of a single field that proto3 makes for `optional` is none to those who write schemas.
    let oneof = field.oneof.and_then(|index| message.oneofs.get(usize::from(index)));
    match oneof.filter(|oneof| !oneof.name.starts_with('_')) {
        Some(oneof) => format!("{shown}, of {}", oneof.name),
        None => shown,
    }
}

fn methods(schema: &protobuf::Schema) -> Vec<Protocol> {
    let name = |id| Some(schema.message(id).name.to_string());
    let method = |method: &protobuf::Method| Protocol {
        name: format!("{}.{}", method.service, method.name),
        tag: None,
        request: name(method.request),
        response: name(method.response),
    };
    schema.methods().iter().map(method).collect()
}
