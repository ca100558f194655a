//! How deep bodies nest, where a protocol bounds it more closely than its codec does.
//!
//! A body is walked once more for that, which only those pay who ask for it.

use throng_protobuf::{Defaults, EnumDef, EnumValue, MessageDef};
use throng_sproto::TypeDef;

use crate::codec::{Codec, Direction};
use crate::{MessageId, Protocol};

/// A body that nests more deeply than its protocol allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it nests more than {most} levels")]
pub struct TooDeep {
    /// The most levels that are allowed.
    pub most: u32,
}

impl Protocol {
    /// Looks whether the body of a message that came, which may be the reply to `request`, keeps to the depth its protocol allows.
    ///
    /// # Errors
    /// It does not. Bytes that cannot be read are no error here.
    #[inline]
    pub fn check_depth(
        &self,
        message: Option<MessageId>,
        request: Option<MessageId>,
        body: &[u8],
    ) -> Result<(), TooDeep> {
        match self.limits.depth {
            None => Ok(()),
            Some(most) if self.nests_within(most, message, request, body) => Ok(()),
            Some(most) => Err(TooDeep { most }),
        }
    }

    fn nests_within(
        &self,
        most: u32,
        message: Option<MessageId>,
        request: Option<MessageId>,
        body: &[u8],
    ) -> bool {
        let mut levels = Levels { open: 0, most };
        let walked = match &self.codec {
            Codec::Raw(_) | Codec::Own(_) => return true,
            Codec::Document(codec) => return codec.form().nests_within(body, most),
            Codec::Protobuf(codec) => {
                let Some((schema, ty)) = message.and_then(|message| codec.body_type(message)) else {
                    return true;
                };
                throng_protobuf::decode(schema, ty, body, Defaults::Leave, &mut levels).map(drop)
            }
            Codec::Sproto(_) => {
                let Some((schema, ty)) = self.body_type_seen(Direction::Received, message, request) else {
                    return true;
                };
                throng_sproto::decode(schema, ty, body, &mut levels).map(drop)
            }
        };
        walked != Err(Stop::Deep)
    }
}

/// Builds nothing, and counts what is open.
struct Levels {
    open: u32,
    most: u32,
}

/// Why a walk ended early.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    Deep,
    /// The bytes are wrong, which whoever decodes them tells.
    Broken,
}

impl From<throng_sproto::DecodeError> for Stop {
    fn from(_: throng_sproto::DecodeError) -> Stop {
        Stop::Broken
    }
}

impl From<throng_protobuf::DecodeError> for Stop {
    fn from(_: throng_protobuf::DecodeError) -> Stop {
        Stop::Broken
    }
}

impl Levels {
    fn enter(&mut self) -> Result<(), Stop> {
        self.open += 1;
        if self.open > self.most { Err(Stop::Deep) } else { Ok(()) }
    }

    fn leave(&mut self) -> Result<(), Stop> {
        self.open -= 1;
        Ok(())
    }
}

type Walked = Result<(), Stop>;

impl throng_sproto::Sink for Levels {
    type Error = Stop;

    fn begin_struct(&mut self, _: &TypeDef, _: usize) -> Walked {
        self.enter()
    }

    fn end_struct(&mut self) -> Walked {
        self.leave()
    }

    fn binary(&mut self, _: &[u8]) -> Walked {
        Ok(())
    }

    fn begin_array(&mut self, _: &throng_sproto::Field, _: usize) -> Walked {
        Ok(())
    }

    fn end_array(&mut self) -> Walked {
        Ok(())
    }

    fn begin_map(&mut self, _: &throng_sproto::Field, _: usize) -> Walked {
        Ok(())
    }

    fn end_map(&mut self) -> Walked {
        Ok(())
    }

    fn integer(&mut self, _: i64) -> Walked {
        Ok(())
    }

    fn double(&mut self, _: f64) -> Walked {
        Ok(())
    }

    fn boolean(&mut self, _: bool) -> Walked {
        Ok(())
    }

    fn string(&mut self, _: &[u8]) -> Walked {
        Ok(())
    }

    fn set_field(&mut self, _: &throng_sproto::Field) -> Walked {
        Ok(())
    }

    fn push_element(&mut self, _: usize) -> Walked {
        Ok(())
    }

    fn set_entry(&mut self, _: &throng_sproto::Field) -> Walked {
        Ok(())
    }
}

impl throng_protobuf::Sink for Levels {
    type Error = Stop;

    fn begin_message(&mut self, _: &MessageDef) -> Walked {
        self.enter()
    }

    fn end_message(&mut self) -> Walked {
        self.leave()
    }

    /// Nothing is kept, so everything begins anew.
    fn resume(&mut self, _: &throng_protobuf::Field) -> Result<Option<usize>, Stop> {
        Ok(None)
    }

    fn unsigned(&mut self, _: u64) -> Walked {
        Ok(())
    }

    fn enumeration(&mut self, _: &EnumDef, _: i32, _: Option<&EnumValue>) -> Walked {
        Ok(())
    }

    fn bytes(&mut self, _: &[u8]) -> Walked {
        Ok(())
    }

    fn clear_field(&mut self, _: &throng_protobuf::Field) -> Walked {
        Ok(())
    }

    fn begin_array(&mut self, _: &throng_protobuf::Field, _: usize) -> Walked {
        Ok(())
    }

    fn end_array(&mut self) -> Walked {
        Ok(())
    }

    fn begin_map(&mut self, _: &throng_protobuf::Field) -> Walked {
        Ok(())
    }

    fn end_map(&mut self) -> Walked {
        Ok(())
    }

    fn integer(&mut self, _: i64) -> Walked {
        Ok(())
    }

    fn double(&mut self, _: f64) -> Walked {
        Ok(())
    }

    fn boolean(&mut self, _: bool) -> Walked {
        Ok(())
    }

    fn string(&mut self, _: &[u8]) -> Walked {
        Ok(())
    }

    fn set_field(&mut self, _: &throng_protobuf::Field) -> Walked {
        Ok(())
    }

    fn push_element(&mut self, _: usize) -> Walked {
        Ok(())
    }

    fn set_entry(&mut self, _: &throng_protobuf::Field) -> Walked {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{
        CodecSpec, DocumentSpec, Limits, ProtobufNames, ProtobufShape, ProtobufSpec, SchemaSpec, SourceText,
        SprotoShape, SprotoSpec,
    };
    use crate::{DocumentForm, ProtocolSpec, ReplySpec};

    fn protocol(codec: CodecSpec) -> Protocol {
        let limits = Limits { depth: Some(3), ..Limits::default() };
        let spec = ProtocolSpec { limits, reply: Some(ReplySpec::Fifo), ..ProtocolSpec::new("deep", codec) };
        Protocol::build(spec).unwrap()
    }

    fn texts(name: &str, text: &str) -> Vec<SourceText> {
        vec![SourceText { name: name.to_owned(), text: text.to_owned() }]
    }

    #[track_caller]
    fn check(protocol: &Protocol, message: &str, at_the_limit: &[u8], above: &[u8]) {
        let message = protocol.message(message);
        assert_eq!(protocol.check_depth(message, None, at_the_limit), Ok(()));
        let error = protocol.check_depth(message, None, above).unwrap_err();
        assert_eq!(error.to_string(), "it nests more than 3 levels");
        let half = &at_the_limit[..at_the_limit.len() - 1];
        assert_eq!(protocol.check_depth(message, None, half), Ok(()), "another says what is wrong with it");
    }

    fn document(form: DocumentForm) -> Protocol {
        let name = Some("cmd".to_owned());
        protocol(CodecSpec::Document(DocumentSpec { form, name, session: None, body: None }))
    }

    #[test]
    fn documents_are_as_deep_as_allowed() {
        let json = document(DocumentForm::Json);
        check(&json, "a", br#"{"a":[[1],"[[[[\"[["],"b":[[]]}"#, br#"{"a":[[[1]]]}"#);
        let msgpack = document(DocumentForm::Msgpack);
        check(&msgpack, "a", b"\x92\x91\x91\xc0\x91\x91\xa2hi", b"\x91\x91\x91\x90");
    }

    #[test]
    fn structs_are_as_deep_as_allowed() {
        let shape = SprotoShape::Envelope { ty: "Msg".into(), name: "Name".into(), body: "Bin".into() };
        let text = ".Msg { Name 0 : string Bin 1 : binary } .Deep { deep 0 : *Deep n 1 : integer }";
        let schema = SchemaSpec::Both(texts("a.sproto", text));
        let sproto = protocol(CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None }));
        let nested = |levels: usize| {
            (1..levels).fold(b"\x00\x00".to_vec(), |inner, _| {
                let list = [&(inner.len() as u32).to_le_bytes(), &inner[..]].concat();
                [b"\x01\x00\x00\x00", &(list.len() as u32).to_le_bytes()[..], &list].concat()
            })
        };
        check(&sproto, "Deep", &nested(3), &nested(4));
    }

    #[test]
    fn messages_are_as_deep_as_allowed() {
        let shape = ProtobufShape::Named {
            ty: "Named".into(),
            name: "name".into(),
            body: "body".into(),
            session: None,
            names: ProtobufNames::Short,
        };
        let text = "syntax = \"proto3\"; message Named { string name = 1; bytes body = 2; }
            message Deep { repeated Deep deep = 1; int32 n = 2; }";
        let schema = texts("a.proto", text);
        let spec = ProtobufSpec { schema, shape, defaults: Defaults::Leave };
        let protobuf = protocol(CodecSpec::Protobuf(Box::new(spec)));
        let nested = |levels: usize| {
            (1..levels)
                .fold(b"\x10\x01".to_vec(), |inner, _| [b"\x0a", &[inner.len() as u8][..], &inner].concat())
        };
        check(&protobuf, "Deep", &nested(3), &nested(4));
    }
}
