//! A robot project's Lua files and messages, gathered for the checker and for editors.

mod protobuf;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use throng_check::{
    Body, Codec, Direction, FieldType, Message, Messages, Project, ProtocolMessages, Role, Settings, Shape,
    Source, StructType, TaskKey,
};
use throng_sproto::{self as sproto, Repeat, Schema, TypeId};
use throng_wire::{self as wire, MessageId, ReplyKey};

use crate::config::{Config, Pattern, Place, Protocol, shown_path};

/// Everything the checker reads.
///
/// # Errors
/// When a folder or file of the project cannot be read.
pub fn project(config: &Config) -> io::Result<Project> {
    Ok(Project {
        sources: sources(config)?,
        messages: messages(config),
        host: config.target.host.clone(),
        settings: Some(Settings {
            path: config.source.name.clone(),
            text: config.source.text.clone(),
            tasks: task_keys(config),
            options: config.options.iter().map(|option| option.name.clone()).collect(),
        }),
        ..Project::default()
    })
}

/// The messages of all protocols.
pub fn messages(config: &Config) -> Messages {
    Messages { protocols: config.protocols.iter().map(protocol_messages).collect() }
}

fn task_keys(config: &Config) -> Vec<TaskKey> {
    let key = |task: &crate::config::TaskSetting| match &task.key {
        Place::File(span) => Some(TaskKey { name: task.name.clone(), span: span.clone() }),
        _ => None,
    };
    config.tasks.iter().filter_map(key).collect()
}

/// Mods in the order of their names, then what they share, then the tests.
fn sources(config: &Config) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for (folder, role) in [
        (config.robot.mods.clone(), Role::Mod),
        (config.robot.lib.clone(), Role::Lib),
        (config.root.join("tests"), Role::Test),
    ] {
        let mut files = Vec::new();
        lua_files(&folder, &mut files)?;
        for file in files {
            let role = if role == Role::Mod && !is_mod(&folder, &file) { Role::Lib } else { role };
            let text = String::from_utf8_lossy(&std::fs::read(&file)?).into_owned();
            sources.push(Source::new(shown_path(&file), role, text));
        }
    }
    let mut own: Vec<&PathBuf> =
        config.protocols.iter().filter_map(|protocol| protocol.lua.as_ref()).collect();
    own.dedup();
    for file in own {
        let text = String::from_utf8_lossy(&std::fs::read(file)?).into_owned();
        let root = crate::session::prepare::absolute(&config.root);
        let file = file.strip_prefix(root).map_or_else(|_| file.clone(), |inside| config.root.join(inside));
        sources.push(Source::new(shown_path(&file), Role::Protocol, text));
    }
    Ok(sources)
}

/// A mod is a file of the folder, or the `init.lua` of a folder in it; what else is there belongs to its mod.
fn is_mod(folder: &Path, file: &Path) -> bool {
    let depth = file.strip_prefix(folder).map_or(0, |inside| inside.components().count());
    depth == 1 || (depth == 2 && file.file_name().is_some_and(|name| name == "init.lua"))
}

fn lua_files(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let mut entries =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.is_symlink() {
            lua_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            files.push(path);
        }
    }
    Ok(())
}

fn protocol_messages(protocol: &Protocol) -> ProtocolMessages {
    if let wire::Codec::Protobuf(codec) = &protocol.wire.codec {
        return protobuf::messages(protocol, codec);
    }
    let mut types = Types::default();
    let codec = match &protocol.wire.codec {
        codec if codec.knows_any_name() => Codec::Raw,
        wire::Codec::Raw(_) | wire::Codec::Document(_) | wire::Codec::Own(_) => Codec::Named,
        wire::Codec::Sproto(_) | wire::Codec::Protobuf(_) => Codec::Schema,
    };
    let wire = &protocol.wire;
    let messages = match codec {
        Codec::Raw => Vec::new(),
        Codec::Named => wire.messages().map(|(id, name)| named_message(wire, id, name)).collect(),
        Codec::Schema => wire.messages().map(|(id, name)| message(wire, id, name, &mut types)).collect(),
    };
    ProtocolMessages { types: types.structs, messages, ..bare(protocol, codec) }
}

/// A protocol without its messages.
fn bare(protocol: &Protocol, codec: Codec) -> ProtocolMessages {
    let first = protocol.wire.after(0);
    ProtocolMessages {
        name: protocol.name.clone(),
        codec,
        hosts: protocol.hosts.iter().map(Pattern::as_str).map(str::to_owned).collect(),
        types: Vec::new(),
        enums: Vec::new(),
        header: protocol.wire.givable().map(str::to_owned).collect(),
        open_first: !Arc::ptr_eq(first, &protocol.wire),
        messages: Vec::new(),
    }
}

/// A message of which only the name is declared.
fn named_message(protocol: &wire::Protocol, id: MessageId, name: &str) -> Message {
    let goes = |direction| protocol.codec.goes(id, direction);
    let direction = match (goes(wire::Direction::Sent), goes(wire::Direction::Received)) {
        (true, false) => Direction::Send,
        (false, true) => Direction::Receive,
        _ => Direction::Both,
    };
    Message { name: name.to_owned(), direction, body: Body::Unknown, reply: Body::Unknown }
}

fn message(protocol: &wire::Protocol, id: MessageId, name: &str, types: &mut Types) -> Message {
    let goes = |direction| protocol.codec.goes(id, direction);
    let body = |direction, types: &mut Types| types.body(protocol.body_type(id, direction));
    let (direction, body) = match (goes(wire::Direction::Sent), goes(wire::Direction::Received)) {
        (true, false) => (Direction::Send, body(wire::Direction::Sent, types)),
        (false, true) => (Direction::Receive, body(wire::Direction::Received, types)),
        _ => {
            let (sent, received) =
                (body(wire::Direction::Sent, types), body(wire::Direction::Received, types));
            (Direction::Both, if sent == received { sent } else { Body::Unknown })
        }
    };
    Message { name: name.to_owned(), direction, body, reply: reply(protocol, id, types) }
}

fn reply(protocol: &wire::Protocol, request: MessageId, types: &mut Types) -> Body {
    match protocol.awaits(request, 0) {
        Some(ReplyKey::Name(reply)) => types.body(protocol.reply_body_type(request, Some(reply))),
        Some(ReplyKey::Session(_)) => types.body(protocol.reply_body_type(request, None)),
        Some(ReplyKey::Fifo) | None => Body::Unknown,
    }
}

/// The structures met so far, of both directions' schemas.
#[derive(Default)]
struct Types {
    structs: Vec<StructType>,
    /// By schema and type; two directions may have one schema or two.
    known: HashMap<(*const Schema, TypeId), usize>,
}

impl Types {
    fn body(&mut self, ty: Option<(&Schema, TypeId)>) -> Body {
        ty.map_or(Body::Nothing, |(schema, id)| Body::Struct(self.index(schema, id)))
    }

    fn index(&mut self, schema: &Schema, id: TypeId) -> usize {
        if let Some(index) = self.known.get(&(std::ptr::from_ref(schema), id)) {
            return *index;
        }
        let ty = schema.type_def(id);
        let index = self.structs.len();
        self.known.insert((std::ptr::from_ref(schema), id), index);
        // Known before its fields are: a type may hold itself.
        self.structs.push(StructType { name: ty.name.to_string(), fields: Vec::new() });
        let fields: Vec<FieldType> = ty
            .fields
            .iter()
            .map(|field| FieldType { name: field.name.to_string(), shape: self.field(schema, field) })
            .collect();
        self.structs[index].fields = fields;
        index
    }

    fn field(&mut self, schema: &Schema, field: &sproto::Field) -> Shape {
        match field.repeat {
            Repeat::One => self.value(schema, field.ty),
            Repeat::Array => Shape::Array(Box::new(self.value(schema, field.ty))),
            Repeat::MapByKey { .. } => Shape::Map(Box::new(self.value(schema, field.ty))),
            Repeat::MapPair { value, .. } => {
                let sproto::FieldType::Struct(pair) = field.ty else { return Shape::Any };
                let value = schema.type_def(pair).fields.get(usize::from(value));
                Shape::Map(Box::new(value.map_or(Shape::Any, |value| self.field(schema, value))))
            }
        }
    }

    fn value(&mut self, schema: &Schema, ty: sproto::FieldType) -> Shape {
        match ty {
            sproto::FieldType::Integer => Shape::Integer,
            sproto::FieldType::Fixed { .. } | sproto::FieldType::Double => Shape::Number,
            sproto::FieldType::Boolean => Shape::Boolean,
            sproto::FieldType::String => Shape::String,
            sproto::FieldType::Binary => Shape::Binary,
            sproto::FieldType::Struct(id) => Shape::Struct(self.index(schema, id)),
        }
    }
}
