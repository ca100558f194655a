//! A schema in the reference's binary form, byte for byte as its parser writes it.

use crate::schema::{Field, FieldType, Protocol, Repeat, Response, Schema, TypeDef, TypeId};

/// A record that steps over one tag.
const SKIP: u16 = 1;

/// A record whose value is a block.
const BLOCK: u16 = 0;

impl Schema {
    /// The schema as the reference's loader (`sproto.new`) takes it.
    #[must_use]
    pub fn bundle(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let lists = usize::from(!self.types.is_empty()) + usize::from(!self.protocols.is_empty());
        records(&vec![BLOCK; lists], &mut out);
        if !self.types.is_empty() {
            block(&mut out, |out| self.types.iter().for_each(|ty| self.write_type(ty, out)));
        }
        if !self.protocols.is_empty() {
            block(&mut out, |out| self.protocols.iter().for_each(|protocol| write_protocol(protocol, out)));
        }
        out
    }

    fn write_type(&self, ty: &TypeDef, out: &mut Vec<u8>) {
        block(out, |out| {
            records(&vec![BLOCK; 1 + usize::from(!ty.fields.is_empty())], out);
            text(&ty.name, out);
            if !ty.fields.is_empty() {
                block(out, |out| ty.fields.iter().for_each(|field| self.write_field(field, out)));
            }
        });
    }

    /// Name, builtin, type (or digits, or 1 for binary), tag, array, key, map.
    fn write_field(&self, field: &Field, out: &mut Vec<u8>) {
        let mut parts = vec![BLOCK];
        parts.extend(match field.ty {
            FieldType::Integer => [value(0), SKIP],
            FieldType::Fixed { digits } => [value(0), value(digits.into())],
            FieldType::Boolean => [value(1), SKIP],
            FieldType::String => [value(2), SKIP],
            FieldType::Binary => [value(2), value(1)],
            FieldType::Double => [value(3), SKIP],
            FieldType::Struct(id) => [SKIP, id_value(id)],
        });
        parts.push(value(field.tag));
        if field.repeat != Repeat::One {
            parts.push(value(1));
        }
        if let (Repeat::MapByKey { key } | Repeat::MapPair { key, .. }, FieldType::Struct(id)) =
            (field.repeat, field.ty)
        {
            parts.push(value(self.type_def(id).fields[usize::from(key)].tag));
        }
        if let Repeat::MapPair { .. } = field.repeat {
            parts.push(value(1));
        }
        block(out, |out| {
            records(&parts, out);
            text(&field.name, out);
        });
    }
}

/// Name, tag, request, response, confirm.
fn write_protocol(protocol: &Protocol, out: &mut Vec<u8>) {
    let mut parts = vec![BLOCK, value(protocol.tag as u16)];
    if protocol.request.is_some() || protocol.response != Response::None {
        parts.push(protocol.request.map_or(SKIP, id_value));
    }
    match protocol.response {
        Response::None => {}
        Response::Type(id) => parts.push(id_value(id)),
        Response::Confirm => parts.extend([SKIP, value(1)]),
    }
    block(out, |out| {
        records(&parts, out);
        text(&protocol.name, out);
    });
}

fn value(value: u16) -> u16 {
    (value + 1) * 2
}

fn id_value(id: TypeId) -> u16 {
    value(id.0 as u16)
}

fn records(records: &[u16], out: &mut Vec<u8>) {
    out.extend_from_slice(&(records.len() as u16).to_le_bytes());
    records.iter().for_each(|record| out.extend_from_slice(&record.to_le_bytes()));
}

fn text(text: &str, out: &mut Vec<u8>) {
    block(out, |out| out.extend_from_slice(text.as_bytes()));
}

fn block(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}
