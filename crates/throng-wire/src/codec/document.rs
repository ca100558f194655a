//! JSON and MessagePack: documents that say themselves what they hold.
//!
//! A message's name and session stand under configured keys of the outermost object. Its body stands under a key too, or its
//! fields stand beside them. Only the keys of the outermost object are looked at here; what lies below is stepped over.

mod json;
mod msgpack;
mod read;

pub use read::Build;

use std::io::Write as _;
use std::sync::Arc;

use super::messages::Messages;
use super::{Head, HeadError, HeadKind, RawCodec, WriteError};
use crate::MessageId;
use crate::ids::Ids;
use crate::names::open::OpenNames;
use crate::reply::Comparison;
use crate::spec::DocumentSpec;

/// How documents are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentForm {
    /// RFC 8259.
    Json,
    /// MessagePack.
    Msgpack,
}

/// A codec without a schema.
#[derive(Debug, Clone)]
pub struct DocumentCodec {
    form: DocumentForm,
    keys: Keys,
    vocabulary: Vocabulary,
    /// The numbers that stand in the document for names.
    ids: Option<Ids>,
    /// What a message is called that carries no name because none is configured.
    unnamed: Option<MessageId>,
    refused: Option<Comparison>,
}

/// A document whose head could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the message is not {word}: {reason}")]
pub struct DocumentError {
    /// The form's word.
    pub word: &'static str,
    /// What is wrong.
    pub reason: Box<str>,
}

/// The keys that mean something.
#[derive(Debug, Clone, Default)]
struct Keys {
    name: Option<Box<str>>,
    session: Option<Box<str>>,
    body: Option<Box<str>>,
    /// What tells a refusal.
    code: Option<Box<str>>,
}

/// Which of them a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Name,
    Session,
    Body,
    Code,
    Other,
}

/// The names of messages.
#[derive(Debug, Clone)]
enum Vocabulary {
    /// Those of `ids`.
    Known(Messages),
    /// Any.
    Open(Arc<OpenNames>),
}

/// What the outermost object says.
#[derive(Debug, Default, PartialEq)]
struct Outline<'a> {
    name: Option<Name<'a>>,
    session: Option<i64>,
    body: Option<&'a [u8]>,
    code: Option<i64>,
}

/// A message's name.
#[derive(Debug, PartialEq)]
enum Name<'a> {
    Text(&'a str),
    /// As it is meant, and as it is written.
    Escaped(String, &'a str),
    Number(i64),
}

impl DocumentForm {
    /// What `throng.toml` calls it.
    pub fn word(self) -> &'static str {
        match self {
            DocumentForm::Json => "json",
            DocumentForm::Msgpack => "msgpack",
        }
    }

    fn outline<'a>(self, keys: &Keys, document: &'a [u8]) -> Result<Outline<'a>, DocumentError> {
        match self {
            DocumentForm::Json => json::outline(keys, document),
            DocumentForm::Msgpack => msgpack::outline(keys, document),
        }
    }

    fn error(self, reason: impl Into<Box<str>>) -> DocumentError {
        DocumentError { word: self.word(), reason: reason.into() }
    }
}

impl Keys {
    #[inline]
    fn which(&self, key: &str) -> Key {
        let is = |known: &Option<Box<str>>| known.as_deref() == Some(key);
        match () {
            () if is(&self.name) => Key::Name,
            () if is(&self.session) => Key::Session,
            () if is(&self.body) => Key::Body,
            () if is(&self.code) => Key::Code,
            () => Key::Other,
        }
    }

    fn is_empty(&self) -> bool {
        self.name.is_none() && self.session.is_none() && self.body.is_none() && self.code.is_none()
    }
}

impl DocumentCodec {
    /// A codec whose messages are those of `known`, or any where there are none.
    pub(super) fn new(spec: DocumentSpec, known: Option<Messages>) -> DocumentCodec {
        let vocabulary = match known {
            Some(messages) => Vocabulary::Known(messages),
            None => Vocabulary::Open(Arc::new(OpenNames::new())),
        };
        let unnamed = match &vocabulary {
            Vocabulary::Open(names) if spec.name.is_none() => names.intern(RawCodec::RECEIVED),
            _ => None,
        };
        let keys = Keys {
            name: spec.name.map(Into::into),
            session: spec.session.map(Into::into),
            body: spec.body.map(Into::into),
            code: None,
        };
        DocumentCodec { form: spec.form, keys, vocabulary, ids: None, unnamed, refused: None }
    }

    /// How documents are written.
    pub fn form(&self) -> DocumentForm {
        self.form
    }

    /// Whether messages have a session.
    pub(crate) fn has_session(&self) -> bool {
        self.keys.session.is_some()
    }

    /// Whether messages have a name of their own.
    pub(crate) fn has_name(&self) -> bool {
        self.keys.name.is_some()
    }

    /// Writes numbers in place of names.
    pub(crate) fn number(&mut self, ids: Ids) {
        self.ids = Some(ids);
    }

    /// The numbers of messages.
    pub(crate) fn ids(&self) -> Option<&Ids> {
        self.ids.as_ref()
    }

    /// Looks for a field that tells a refusal.
    pub(crate) fn refuse_by(&mut self, field: &str, refused: Comparison) {
        self.keys.code = Some(field.into());
        self.refused = Some(refused);
    }

    pub(crate) fn open_names(&self) -> Option<&Arc<OpenNames>> {
        match &self.vocabulary {
            Vocabulary::Open(names) => Some(names),
            Vocabulary::Known(_) => None,
        }
    }

    pub(super) fn message_count(&self) -> u32 {
        match &self.vocabulary {
            Vocabulary::Known(messages) => messages.count(),
            Vocabulary::Open(_) => OpenNames::most(),
        }
    }

    pub(super) fn message(&self, name: &str) -> Option<MessageId> {
        match &self.vocabulary {
            Vocabulary::Known(messages) => messages.find(name),
            Vocabulary::Open(names) => names.intern(name),
        }
    }

    #[inline]
    pub(super) fn message_name(&self, message: MessageId) -> Option<&str> {
        match &self.vocabulary {
            Vocabulary::Known(messages) => messages.name(message),
            Vocabulary::Open(names) => names.name(message),
        }
    }

    pub(super) fn not_sent(&self, message: MessageId) -> WriteError {
        let name = self.message_name(message).map_or_else(|| format!("message {}", message.0), str::to_owned);
        WriteError::NotSent { name }
    }

    /// Appends the document that carries `body`, which is a document itself, or empty.
    #[inline]
    pub(super) fn write(
        &self,
        message: MessageId,
        session: Option<i64>,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let name = match (&self.keys.name, &self.ids) {
            (None, _) => None,
            (Some(_), None) => {
                Some(Name::Text(self.message_name(message).ok_or_else(|| self.not_sent(message))?))
            }
            (Some(_), Some(ids)) => {
                Some(Name::Number(ids.number(message).ok_or_else(|| self.not_sent(message))?))
            }
        };
        let name = self.keys.name.as_deref().zip(name);
        let session = self.keys.session.as_deref().zip(session.filter(|session| *session != 0));
        match self.form {
            DocumentForm::Json => json::write(name, session, self.keys.body.as_deref(), body, out),
            DocumentForm::Msgpack => msgpack::write(name, session, self.keys.body.as_deref(), body, out),
        }
    }

    /// Reads a head. `scratch` is for the text of a number that is no message.
    #[inline]
    pub(super) fn read<'a>(
        &self,
        payload: &'a [u8],
        scratch: Option<&'a mut Vec<u8>>,
    ) -> Result<Head<'a>, HeadError> {
        let mut head = Head {
            kind: HeadKind::Any,
            message: self.unnamed,
            unknown_name: None,
            body: payload,
            refused: None,
        };
        if self.keys.is_empty() {
            return Ok(head);
        }
        let outline = self.form.outline(&self.keys, payload)?;
        if self.keys.session.is_some() {
            head.kind = match outline.session {
                Some(session) if session != 0 => HeadKind::Reply { session },
                _ => HeadKind::Push,
            };
        }
        if self.keys.body.is_some() {
            head.body = outline.body.unwrap_or_default();
        }
        if let Some(refused) = self.refused {
            head.refused = self.code(&outline).filter(|code| refused.holds(*code));
        }
        if let Some(name) = outline.name {
            (head.message, head.unknown_name) = self.named(name, scratch);
        }
        Ok(head)
    }

    /// The code of a reply: beside its body, or else in it.
    fn code(&self, outline: &Outline<'_>) -> Option<i64> {
        let inner = || {
            let keys = Keys { code: self.keys.code.clone(), ..Keys::default() };
            self.form.outline(&keys, outline.body?).ok()?.code
        };
        outline.code.or_else(inner)
    }

    fn named<'a>(
        &self,
        name: Name<'a>,
        scratch: Option<&'a mut Vec<u8>>,
    ) -> (Option<MessageId>, Option<&'a str>) {
        let find = |name: &str| match &self.vocabulary {
            Vocabulary::Known(messages) => messages.find(name),
            Vocabulary::Open(names) => names.intern_received(name),
        };
        let (found, text) = match (name, &self.ids) {
            (Name::Text(text), _) => (find(text), Some(text)),
            (Name::Escaped(meant, written), _) => (find(&meant), Some(written)),
            (Name::Number(number), Some(ids)) => match (ids.message(number), scratch) {
                (None, Some(scratch)) => {
                    scratch.clear();
                    // Writing to a vector does not fail.
                    let _ = write!(scratch, "{number}");
                    (None, std::str::from_utf8(scratch).ok())
                }
                (found, _) => (found, None),
            },
            (Name::Number(number), None) => (find(&number.to_string()), None),
        };
        (found, if found.is_some() { None } else { text })
    }
}

#[cfg(test)]
mod tests;
