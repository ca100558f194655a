//! Names of a schema as names of Rust: types in camel case, fields as they are, each of them once.

use std::collections::BTreeSet;

use crate::schema::{FieldId, Schema, TypeId};

const KEYWORDS: [&str; 49] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    "union",
];

/// These cannot even be raw names.
const NEVER: [&str; 4] = ["self", "super", "crate", "_"];

pub(super) struct Names {
    /// By id.
    types: Vec<String>,
    /// By id.
    fields: Vec<String>,
    /// In the schema's order.
    protocols: Vec<String>,
}

impl Names {
    pub(super) fn new(schema: &Schema) -> Names {
        let mut taken = BTreeSet::from(["Self".to_owned()]);
        let types = schema.types().map(|(_, ty)| free(camel(&ty.name), &mut taken)).collect();
        let mut taken = BTreeSet::from(["Self".to_owned()]);
        let protocols = schema.protocols().map(|protocol| free(camel(&protocol.name), &mut taken)).collect();
        let mut fields = vec![String::new(); schema.field_count()];
        for (_, ty) in schema.types() {
            let mut taken = BTreeSet::new();
            for field in &ty.fields {
                fields[field.id.0 as usize] = free(plain(&field.name), &mut taken);
            }
        }
        Names { types, fields, protocols }
    }

    pub(super) fn ty(&self, id: TypeId) -> &str {
        &self.types[id.0 as usize]
    }

    pub(super) fn field(&self, id: FieldId) -> &str {
        &self.fields[id.0 as usize]
    }

    pub(super) fn protocol(&self, index: usize) -> &str {
        &self.protocols[index]
    }
}

/// `name`, or with as many underscores behind it as make it new.
fn free(mut name: String, taken: &mut BTreeSet<String>) -> String {
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}

/// `unit.small_pos` as `UnitSmallPos`.
fn camel(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) { name } else { format!("T{name}") }
}

fn plain(name: &str) -> String {
    let mut name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    if NEVER.contains(&name.as_str()) {
        name.push('_');
    }
    if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name }
}
