//! `throng.protobuf`: messages of Protocol Buffers made and read by scripts, of a protocol's schema or of one that a script
//! has as a text.

use super::{Context, Natives, Refused};
use crate::sandbox;
use crate::suggest;
use crate::values::kind_of;
use mlua::{Lua, Value};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use throng_protobuf::{Defaults, MessageId, Schema, SourceFile};
use throng_wire::{Codec, Protocol};

/// The most schemas that a state keeps; they stay until its end, as those of `throng.sproto` do.
const MOST_SCHEMAS: usize = 64;
/// What they may be made of, all together, in bytes.
const MOST_SOURCE: usize = 4 << 20;
/// The longest text of a schema, in bytes.
const LONGEST_SOURCE: usize = 1 << 20;

/// What a byte costs, in nanoseconds.
const CODING: u64 = 10;
const PARSING: u64 = 500;
/// What any schema costs, in nanoseconds: the well-known types are compiled with it.
const COMPILING: u64 = 1_000_000;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    let schemas = Rc::new(Schemas::default());
    let kept = Rc::clone(&schemas);
    natives.may_refuse("protobuf_parse", move |_, lua, text: Value| kept.parsed(lua, &text))?;
    let kept = Rc::clone(&schemas);
    natives.may_refuse("protobuf_of", move |context, _, name: Value| {
        let protocol = protocol(context, &name)?;
        Ok(kept.keep(Kept::OfProtocol(protocol)))
    })?;
    let kept = Rc::clone(&schemas);
    natives.may_refuse("protobuf_find", move |_, _, (place, name): (usize, Value)| {
        let Value::String(name) = &name else {
            return Err(format!("wanted the name of a message, not {}", kind_of(&name)).into());
        };
        let kept = kept.at(place)?;
        let found = kept.parts()?.0.find_message(&name.to_string_lossy());
        Ok(found.map_err(|error| error.to_string())?.0)
    })?;
    let kept = Rc::clone(&schemas);
    natives.may_refuse("protobuf_encode", move |context, lua, (place, ty, body): (usize, u32, Value)| {
        let kept = kept.at(place)?;
        let mut out = Vec::new();
        context.vm.codec.encode_protobuf(lua, (kept.parts()?.0, MessageId(ty)), &body, &mut out)?;
        sandbox::work(lua, out.len() as u64 * CODING);
        Ok(Value::String(lua.create_string(&out).map_err(|error| error.to_string())?))
    })?;
    natives.may_refuse("protobuf_decode", move |context, lua, (place, ty, bytes): (usize, u32, Value)| {
        let Value::String(bytes) = &bytes else {
            return Err(format!("wanted a message as a string of bytes, not {}", kind_of(&bytes)).into());
        };
        let kept = schemas.at(place)?;
        let (schema, defaults) = kept.parts()?;
        let bytes = bytes.as_bytes();
        sandbox::work(lua, bytes.len() as u64 * CODING);
        let decoded = context.vm.codec.decode_protobuf(lua, (schema, MessageId(ty)), defaults, &bytes)?;
        Ok((decoded.value, decoded.unknown))
    })
}

/// A schema that scripts know by its number.
#[derive(Debug, Clone)]
enum Kept {
    OfText(Rc<Schema>),
    OfProtocol(Arc<Protocol>),
}

impl Kept {
    fn parts(&self) -> Result<(&Schema, Defaults), Refused> {
        match self {
            Kept::OfText(schema) => Ok((schema, Defaults::Scalars)),
            Kept::OfProtocol(protocol) => match &protocol.codec {
                Codec::Protobuf(codec) => Ok((codec.schema(), codec.defaults())),
                _ => Err("the protocol has no messages of Protocol Buffers".into()),
            },
        }
    }

    fn is(&self, other: &Kept) -> bool {
        match (self, other) {
            (Kept::OfProtocol(known), Kept::OfProtocol(other)) => Arc::ptr_eq(known, other),
            _ => false,
        }
    }
}

/// The schemas of one state, each once.
#[derive(Default)]
struct Schemas {
    kept: RefCell<Vec<Kept>>,
    /// How many bytes texts have, and how many texts there are.
    source: Cell<usize>,
    texts: RefCell<HashMap<Box<[u8]>, usize>>,
}

impl Schemas {
    fn at(&self, place: usize) -> Result<Kept, Refused> {
        self.kept.borrow().get(place).cloned().ok_or_else(|| "there is no such schema".into())
    }

    /// The number of a schema, new or known.
    fn keep(&self, wanted: Kept) -> usize {
        let mut kept = self.kept.borrow_mut();
        let known = kept.iter().position(|known| known.is(&wanted));
        known.unwrap_or_else(|| {
            kept.push(wanted);
            kept.len() - 1
        })
    }

    /// The number of the schema that a text describes.
    fn parsed(&self, lua: &Lua, text: &Value) -> Result<usize, Refused> {
        let Value::String(text) = text else {
            return Err(format!("wanted the text of a schema, not {}", kind_of(text)).into());
        };
        let bytes = text.as_bytes();
        if bytes.len() > LONGEST_SOURCE {
            return Err(format!("a schema of {} bytes is longer than {LONGEST_SOURCE}", bytes.len()).into());
        }
        if let Some(place) = self.texts.borrow().get(&bytes[..]) {
            return Ok(*place);
        }
        let source = self.source.get() + bytes.len();
        if self.texts.borrow().len() == MOST_SCHEMAS || source > MOST_SOURCE {
            let mebibytes = MOST_SOURCE >> 20;
            return Err(format!(
                "no more than {MOST_SCHEMAS} schemas of {mebibytes} MiB can be made: make each once, at file level"
            )
            .into());
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| "a schema is a text in UTF-8")?;
        let schema = Schema::compile(&[SourceFile { name: "schema.proto", text }]);
        sandbox::work(lua, COMPILING + bytes.len() as u64 * PARSING);
        let place = self.keep(Kept::OfText(Rc::new(schema.map_err(|error| error.to_string())?)));
        self.source.set(source);
        self.texts.borrow_mut().insert(bytes[..].into(), place);
        Ok(place)
    }
}

/// The protocol of the project that has this name.
fn protocol(context: &Context, name: &Value) -> Result<Arc<Protocol>, Refused> {
    let Value::String(name) = name else {
        return Err(format!("wanted the name of a protocol, not {}", kind_of(name)).into());
    };
    let name = name.to_string_lossy();
    let protocols = || context.shared.project.protocols.iter();
    let is_ours = |protocol: &&Arc<Protocol>| matches!(protocol.codec, Codec::Protobuf(_));
    match protocols().find(|protocol| *protocol.name == *name) {
        Some(protocol) if is_ours(&protocol) => Ok(Arc::clone(protocol)),
        Some(_) => Err(format!("protocol '{name}' has no messages of Protocol Buffers").into()),
        None => {
            let known = protocols().filter(is_ours).map(|protocol| &*protocol.name);
            Err(suggest::unknown("protocol", &name, known).into())
        }
    }
}
