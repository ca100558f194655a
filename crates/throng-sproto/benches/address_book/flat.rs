//! A source that costs as little as one can, so that what remains is the encoder's own work.

use throng_sproto::{EncodeError, Field, Schema, Source, Value};

/// A value whose fields are found by their ids.
pub(super) enum Node {
    Integer(i64),
    Text(Vec<u8>),
    /// The id of the first field, and all of them.
    Struct(u32, Vec<Option<Node>>),
    List(Vec<Node>),
}

impl Node {
    /// The message of a type, from one that consists of integers, strings, structs and maps and arrays of these.
    pub(super) fn new(schema: &Schema, ty: &str, value: &Value) -> Node {
        match value {
            Value::Struct(_) => {
                let fields = &schema.type_def(schema.type_id(ty).expect("the type is there")).fields;
                let node = |field: &Field| {
                    value.field(&field.name).map(|value| Node::of_field(schema, field, value))
                };
                Node::Struct(fields[0].id.0, fields.iter().map(node).collect())
            }
            Value::Integer(value) => Node::Integer(*value),
            Value::String(text) => Node::Text(text.clone()),
            other => panic!("the address book has no {other}"),
        }
    }

    fn of_field(schema: &Schema, field: &Field, value: &Value) -> Node {
        let ty = match field.ty {
            throng_sproto::FieldType::Struct(id) => &schema.type_def(id).name,
            _ => "",
        };
        match value {
            Value::Array(elements) => {
                Node::List(elements.iter().map(|value| Node::new(schema, ty, value)).collect())
            }
            Value::Map(entries) => {
                Node::List(entries.iter().map(|(_, value)| Node::new(schema, ty, value)).collect())
            }
            one => Node::new(schema, ty, one),
        }
    }
}

pub(super) struct Flat<'n> {
    stack: [Option<&'n Node>; 16],
    top: usize,
    entry: [usize; 16],
}

impl<'n> Flat<'n> {
    pub(super) fn new(node: &'n Node) -> Flat<'n> {
        let mut stack = [None; 16];
        stack[0] = Some(node);
        Flat { stack, top: 0, entry: [0; 16] }
    }

    #[inline(always)]
    fn current(&self) -> Option<&'n Node> {
        self.stack[self.top & 15]
    }

    #[inline(always)]
    fn enter(&mut self, node: Option<&'n Node>) -> bool {
        if node.is_some() {
            self.top += 1;
            self.stack[self.top & 15] = node;
        }
        node.is_some()
    }
}

impl Source for Flat<'_> {
    type Error = EncodeError;

    #[inline(always)]
    fn enter_field(&mut self, field: &Field) -> Result<bool, EncodeError> {
        let Some(Node::Struct(first, fields)) = self.current() else { return Ok(false) };
        Ok(self.enter(fields[(field.id.0 - first) as usize].as_ref()))
    }

    #[inline(always)]
    fn enter_element(&mut self, index: usize) -> Result<bool, EncodeError> {
        let Some(Node::List(elements)) = self.current() else { return Ok(false) };
        Ok(self.enter(elements.get(index)))
    }

    fn next_entry(&mut self, first: bool) -> Result<bool, EncodeError> {
        let Some(Node::List(elements)) = self.current() else { return Ok(false) };
        let entry = &mut self.entry[self.top & 15];
        *entry = if first { 0 } else { *entry + 1 };
        Ok(*entry < elements.len())
    }

    fn enter_entry_key(&mut self) -> Result<(), EncodeError> {
        Err(EncodeError::wrong_type("a pair", "a struct"))
    }

    fn enter_entry_value(&mut self) -> Result<(), EncodeError> {
        let index = self.entry[self.top & 15];
        self.enter_element(index).map(|_| ())
    }

    #[inline(always)]
    fn leave(&mut self) {
        self.top -= 1;
    }

    fn leave_entries(&mut self) {}

    #[inline(always)]
    fn integer(&mut self) -> Result<i64, EncodeError> {
        match self.current() {
            Some(Node::Integer(value)) => Ok(*value),
            _ => Err(EncodeError::wrong_type("an integer", "another")),
        }
    }

    fn double(&mut self) -> Result<f64, EncodeError> {
        Err(EncodeError::wrong_type("a number", "another"))
    }

    fn boolean(&mut self) -> Result<bool, EncodeError> {
        Err(EncodeError::wrong_type("a boolean", "another"))
    }

    #[inline(always)]
    fn bytes(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self.current() {
            Some(Node::Text(text)) => out.extend_from_slice(text),
            _ => return Err(EncodeError::wrong_type("a string", "another")),
        }
        Ok(())
    }

    fn expect_struct(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn expect_array(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }
}
