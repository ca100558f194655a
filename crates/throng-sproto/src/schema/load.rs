//! A schema out of the reference's binary form, trusting nothing in it.
//!
//! What the reference's loader refuses is refused. So is what it loads and then crashes on: a pair map of a type without
//! two fields, more digits than a number has, keys that are nowhere.

use std::collections::BTreeSet;

use crate::decode::DecodeErrorKind;
use crate::reader::{Content, Failure, Reader, cut};
use crate::schema::syntax::{MAX_DIGITS, MAX_TAG};
use crate::schema::{Field, FieldId, FieldType, Protocol, Repeat, Response, Schema, TypeDef, TypeId};
use crate::schema::{MAX_TYPES, most_records};

/// Why bytes are no schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {kind} at byte {offset}")]
pub struct BundleError {
    /// What is wrong.
    pub kind: BundleErrorKind,
    /// Where in the bundle, in bytes from its start.
    pub offset: usize,
    /// `the bundle`, `type 3`, ``field `x` of type `A` `` or `protocol 2`, numbers from 1.
    pub place: Box<str>,
}

/// What can be wrong with a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleErrorKind {
    /// Bytes that are no message at all, or with values in the wrong form.
    #[error(transparent)]
    Layout(DecodeErrorKind),
    /// A part that no bundle has.
    #[error("an unknown part with tag {0}")]
    UnknownPart(u32),
    /// A part that must be there.
    #[error("the {0} is missing")]
    Missing(&'static str),
    /// A name that is empty or not UTF-8.
    #[error("the name is no text")]
    Name,
    /// A name or a protocol's tag that is there twice.
    #[error("{0} is declared twice")]
    Duplicate(Box<str>),
    /// Fields must stand by ascending tags.
    #[error("tag {tag} stands behind tag {before}")]
    TagOrder {
        /// The tag.
        tag: u16,
        /// The one before it.
        before: u16,
    },
    /// A tag that no field or protocol can have.
    #[error("tag {0} is above {MAX_TAG}")]
    TagTooLarge(u16),
    /// A builtin type that does not exist.
    #[error("{0} is no builtin type")]
    Builtin(u16),
    /// The number of a type that does not exist.
    #[error("there is no type {0}")]
    TypeIndex(u16),
    /// A builtin type with a type's number beside it, or a kind of string that does not exist.
    #[error("{0} means nothing beside this builtin type")]
    Extra(u16),
    /// A fixed-point number with too many digits.
    #[error("{0} digits after the point, more than {MAX_DIGITS}")]
    TooManyDigits(u16),
    /// A map that is none: no array of structs, a key that is no scalar field of them, or no pair.
    #[error("{0}")]
    Map(&'static str),
    /// More types than ids.
    #[error("more than {MAX_TYPES} types")]
    TooManyTypes,
}

impl Schema {
    /// Reads a schema in the reference's binary form, as `sproto.parse` and `sprotodump` write it. `name` is the name of
    /// its one file; lines are 0. Bytes behind the bundle are left alone.
    ///
    /// # Errors
    /// Bytes that are no bundle, or one with things that do not fit each other.
    pub fn from_bundle(name: &str, bytes: &[u8]) -> Result<Schema, BundleError> {
        load(name, bytes).map_err(|error| {
            // Until here it is the address of the byte.
            BundleError { offset: error.offset.saturating_sub(bytes.as_ptr().addr()), ..error }
        })
    }
}

struct RawType<'a> {
    bytes: &'a [u8],
    name: &'a str,
    fields: Vec<RawField<'a>>,
}

struct RawField<'a> {
    bytes: &'a [u8],
    name: &'a str,
    tag: u16,
    /// Structs by their number in the bundle.
    ty: FieldType,
    is_array: bool,
    /// The tag of the key.
    key: Option<u16>,
    is_pair_map: bool,
}

/// The parts of a message by tag.
struct Parts<'a, const N: usize> {
    bytes: &'a [u8],
    parts: [Option<Content<'a>>; N],
}

fn load(name: &str, bytes: &[u8]) -> Result<Schema, BundleError> {
    let whole = || "the bundle".to_owned();
    let lists = Parts::<2>::read(bytes).map_err(|error| error.within(whole))?;
    let types = lists.block(0, "list of types").map_err(|error| error.within(whole))?;
    let types = elements(types).map_err(|error| error.within(whole))?;
    if types.is_empty() {
        return Err(Refusal::new(BundleErrorKind::Missing("list of types"), bytes).within(whole));
    }
    if types.len() > MAX_TYPES {
        return Err(Refusal::new(BundleErrorKind::TooManyTypes, bytes).within(whole));
    }
    let count = types.len();
    let types = types
        .into_iter()
        .enumerate()
        .map(|(index, span)| raw_type(index, span, count))
        .collect::<Result<Vec<_>, _>>()?;
    let linked = link(&types)?;
    let mut protocols = Vec::new();
    if let Some(list) = lists.optional_block(1).map_err(|error| error.within(whole))? {
        let list = elements(list).map_err(|error| error.within(whole))?;
        for (index, span) in list.into_iter().enumerate() {
            let place = || format!("protocol {}", index + 1);
            let protocol = protocol(span, &linked.ids).map_err(|error| error.within(place))?;
            protocols.push(protocol);
        }
    }
    check_protocols(&protocols, bytes).map_err(|error| error.within(whole))?;
    Ok(Schema::assemble(Box::new([name.into()]), linked.types, protocols))
}

fn raw_type(index: usize, bytes: &[u8], count: usize) -> Result<RawType<'_>, BundleError> {
    let numbered = || format!("type {}", index + 1);
    let parts = Parts::<2>::read(bytes).map_err(|error| error.within(numbered))?;
    let name = parts.name().map_err(|error| error.within(numbered))?;
    let named = || format!("type `{name}`");
    let list = parts.optional_block(1).map_err(|error| error.within(named))?.unwrap_or_default();
    let mut fields: Vec<RawField<'_>> = Vec::new();
    for (index, span) in elements(list).map_err(|error| error.within(named))?.into_iter().enumerate() {
        let place = || format!("field {} of type `{name}`", index + 1);
        let field = raw_field(span, count).map_err(|error| error.within(place))?;
        if let Some(before) = fields.last().filter(|before| before.tag >= field.tag) {
            let kind = BundleErrorKind::TagOrder { tag: field.tag, before: before.tag };
            return Err(Refusal::new(kind, field.bytes).within(place));
        }
        fields.push(field);
    }
    Ok(RawType { bytes, name, fields })
}

/// Name, builtin, type (or digits, or 1 for binary), tag, array, key, map.
fn raw_field(bytes: &[u8], types: usize) -> Result<RawField<'_>, Refusal> {
    let parts = Parts::<7>::read(bytes)?;
    let name = parts.name()?;
    let builtin = parts.number(1)?;
    let extra = parts.number(2)?;
    let refuse = |kind| Err(Refusal::new(kind, bytes));
    let ty = match (builtin, extra) {
        (Some(0), None) => FieldType::Integer,
        (Some(0), Some(digits)) if digits > u16::from(MAX_DIGITS) => {
            return refuse(BundleErrorKind::TooManyDigits(digits));
        }
        (Some(0), Some(digits)) => FieldType::Fixed { digits: digits as u8 },
        (Some(1), None) => FieldType::Boolean,
        (Some(2), None | Some(0)) => FieldType::String,
        (Some(2), Some(1)) => FieldType::Binary,
        (Some(3), None) => FieldType::Double,
        (Some(0..=3), Some(extra)) => return refuse(BundleErrorKind::Extra(extra)),
        (Some(builtin), _) => return refuse(BundleErrorKind::Builtin(builtin)),
        (None, Some(index)) if usize::from(index) < types => FieldType::Struct(TypeId(index.into())),
        (None, Some(index)) => return refuse(BundleErrorKind::TypeIndex(index)),
        (None, None) => return refuse(BundleErrorKind::Missing("type")),
    };
    Ok(RawField {
        bytes,
        name,
        tag: parts.tag(3)?,
        ty,
        is_array: parts.number(4)?.is_some_and(|value| value != 0),
        key: parts.number(5)?,
        is_pair_map: parts.number(6)?.is_some_and(|value| value != 0),
    })
}

/// Name, tag, request, response, confirm.
fn protocol(bytes: &[u8], ids: &[TypeId]) -> Result<Protocol, Refusal> {
    let parts = Parts::<5>::read(bytes)?;
    let name = parts.name()?;
    let tag = parts.tag(1)?;
    let part = |tag| match parts.number(tag)? {
        None => Ok(None),
        Some(index) => match ids.get(usize::from(index)) {
            Some(id) => Ok(Some(*id)),
            None => Err(Refusal::new(BundleErrorKind::TypeIndex(index), bytes)),
        },
    };
    let (request, response) = (part(2)?, part(3)?);
    let confirms = parts.number(4)?.is_some_and(|value| value != 0);
    Ok(Protocol {
        name: name.into(),
        tag: tag.into(),
        request,
        response: match (response, confirms) {
            (Some(id), _) => Response::Type(id),
            (None, true) => Response::Confirm,
            (None, false) => Response::None,
        },
        file: 0,
        line: 0,
    })
}

/// The blocks that `bytes` consist of.
fn elements(mut bytes: &[u8]) -> Result<Vec<&[u8]>, Refusal> {
    let mut elements = Vec::new();
    while !bytes.is_empty() {
        let (block, rest) = cut(bytes)?;
        elements.push(block);
        bytes = rest;
    }
    Ok(elements)
}

impl<'a, const N: usize> Parts<'a, N> {
    fn read(bytes: &'a [u8]) -> Result<Parts<'a, N>, Refusal> {
        let mut parts = [None; N];
        let mut reader = Reader::open(bytes)?;
        while let Some((tag, content)) = reader.next()? {
            match parts.get_mut(tag as usize) {
                Some(part) => *part = Some(content),
                None => return Err(Refusal::new(BundleErrorKind::UnknownPart(tag), bytes)),
            }
        }
        Ok(Parts { bytes, parts })
    }

    fn name(&self) -> Result<&'a str, Refusal> {
        let block = self.block(0, "name")?;
        match std::str::from_utf8(block) {
            Ok(name) if !name.is_empty() => Ok(name),
            _ => Err(Refusal::new(BundleErrorKind::Name, block)),
        }
    }

    fn block(&self, tag: usize, what: &'static str) -> Result<&'a [u8], Refusal> {
        self.optional_block(tag)?.ok_or_else(|| Refusal::new(BundleErrorKind::Missing(what), self.bytes))
    }

    fn optional_block(&self, tag: usize) -> Result<Option<&'a [u8]>, Refusal> {
        Ok(self.parts[tag].map(Content::block).transpose()?)
    }

    fn number(&self, tag: usize) -> Result<Option<u16>, Refusal> {
        match self.parts[tag] {
            None => Ok(None),
            Some(Content::Inline(value, _)) => Ok(Some(value)),
            Some(Content::Block(block)) => Err(Failure::new(DecodeErrorKind::Block, block).into()),
        }
    }

    fn tag(&self, tag: usize) -> Result<u16, Refusal> {
        let refuse = |kind| Refusal::new(kind, self.bytes);
        let value = self.number(tag)?.ok_or_else(|| refuse(BundleErrorKind::Missing("tag")))?;
        if value > MAX_TAG { Err(refuse(BundleErrorKind::TagTooLarge(value))) } else { Ok(value) }
    }
}

struct Linked {
    /// By name.
    types: Box<[TypeDef]>,
    /// The ids of the bundle's types, by their number in it.
    ids: Vec<TypeId>,
}

/// Gives the types their order by name and their maps their keys.
fn link(raw: &[RawType<'_>]) -> Result<Linked, BundleError> {
    let mut order: Vec<usize> = (0..raw.len()).collect();
    order.sort_by_key(|index| raw[*index].name);
    if let Some(pair) = order.windows(2).find(|pair| raw[pair[0]].name == raw[pair[1]].name) {
        let twice = &raw[pair[1]];
        let kind = BundleErrorKind::Duplicate(format!("type `{}`", twice.name).into());
        return Err(Refusal::new(kind, twice.bytes).within(|| "the bundle".to_owned()));
    }
    let mut ids = vec![TypeId(0); raw.len()];
    for (id, index) in order.iter().enumerate() {
        ids[*index] = TypeId(id as u32);
    }
    let mut next_field = 0;
    let mut types = Vec::with_capacity(raw.len());
    for index in order {
        let RawType { name, fields: raw_fields, .. } = &raw[index];
        let mut fields = Vec::with_capacity(raw_fields.len());
        let mut names = BTreeSet::new();
        for field in raw_fields {
            let place = || format!("field `{}` of type `{name}`", field.name);
            if !names.insert(field.name) {
                let kind = BundleErrorKind::Duplicate("its name".into());
                return Err(Refusal::new(kind, field.bytes).within(place));
            }
            let repeat = repeat(field, raw)
                .map_err(|problem| Refusal::new(BundleErrorKind::Map(problem), field.bytes).within(place))?;
            let ty = match field.ty {
                FieldType::Struct(index) => FieldType::Struct(ids[index.0 as usize]),
                other => other,
            };
            fields.push(Field {
                id: FieldId(next_field),
                name: field.name.into(),
                tag: field.tag,
                ty,
                repeat,
                file: 0,
                line: 0,
            });
            next_field += 1;
        }
        types.push(TypeDef {
            name: (*name).into(),
            most_records: most_records(&fields),
            fields: fields.into(),
            file: 0,
            line: 0,
        });
    }
    Ok(Linked { types: types.into(), ids })
}

fn repeat(field: &RawField<'_>, types: &[RawType<'_>]) -> Result<Repeat, &'static str> {
    let (key, entry) = match (field.is_array, field.key, field.ty) {
        (false, None, _) if !field.is_pair_map => return Ok(Repeat::One),
        (true, None, _) if !field.is_pair_map => return Ok(Repeat::Array),
        (true, Some(key), FieldType::Struct(index)) => (key, &types[index.0 as usize]),
        (_, None, _) => return Err("a map without a key"),
        (_, Some(_), _) => return Err("a key for what is no array of structs"),
    };
    let Some(index) = entry.fields.iter().position(|field| field.tag == key) else {
        return Err("a map by a field its structs do not have");
    };
    if let FieldType::Struct(_) = entry.fields[index].ty {
        return Err("a map by a struct");
    }
    match (field.is_pair_map, entry.fields.len(), index) {
        (false, ..) => Ok(Repeat::MapByKey { key: index as u16 }),
        (true, 2, 0) => Ok(Repeat::MapPair { key: 0, value: 1 }),
        (true, 2, _) => Err("a map of pairs whose key is not their first field"),
        (true, ..) => Err("a map of pairs whose type has not exactly two fields"),
    }
}

fn check_protocols(protocols: &[Protocol], bundle: &[u8]) -> Result<(), Refusal> {
    let mut names: Vec<&str> = protocols.iter().map(|protocol| &*protocol.name).collect();
    let mut tags: Vec<u32> = protocols.iter().map(|protocol| protocol.tag).collect();
    names.sort_unstable();
    tags.sort_unstable();
    let twice = |what: String| Err(Refusal::new(BundleErrorKind::Duplicate(what.into()), bundle));
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return twice(format!("protocol `{}`", pair[0]));
    }
    match tags.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => twice(format!("protocol tag {}", pair[0])),
        None => Ok(()),
    }
}

/// An error before its place is known.
struct Refusal {
    kind: BundleErrorKind,
    /// Of the byte where it stands.
    address: usize,
}

impl Refusal {
    fn new(kind: BundleErrorKind, at: &[u8]) -> Refusal {
        Refusal { kind, address: at.as_ptr().addr() }
    }

    fn within(self, place: impl Fn() -> String) -> BundleError {
        BundleError { kind: self.kind, offset: self.address, place: place().into() }
    }
}

impl From<Box<Failure>> for Refusal {
    fn from(failure: Box<Failure>) -> Refusal {
        let (kind, address) = failure.into_parts();
        Refusal { kind: BundleErrorKind::Layout(kind), address }
    }
}
