//! Tables of message ids: which number stands for which message.

use std::collections::HashMap;

use crate::schema::{EnumDef, MessageDef, MessageId, NameError, Schema, names};

/// The most names an error lists.
const LISTED: usize = 6;

/// Why a table of ids cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A message or enum that is not in the schema.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No message has the option.
    #[error("no message has the option `{option}` with an integer{}", known(.options))]
    NoOption {
        /// The option.
        option: Box<str>,
        /// Options that messages have.
        options: Vec<Box<str>>,
    },
    /// An id that two messages have.
    #[error("id {id} stands for `{first}` and for `{second}`")]
    DuplicateId {
        /// The id.
        id: i64,
        /// A message's full name.
        first: Box<str>,
        /// Another one's.
        second: Box<str>,
    },
    /// A message that has two ids.
    #[error("message `{message}` has two ids, {first} and {second}")]
    DuplicateMessage {
        /// The message's full name.
        message: Box<str>,
        /// An id.
        first: i64,
        /// Another one.
        second: i64,
    },
    /// An enum's name that fits several messages.
    #[error("`{value}` of enum `{ty}` may be any of {}: say in which package they are", .candidates.join(", "))]
    Ambiguous {
        /// The enum's full name.
        ty: Box<str>,
        /// The name in it.
        value: Box<str>,
        /// Messages' full names, not necessarily all.
        candidates: Vec<Box<str>>,
    },
    /// An enum of which no name fits a message.
    #[error("no name of enum `{ty}` is that of a message: `{value}` was looked for as `{wanted}`{}", crate::schema::suggested(.nearest))]
    NothingMatches {
        /// The enum's full name.
        ty: Box<str>,
        /// A name in it.
        value: Box<str>,
        /// What that was taken for, without capitals and underscores.
        wanted: Box<str>,
        /// A message that may be meant.
        nearest: Option<Box<str>>,
    },
}

fn known(options: &[Box<str>]) -> String {
    match options.is_empty() {
        true => String::new(),
        false => format!(" (there is {})", options.join(", ")),
    }
}

/// How the names of an enum stand for messages.
///
/// Without a prefix or suffix a name fits the message of that very name or, if there is none, the one whose name differs in
/// capitals and underscores only: `LOGIN_REQ` fits `LoginReq` and `login_req`. Prefixes and suffixes are compared likewise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NameRule<'a> {
    /// What the enum's names begin with and messages do not; if empty, the enum's own name is left out where all begin with it.
    pub value_prefix: &'a str,
    /// What the enum's names end with and messages do not.
    pub value_suffix: &'a str,
    /// What messages begin with and the enum's names do not.
    pub message_prefix: &'a str,
    /// What messages end with and the enum's names do not.
    pub message_suffix: &'a str,
    /// The package, or message, in which the messages are; anywhere if empty.
    pub package: &'a str,
}

/// Which id stands for which message, both ways.
#[derive(Debug, Clone, Default)]
pub struct IdTable {
    messages: HashMap<i64, MessageId>,
    ids: HashMap<MessageId, i64>,
    unmatched: Vec<Box<str>>,
}

impl IdTable {
    /// The ids that messages have by an option, as in `option (msg_id) = 1001;`; `option` is the extension's full name or the
    /// end of it.
    ///
    /// # Errors
    /// No message has it, or two have the same.
    pub fn from_option(schema: &Schema, option: &str) -> Result<IdTable, IdError> {
        let mut table = IdTable::default();
        for message in schema.messages() {
            let id = message.option(option).and_then(|value| value.integer());
            if let Some(id) = id.and_then(|id| i64::try_from(id).ok()) {
                table.insert(schema, id, message.id)?;
            }
        }
        if table.ids.is_empty() {
            let mut options: Vec<_> = schema
                .messages()
                .iter()
                .flat_map(|each| &each.options)
                .map(|(name, _)| name.clone())
                .collect();
            options.sort();
            options.dedup();
            options.truncate(LISTED);
            return Err(IdError::NoOption { option: option.into(), options });
        }
        Ok(table)
    }

    /// The ids of pairs of a name (see [`Schema::find_message`]) and an id.
    ///
    /// # Errors
    /// A name that is no message's, an id or a message that is there twice.
    pub fn from_pairs<'p>(
        schema: &Schema,
        pairs: impl IntoIterator<Item = (&'p str, i64)>,
    ) -> Result<IdTable, IdError> {
        let mut table = IdTable::default();
        for (name, id) in pairs {
            table.insert(schema, id, schema.find_message(name)?)?;
        }
        Ok(table)
    }

    /// The ids of an enum (see [`Schema::find_enum`]) whose names are those of messages, as in `LOGIN_REQ = 1001;`. Names that
    /// fit no message are in [`unmatched`](IdTable::unmatched).
    ///
    /// # Errors
    /// No such enum, a name of it that fits several messages, or none that fits any.
    pub fn from_enum(schema: &Schema, name: &str, rule: &NameRule<'_>) -> Result<IdTable, IdError> {
        let ty = schema.enumeration(schema.find_enum(name)?);
        let matcher = Matcher::new(schema, ty, rule);
        let mut table = IdTable::default();
        for value in &ty.values {
            match matcher.candidates(&value.name) {
                [] => table.unmatched.push(value.name.clone()),
                [message] => table.insert(schema, value.number.into(), *message)?,
                several => {
                    let candidates = several.iter().take(LISTED).map(|id| schema.message(*id).name.clone());
                    let (ty, value) = (ty.name.clone(), value.name.clone());
                    return Err(IdError::Ambiguous { ty, value, candidates: candidates.collect() });
                }
            }
        }
        if table.ids.is_empty() {
            return Err(matcher.nothing(schema, ty));
        }
        Ok(table)
    }

    /// The message that an id stands for.
    #[must_use]
    pub fn message(&self, id: i64) -> Option<MessageId> {
        self.messages.get(&id).copied()
    }

    /// The id of a message.
    #[must_use]
    pub fn id(&self, message: MessageId) -> Option<i64> {
        self.ids.get(&message).copied()
    }

    /// All ids and their messages, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<(i64, MessageId)> {
        let mut entries: Vec<_> = self.messages.iter().map(|(id, message)| (*id, *message)).collect();
        entries.sort_unstable();
        entries
    }

    /// Names of the enum that fit no message, in its order.
    #[must_use]
    pub fn unmatched(&self) -> &[Box<str>] {
        &self.unmatched
    }

    fn insert(&mut self, schema: &Schema, id: i64, message: MessageId) -> Result<(), IdError> {
        let name = |id: MessageId| schema.message(id).name.clone();
        if let Some(first) = self.messages.insert(id, message).filter(|first| *first != message) {
            return Err(IdError::DuplicateId { id, first: name(first), second: name(message) });
        }
        if let Some(first) = self.ids.insert(message, id).filter(|first| *first != id) {
            return Err(IdError::DuplicateMessage { message: name(message), first, second: id });
        }
        Ok(())
    }
}

/// Messages by the names that an enum may have for them.
struct Matcher<'r> {
    rule: &'r NameRule<'r>,
    /// What all names of the enum begin with, in their plain form.
    prefix: String,
    exact: HashMap<Box<str>, Vec<MessageId>>,
    plain: HashMap<String, Vec<MessageId>>,
}

impl<'r> Matcher<'r> {
    fn new(schema: &Schema, ty: &EnumDef, rule: &'r NameRule<'r>) -> Matcher<'r> {
        let mut matcher =
            Matcher { rule, prefix: prefix(ty, rule), exact: HashMap::new(), plain: HashMap::new() };
        let inside = |message: &&MessageDef| {
            let rest = message.name.strip_prefix(rule.package.trim_matches('.'));
            rule.package.is_empty() || rest.is_some_and(|rest| rest.starts_with('.'))
        };
        // A well-known type is never what an id stands for unless it is asked for.
        let own = |message: &&MessageDef| message.file.is_some() || !rule.package.is_empty();
        for message in schema.messages().iter().filter(inside).filter(own) {
            let short = message.short_name();
            matcher.exact.entry(short.into()).or_default().push(message.id);
            let short = plain(short);
            let short = short.strip_prefix(&plain(rule.message_prefix));
            if let Some(short) = short.and_then(|short| short.strip_suffix(&plain(rule.message_suffix))) {
                matcher.plain.entry(short.to_owned()).or_default().push(message.id);
            }
        }
        matcher
    }

    fn candidates(&self, value: &str) -> &[MessageId] {
        let exact = self.exact.get(value);
        exact.or_else(|| self.plain.get(&self.wanted(value))).map_or(&[], Vec::as_slice)
    }

    /// The plain form of what a name stands for.
    fn wanted(&self, value: &str) -> String {
        let value = plain(value);
        let value = value.strip_prefix(&self.prefix).unwrap_or(&value);
        value.strip_suffix(&plain(self.rule.value_suffix)).unwrap_or(value).to_owned()
    }

    fn nothing(&self, schema: &Schema, ty: &EnumDef) -> IdError {
        // The zero of an enum is mostly nobody's id.
        let value = ty.values.iter().find(|value| value.number != 0).or(ty.values.first());
        let value = value.map_or("", |value| &value.name);
        let wanted = self.wanted(value);
        let nearest = names::nearest(&wanted, self.plain.keys().map(String::as_str))
            .and_then(|plain| self.plain.get(plain)?.first())
            .map(|id| schema.message(*id).name.clone());
        IdError::NothingMatches { ty: ty.name.clone(), value: value.into(), wanted: wanted.into(), nearest }
    }
}

/// The given prefix, or the enum's own name if all names begin with it.
fn prefix(ty: &EnumDef, rule: &NameRule<'_>) -> String {
    if !rule.value_prefix.is_empty() {
        return plain(rule.value_prefix);
    }
    let own = plain(ty.name.rsplit('.').next().unwrap_or(&ty.name));
    let is_common = ty.values.iter().all(|value| {
        let value = plain(&value.name);
        value.len() > own.len() && value.starts_with(&own)
    });
    if is_common { own } else { String::new() }
}

/// Without underscores and capitals.
fn plain(name: &str) -> String {
    name.chars().filter(|each| *each != '_').flat_map(char::to_lowercase).collect()
}
