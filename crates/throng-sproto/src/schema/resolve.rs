//! Declarations against each other: names, scopes, keys. Makes the [`Schema`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::schema::error::{At, Fault, SchemaErrorKind};
use crate::schema::syntax::{FieldItem, Item, PartBody, PartItem, PartKind, ProtocolItem, TypeItem};
use crate::schema::{
    Field, FieldId, FieldType, MAX_TYPES, Protocol, Repeat, Response, Schema, SourceFile, TypeDef, TypeId,
    most_records,
};

pub(super) fn resolve(files: &[SourceFile<'_>], items: Vec<Item<'_>>) -> Result<Schema, Fault> {
    let mut declared = Declared { files, types: BTreeMap::new() };
    let mut protocols = Vec::new();
    for item in items {
        match item {
            Item::Type(item) => declared.add_type(None, item)?,
            Item::Protocol(item) => protocols.push(declared.add_inline_types(item)?),
        }
    }
    check_protocols(files, &protocols)?;
    let names = Names::new(declared, &protocols)?;
    let types = names.types()?;
    let protocols = protocols.iter().map(|draft| names.protocol(draft)).collect::<Result<_, _>>()?;
    Ok(Schema::assemble(files.iter().map(|file| file.name.into()).collect(), types, protocols))
}

struct Draft<'a> {
    at: At,
    /// By tag.
    fields: Vec<FieldItem<'a>>,
}

struct ProtocolDraft<'a> {
    name: &'a str,
    at: At,
    tag: u16,
    tag_at: At,
    parts: Vec<Part>,
}

struct Part {
    kind: PartKind,
    at: At,
    type_at: At,
    /// None for `nil`.
    type_name: Option<String>,
}

/// The types by full name, while they come in.
struct Declared<'a, 'f> {
    files: &'f [SourceFile<'f>],
    types: BTreeMap<String, Draft<'a>>,
}

impl<'a> Declared<'a, '_> {
    fn add_type(&mut self, scope: Option<&str>, item: TypeItem<'a>) -> Result<(), Fault> {
        let name = match scope {
            Some(scope) => format!("{scope}.{}", item.name),
            None => item.name.to_owned(),
        };
        if let Some(first) = self.types.get(&name) {
            let first = first.at.location(self.files);
            return Err(Fault {
                at: item.at,
                kind: SchemaErrorKind::DuplicateType { name: name.into(), first },
            });
        }
        let draft = self.draft(&name, item)?;
        self.types.insert(name, draft);
        Ok(())
    }

    /// Declares the inline types of a protocol, by whose names it goes on.
    fn add_inline_types(&mut self, item: ProtocolItem<'a>) -> Result<ProtocolDraft<'a>, Fault> {
        let mut parts = Vec::with_capacity(item.parts.len());
        for PartItem { kind, at, type_at, body } in item.parts {
            let type_name = match body {
                PartBody::Nil => None,
                PartBody::Named(name) => Some(name.to_owned()),
                PartBody::Inline(inline) => {
                    let name = format!("{}.{}", item.name, kind.name());
                    let draft = self.draft(&name, inline)?;
                    // Replaces an earlier type of that name without a word, as the reference does.
                    self.types.insert(name.clone(), draft);
                    Some(name)
                }
            };
            parts.push(Part { kind, at, type_at, type_name });
        }
        Ok(ProtocolDraft { name: item.name, at: item.at, tag: item.tag, tag_at: item.tag_at, parts })
    }

    fn draft(&mut self, name: &str, item: TypeItem<'a>) -> Result<Draft<'a>, Fault> {
        for nested in item.nested {
            self.add_type(Some(name), nested)?;
        }
        let mut fields = item.fields;
        self.check_names(name, &fields)?;
        fields.sort_by_key(|field| field.tag);
        if let Some(pair) = fields.windows(2).find(|pair| pair[0].tag == pair[1].tag) {
            let (tag, ty, first) = (pair[1].tag, name.into(), pair[0].name.into());
            return Err(Fault { at: pair[1].tag_at, kind: SchemaErrorKind::DuplicateTag { tag, ty, first } });
        }
        Ok(Draft { at: item.at, fields })
    }

    fn check_names(&self, ty: &str, fields: &[FieldItem<'_>]) -> Result<(), Fault> {
        let mut seen = BTreeMap::new();
        for field in fields {
            if let Some(first) = seen.insert(field.name, field.at) {
                let first = first.location(self.files);
                let (name, ty) = (field.name.into(), ty.into());
                return Err(Fault {
                    at: field.at,
                    kind: SchemaErrorKind::DuplicateField { name, ty, first },
                });
            }
        }
        Ok(())
    }
}

fn check_protocols(files: &[SourceFile<'_>], protocols: &[ProtocolDraft<'_>]) -> Result<(), Fault> {
    let (mut names, mut tags) = (BTreeMap::new(), BTreeMap::new());
    for item in protocols {
        match names.entry(item.name) {
            Entry::Occupied(first) => {
                let at: &At = first.get();
                let (name, first) = (item.name.into(), at.location(files));
                return Err(Fault { at: item.at, kind: SchemaErrorKind::DuplicateProtocol { name, first } });
            }
            Entry::Vacant(free) => free.insert(item.at),
        };
        if let Some(first) = tags.insert(item.tag, item) {
            return Err(Fault {
                at: item.tag_at,
                kind: SchemaErrorKind::DuplicateProtocolTag {
                    tag: item.tag.into(),
                    first: first.name.into(),
                    at: first.at.location(files),
                },
            });
        }
    }
    Ok(())
}

/// All types, with their final order.
struct Names<'a> {
    types: Vec<(String, Draft<'a>)>,
}

impl<'a> Names<'a> {
    fn new(declared: Declared<'a, '_>, protocols: &[ProtocolDraft<'_>]) -> Result<Names<'a>, Fault> {
        let types: Vec<_> = declared.types.into_iter().collect();
        if let (true, Some(protocol)) = (types.is_empty(), protocols.first()) {
            return Err(Fault { at: protocol.at, kind: SchemaErrorKind::NoTypes });
        }
        match types.get(MAX_TYPES) {
            Some((_, draft)) => {
                Err(Fault { at: draft.at, kind: SchemaErrorKind::TooManyTypes { count: types.len() } })
            }
            None => Ok(Names { types }),
        }
    }

    fn types(&self) -> Result<Box<[TypeDef]>, Fault> {
        let mut next_field = 0;
        let mut types = Vec::with_capacity(self.types.len());
        for (name, draft) in &self.types {
            let mut fields = Vec::with_capacity(draft.fields.len());
            for item in &draft.fields {
                let (ty, repeat) = self.field_type(name, item)?;
                fields.push(Field {
                    id: FieldId(next_field),
                    name: item.name.into(),
                    tag: item.tag,
                    ty,
                    repeat,
                    file: item.at.file,
                    line: item.at.line,
                });
                next_field += 1;
            }
            types.push(TypeDef {
                name: name.as_str().into(),
                most_records: most_records(&fields),
                fields: fields.into(),
                file: draft.at.file,
                line: draft.at.line,
            });
        }
        Ok(types.into())
    }

    fn field_type(&self, scope: &str, item: &FieldItem<'_>) -> Result<(FieldType, Repeat), Fault> {
        let ty = match builtin(item.type_name) {
            Some(ty) => ty,
            None => FieldType::Struct(self.in_scope(scope, item)?),
        };
        let ty = match (ty, item.digits) {
            (ty, None) => ty,
            (FieldType::Integer, Some((digits, _))) => FieldType::Fixed { digits },
            (_, Some((_, at))) => return Err(misplaced(item, "digits", at)),
        };
        let repeat = match (item.is_array, item.key, ty) {
            // As in the reference, a key means nothing where there is no array.
            (false, ..) => Repeat::One,
            (true, None, _) => Repeat::Array,
            (true, Some((key, at)), FieldType::Struct(id)) => self.map(id, key, at)?,
            (true, Some((_, at)), _) => return Err(misplaced(item, "key", at)),
        };
        Ok((ty, repeat))
    }

    /// Looks a name up from the innermost scope outwards.
    fn in_scope(&self, scope: &str, item: &FieldItem<'_>) -> Result<TypeId, Fault> {
        let mut around = Some(scope);
        while let Some(outer) = around {
            if let Some(id) = self.id(&format!("{outer}.{}", item.type_name)) {
                return Ok(id);
            }
            around = outer.rsplit_once('.').map(|(outer, _)| outer);
        }
        self.id(item.type_name).ok_or_else(|| Fault {
            at: item.type_at,
            kind: SchemaErrorKind::UndefinedType {
                name: item.type_name.into(),
                scope: scope.into(),
                nearest: self.nearest(item.type_name, &BUILTINS),
            },
        })
    }

    fn map(&self, id: TypeId, key: &str, at: At) -> Result<Repeat, Fault> {
        let (name, draft) = &self.types[id.0 as usize];
        let index = if !key.is_empty() {
            let unknown = || SchemaErrorKind::UnknownKey { key: key.into(), ty: name.as_str().into() };
            draft
                .fields
                .iter()
                .position(|field| field.name == key)
                .ok_or_else(|| Fault { at, kind: unknown() })?
        } else if draft.fields.len() == 2 {
            0
        } else {
            let (ty, count) = (name.as_str().into(), draft.fields.len());
            return Err(Fault { at, kind: SchemaErrorKind::NotAPair { ty, count } });
        };
        let field = &draft.fields[index];
        if builtin(field.type_name).is_none() {
            let (key, ty) = (field.name.into(), name.as_str().into());
            return Err(Fault { at, kind: SchemaErrorKind::StructKey { key, ty } });
        }
        Ok(match key {
            "" => Repeat::MapPair { key: 0, value: 1 },
            _ => Repeat::MapByKey { key: index as u16 },
        })
    }

    fn protocol(&self, item: &ProtocolDraft<'_>) -> Result<Protocol, Fault> {
        let request = self.part(item, PartKind::Request)?;
        let response = self.part(item, PartKind::Response)?;
        Ok(Protocol {
            name: item.name.into(),
            tag: item.tag.into(),
            request: request.flatten(),
            response: match response {
                None => Response::None,
                Some(None) => Response::Confirm,
                Some(Some(id)) => Response::Type(id),
            },
            file: item.at.file,
            line: item.at.line,
        })
    }

    /// The type of a request or response; `Some(None)` is `nil`.
    fn part(&self, protocol: &ProtocolDraft<'_>, kind: PartKind) -> Result<Option<Option<TypeId>>, Fault> {
        let mut found: Option<Option<TypeId>> = None;
        for part in protocol.parts.iter().filter(|part| part.kind == kind) {
            let id = self.part_type(protocol, part)?;
            // The reference lets `nil` stand twice.
            if found.is_some_and(|before| before.is_some() || id.is_some()) {
                let (part_name, protocol) = (kind.name(), protocol.name.into());
                return Err(Fault {
                    at: part.at,
                    kind: SchemaErrorKind::DuplicatePart { part: part_name, protocol },
                });
            }
            found = Some(id);
        }
        Ok(found)
    }

    fn part_type(&self, protocol: &ProtocolDraft<'_>, part: &Part) -> Result<Option<TypeId>, Fault> {
        let Some(name) = &part.type_name else { return Ok(None) };
        // Full names only, and no builtins: these have no fields to send.
        let id = self.id(name).filter(|_| builtin(name).is_none());
        id.map(Some).ok_or_else(|| Fault {
            at: part.type_at,
            kind: SchemaErrorKind::UndefinedPart {
                part: part.kind.name(),
                name: name.as_str().into(),
                protocol: protocol.name.into(),
                nearest: self.nearest(name, &[]),
            },
        })
    }

    fn id(&self, name: &str) -> Option<TypeId> {
        let index = self.types.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok()?;
        Some(TypeId(index as u32))
    }

    /// The type whose name, or whose last part of it, is most like `name`.
    fn nearest(&self, name: &str, builtins: &[(&str, FieldType)]) -> Option<Box<str>> {
        let likeness = |full: &str| {
            let last = full.rsplit('.').next().unwrap_or(full);
            strsim::jaro_winkler(full, name).max(strsim::jaro_winkler(last, name))
        };
        self.types
            .iter()
            .map(|(full, _)| full.as_str())
            .chain(builtins.iter().map(|(builtin, _)| *builtin))
            .map(|full| (likeness(full), full))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, full)| full.into())
    }
}

const BUILTINS: [(&str, FieldType); 5] = [
    ("integer", FieldType::Integer),
    ("boolean", FieldType::Boolean),
    ("string", FieldType::String),
    ("binary", FieldType::Binary),
    ("double", FieldType::Double),
];

fn builtin(name: &str) -> Option<FieldType> {
    BUILTINS.iter().find(|(builtin, _)| *builtin == name).map(|(_, ty)| *ty)
}

fn misplaced(item: &FieldItem<'_>, what: &'static str, at: At) -> Fault {
    let star = if item.is_array { "*" } else { "" };
    let ty = format!("`{star}{}`", item.type_name).into();
    Fault { at, kind: SchemaErrorKind::Misplaced { ty, what } }
}
