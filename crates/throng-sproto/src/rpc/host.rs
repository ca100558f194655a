//! One end of an RPC connection, with the messages as [`Value`]s: what the reference calls `host`, `attach` and
//! `dispatch`.

use std::collections::HashMap;
use std::sync::Arc;

use crate::MAX_MESSAGE;
use crate::decode::{DecodeError, decode};
use crate::encode::EncodeError;
use crate::pack::{UnpackError, pack, unpack};
use crate::rpc::{Package, PackageError};
use crate::schema::{Response, Schema, TypeId};
use crate::value::{Value, ValueSink, decode_value, encode_value};

/// One end of an RPC connection. Messages go out packed and come in packed; a framing is not part of it.
///
/// ```
/// use std::sync::Arc;
/// use throng_sproto::rpc::{Call, Host, Message};
/// use throng_sproto::{Schema, SourceFile, Value};
///
/// let text = ".package { type 0 : integer session 1 : integer }
///     get 1 { request { what 0 : string } response { result 0 : string } }";
/// let schema = Arc::new(Schema::parse(&[SourceFile { name: "c2s.sproto", text }])?);
/// let mut client = Host::new(schema.clone(), "package")?;
/// client.attach(schema.clone());
/// let mut server = Host::new(schema, "package")?;
///
/// let mut wire = Vec::new();
/// let what = Value::structure([("what", "name".into())]);
/// client.request(&Call { session: Some(1), args: Some(&what), ..Call::new("get") }, &mut wire)?;
/// let Message::Request { reply: Some(reply), .. } = server.dispatch(&wire)? else { panic!("a request") };
///
/// wire.clear();
/// server.respond(reply, Some(&Value::structure([("result", "Alice".into())])), None, &mut wire)?;
/// let Message::Response { args: Some(args), .. } = client.dispatch(&wire)? else { panic!("a response") };
/// assert_eq!(args.field("result"), Some(&"Alice".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Host {
    schema: Arc<Schema>,
    package: Package,
    header: TypeId,
    remote: Option<Arc<Schema>>,
    /// What answers the requests that were sent, by which schema.
    sessions: HashMap<i64, (Arc<Schema>, Response)>,
    scratch: Vec<u8>,
}

/// A request to send.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The protocol's name.
    pub protocol: &'a str,
    /// What is asked; none for a protocol without a request type.
    pub args: Option<&'a Value>,
    /// What the response is to carry back; none if no response is wanted.
    pub session: Option<i64>,
    /// User data, sent if the package type has a field for it.
    pub ud: Option<&'a Value>,
}

impl<'a> Call<'a> {
    /// A request of this protocol with nothing else.
    #[must_use]
    pub fn new(protocol: &'a str) -> Call<'a> {
        Call { protocol, args: None, session: None, ud: None }
    }
}

/// A message that came in.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The other end asks.
    Request {
        /// The protocol's name.
        protocol: Box<str>,
        /// What is asked; none for a protocol without a request type.
        args: Option<Value>,
        /// How to answer, if an answer is wanted.
        reply: Option<Reply>,
        /// User data.
        ud: Option<Value>,
    },
    /// The other end answers.
    Response {
        /// Which request.
        session: i64,
        /// The answer; none for a protocol without a response type.
        args: Option<Value>,
        /// User data.
        ud: Option<Value>,
    },
}

/// The right to answer one request, for [`Host::respond`].
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct Reply {
    session: i64,
    response: Response,
}

/// Why a message could not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No schema to make requests by was attached.
    #[error("no schema is attached to make requests by")]
    NotAttached,
    /// The schema has no such protocol.
    #[error("the schema has no protocol `{name}`")]
    UnknownProtocol {
        /// The name.
        name: Box<str>,
    },
    /// The protocol's request or response has a type, and nothing was given to send.
    #[error("`{protocol}` needs a {ty}")]
    ArgsMissing {
        /// The protocol, or `the response`.
        protocol: Box<str>,
        /// The type.
        ty: Box<str>,
    },
    /// Something was given to send that the protocol has no type for.
    #[error("`{protocol}` takes nothing")]
    ArgsUnwanted {
        /// The protocol, or `the response`.
        protocol: Box<str>,
    },
    /// A value the schema does not allow.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Why a message that came in could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DispatchError {
    /// It cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// Its header or content cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A request of a protocol that the schema does not have.
    #[error("no protocol has tag {tag}")]
    UnknownProtocol {
        /// The tag.
        tag: u32,
    },
    /// Neither a request nor a response.
    #[error("the header has neither a type nor a session")]
    NoSession,
    /// A response to a request that was never sent, or was answered before.
    #[error("no request waits for session {session}")]
    UnknownSession {
        /// The session.
        session: i64,
    },
}

impl Host {
    /// An end that receives the requests of `schema`, with headers of the type called `package`.
    ///
    /// # Errors
    /// A type that is no package type.
    pub fn new(schema: Arc<Schema>, package: &str) -> Result<Host, PackageError> {
        let parts = Package::new(&schema, package)?;
        let header =
            schema.type_id(package).ok_or_else(|| PackageError::UnknownType { name: package.into() })?;
        let (sessions, scratch) = (HashMap::new(), Vec::new());
        Ok(Host { schema, package: parts, header, remote: None, sessions, scratch })
    }

    /// Names the schema that requests of this end are made by; headers stay those of this end's own schema.
    pub fn attach(&mut self, remote: Arc<Schema>) {
        self.remote = Some(remote);
    }

    /// Appends a request, packed. With a session its response is waited for, in place of any with the same session.
    ///
    /// # Errors
    /// A protocol or a value that the attached schema does not have or does not allow.
    pub fn request(&mut self, call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), CallError> {
        let remote = self.remote.clone().ok_or(CallError::NotAttached)?;
        let unknown = || CallError::UnknownProtocol { name: call.protocol.into() };
        let protocol = remote.protocol(call.protocol).ok_or_else(unknown)?;
        self.begin(Some(protocol.tag), call.session, call.ud)?;
        content(&remote, call.protocol, protocol.request, call.args, &mut self.scratch)?;
        pack(&self.scratch, out);
        if let Some(session) = call.session {
            self.sessions.insert(session, (remote.clone(), protocol.response));
        }
        Ok(())
    }

    /// Appends the response to a request, packed.
    ///
    /// # Errors
    /// A value where the protocol has no response type, none where it has one, or one that the schema does not allow.
    ///
    /// # Panics
    /// When the request came in at an end with another schema.
    pub fn respond(
        &mut self,
        reply: Reply,
        args: Option<&Value>,
        ud: Option<&Value>,
        out: &mut Vec<u8>,
    ) -> Result<(), CallError> {
        self.begin(None, Some(reply.session), ud)?;
        content(&self.schema, "the response", type_of(reply.response), args, &mut self.scratch)?;
        pack(&self.scratch, out);
        Ok(())
    }

    /// Reads one packed message. Bytes behind its content are left alone, as they are the packing's padding.
    ///
    /// # Errors
    /// Bytes that are no message, or one of an unknown protocol or session.
    pub fn dispatch(&mut self, packed: &[u8]) -> Result<Message, DispatchError> {
        let mut bytes = Vec::new();
        unpack(packed, MAX_MESSAGE + 8, &mut bytes)?;
        let mut sink = ValueSink::new(&self.schema);
        let (header, used) = self.package.read(&bytes)?;
        decode(&self.schema, self.header, &bytes, &mut sink)?;
        let ud = sink.finish().and_then(|header| header.field("ud").cloned());
        let content = |schema: &Schema, ty| {
            // The position is told in the whole message.
            let place = |error: DecodeError| DecodeError { offset: error.offset + used, ..error };
            decode_value(schema, ty, &bytes[used..]).map_err(place)
        };
        let Some(tag) = header.ty else {
            let session = header.session.ok_or(DispatchError::NoSession)?;
            let unknown = DispatchError::UnknownSession { session };
            let (remote, response) = self.sessions.remove(&session).ok_or(unknown)?;
            let args = type_of(response).map(|ty| content(&remote, ty)).transpose()?;
            return Ok(Message::Response { session, args, ud });
        };
        let protocol = self.schema.protocol_by_tag(tag).ok_or(DispatchError::UnknownProtocol { tag })?;
        Ok(Message::Request {
            protocol: protocol.name.clone(),
            args: protocol.request.map(|ty| content(&self.schema, ty)).transpose()?,
            reply: header.session.map(|session| Reply { session, response: protocol.response }),
            ud,
        })
    }

    /// Begins a message in the scratch buffer with its header.
    fn begin(
        &mut self,
        ty: Option<u32>,
        session: Option<i64>,
        ud: Option<&Value>,
    ) -> Result<(), EncodeError> {
        let ty = ty.map(|tag| ("type", Value::Integer(tag.into())));
        let session = session.map(|session| ("session", Value::Integer(session)));
        // Parts the package type has no field for are left out by the encoder.
        let header = Value::structure([ty, session, ud.map(|ud| ("ud", ud.clone()))].into_iter().flatten());
        self.scratch.clear();
        encode_value(&self.schema, self.header, &header, &mut self.scratch)
    }
}

impl Reply {
    /// The session that the response will carry.
    #[must_use]
    pub fn session(&self) -> i64 {
        self.session
    }

    /// What the response must be.
    #[must_use]
    pub fn response(&self) -> Response {
        self.response
    }
}

fn type_of(response: Response) -> Option<TypeId> {
    match response {
        Response::Type(ty) => Some(ty),
        Response::None | Response::Confirm => None,
    }
}

fn content(
    schema: &Schema,
    protocol: &str,
    ty: Option<TypeId>,
    args: Option<&Value>,
    out: &mut Vec<u8>,
) -> Result<(), CallError> {
    match (ty, args) {
        (None, None) => Ok(()),
        (Some(ty), Some(args)) => Ok(encode_value(schema, ty, args, out)?),
        (None, Some(_)) => Err(CallError::ArgsUnwanted { protocol: protocol.into() }),
        (Some(ty), None) => {
            let ty = schema.type_def(ty).name.clone();
            Err(CallError::ArgsMissing { protocol: protocol.into(), ty })
        }
    }
}
