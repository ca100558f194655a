//! Documents as trees of values, for people.

use throng_sproto::Value;

use super::Build;

/// The values that are finished or open.
#[derive(Default)]
pub(super) struct Tree(Vec<Open>);

enum Open {
    Value(Value),
    Entries(Vec<(Value, Value)>),
    Elements(Vec<Value>),
}

impl Open {
    /// A map whose keys are texts is a structure.
    fn finish(self) -> Value {
        match self {
            Open::Value(value) => value,
            Open::Elements(elements) => Value::Array(elements),
            Open::Entries(entries) => {
                let named = |(key, value): &(Value, Value)| match key {
                    Value::String(name) => Some((std::str::from_utf8(name).ok()?.to_owned(), value.clone())),
                    _ => None,
                };
                match entries.iter().map(named).collect::<Option<Vec<_>>>() {
                    Some(fields) => {
                        Value::Struct(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
                    }
                    None => Value::Map(entries),
                }
            }
        }
    }
}

impl Tree {
    pub(super) fn finish(mut self) -> Value {
        self.pop()
    }

    fn pop(&mut self) -> Value {
        self.0.pop().map_or_else(|| Value::Struct(Vec::new()), Open::finish)
    }

    fn push(&mut self, value: Value) -> Result<(), &'static str> {
        self.0.push(Open::Value(value));
        Ok(())
    }
}

impl Build for Tree {
    fn null(&mut self) -> Result<(), &'static str> {
        self.push(Value::String(b"null".to_vec()))
    }

    fn boolean(&mut self, value: bool) -> Result<(), &'static str> {
        self.push(Value::Boolean(value))
    }

    fn integer(&mut self, value: i64) -> Result<(), &'static str> {
        self.push(Value::Integer(value))
    }

    fn number(&mut self, value: f64) -> Result<(), &'static str> {
        self.push(Value::Double(value))
    }

    fn text(&mut self, value: &[u8]) -> Result<(), &'static str> {
        self.push(Value::String(value.to_vec()))
    }

    fn open(&mut self) -> Result<(), &'static str> {
        self.0.push(Open::Entries(Vec::new()));
        Ok(())
    }

    fn element(&mut self, _: i64) -> Result<(), &'static str> {
        let value = self.pop();
        match self.0.last_mut() {
            Some(Open::Elements(elements)) => elements.push(value),
            Some(open) => *open = Open::Elements(vec![value]),
            None => {}
        }
        Ok(())
    }

    fn entry(&mut self) -> Result<(), &'static str> {
        let value = self.pop();
        let key = self.pop();
        if let Some(Open::Entries(entries)) = self.0.last_mut() {
            entries.push((key, value));
        }
        Ok(())
    }

    fn close_list(&mut self, count: i64) -> Result<(), &'static str> {
        if let Some(open) = self.0.last_mut().filter(|_| count == 0) {
            *open = Open::Elements(Vec::new());
        }
        Ok(())
    }
}
