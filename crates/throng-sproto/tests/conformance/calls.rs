//! RPC: requests and responses with their headers, put together and taken apart as the reference's host does.

use serde_json::Value as Json;
use throng_sproto::rpc::{Header, Package};
use throng_sproto::{Response, Schema, TypeId, Value, encode_value, pack, unpack};

use crate::values::{decoded, expect_equal, hex, schema, struct_from};
use crate::{Verdict, bytes, expect_same, text};

pub(super) fn round_trips(vector: &Json) -> Result<Verdict, String> {
    let server = Peer::new(schema(vector, "schema"), text(vector, "package"))?;
    let client = Peer::new(schema(vector, "client_schema"), text(vector, "package"))?;
    let protocol = server.schema.protocol(text(vector, "protocol")).ok_or("no such protocol")?;
    expect_same("the tag", Some(u64::from(protocol.tag)), vector["tag"].as_u64())?;
    let session = vector["session"].as_i64();
    let response = match protocol.response {
        Response::Type(id) => Some(id),
        Response::None | Response::Confirm => None,
    };

    let header = Header { ty: Some(protocol.tag), session, ud: None };
    let mut request = client.header(header, &vector["ud"])?;
    server.append(protocol.request, vector.get("args"), &mut request)?;
    expect_packed(&request, vector, "request")?;
    server.dispatch(&bytes(vector, "request_packed"), None)?.expect(&vector["server"])?;

    if vector.get("response_packed").is_some() {
        let header = Header { ty: None, session, ud: None };
        let mut bytes_sent = server.header(header, &vector["response_ud"])?;
        server.append(response, vector.get("response_args"), &mut bytes_sent)?;
        expect_packed(&bytes_sent, vector, "response")?;
        let unpacked = unpacked(&bytes(vector, "response_packed"))?;
        let (header, used) = client.package.read(&unpacked).map_err(|error| error.to_string())?;
        expect_same("the response's header", header, Header { ty: None, session, ud: None })?;
        server.expect_content(response, &unpacked[used..], &vector["client"]["args"])?;
    }
    Ok(Verdict::Same)
}

pub(super) fn dispatches(vector: &Json) -> Result<Verdict, String> {
    let peer = Peer::new(schema(vector, "schema"), text(vector, "package"))?;
    peer.dispatch(&bytes(vector, "hex"), vector.get("pending"))?.expect(&vector["result"])?;
    Ok(Verdict::Same)
}

pub(super) fn fails_to_dispatch(vector: &Json) -> Result<Verdict, String> {
    let peer = Peer::new(schema(vector, "schema"), text(vector, "package"))?;
    match peer.dispatch(&bytes(vector, "hex"), vector.get("pending")) {
        Ok(call) => Err(format!("dispatched as {}", call.kind)),
        // What the wire says wrongly is told in words of our own; what it names is not.
        Err(error) => match text(vector, "error") {
            "decode error" | "Invalid unpack stream" => Ok(Verdict::Same),
            wanted => expect_same("the error", error.as_str(), wanted).map(|()| Verdict::Same),
        },
    }
}

/// One end, with the schema it receives by.
struct Peer {
    schema: Schema,
    package: Package,
    package_type: TypeId,
}

/// What a received message is.
struct Call<'p> {
    peer: &'p Peer,
    kind: &'static str,
    name: Option<&'p str>,
    session: Option<i64>,
    content_type: Option<TypeId>,
    content: Vec<u8>,
}

impl Peer {
    fn new(schema: Schema, package: &str) -> Result<Peer, String> {
        let package_type = schema.type_id(package).ok_or("no package type")?;
        let package = Package::new(&schema, package).map_err(|error| error.to_string())?;
        Ok(Peer { schema, package, package_type })
    }

    /// A header; user data that is text goes in as part of an ordinary struct.
    fn header(&self, header: Header, ud: &Json) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        if ud.is_null() {
            self.package.write(header, &mut out);
            return Ok(out);
        }
        let mut fields = serde_json::Map::new();
        let parts = [("type", header.ty.map(i64::from)), ("session", header.session)];
        fields.extend(parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?.into()))));
        if self.schema.type_def(self.package_type).field("ud").is_some() {
            fields.insert("ud".into(), ud.clone());
        }
        let value = struct_from(&self.schema, self.package_type, &fields.into());
        encode_value(&self.schema, self.package_type, &value, &mut out).map_err(|error| error.to_string())?;
        Ok(out)
    }

    fn append(&self, ty: Option<TypeId>, args: Option<&Json>, out: &mut Vec<u8>) -> Result<(), String> {
        let (Some(ty), Some(args)) = (ty, args) else { return Ok(()) };
        let value = struct_from(&self.schema, ty, args);
        encode_value(&self.schema, ty, &value, out).map_err(|error| error.to_string())
    }

    fn dispatch(&self, packed: &[u8], pending: Option<&Json>) -> Result<Call<'_>, String> {
        let unpacked = unpacked(packed)?;
        let (header, used) = self.package.read(&unpacked).map_err(|error| error.to_string())?;
        let content = unpacked[used..].to_vec();
        let call = Call {
            peer: self,
            kind: "RESPONSE",
            name: None,
            session: header.session,
            content_type: None,
            content,
        };
        let Some(tag) = header.ty else {
            let session = header.session.ok_or("session not found")?;
            let known = pending.and_then(|pending| pending["session"].as_i64());
            return if known == Some(session) { Ok(call) } else { Err("Unknown session".into()) };
        };
        let protocol = self.schema.protocol_by_tag(tag).ok_or_else(|| format!("{tag} not found"))?;
        if let Some(ty) = protocol.request {
            decoded(&self.schema, ty, &call.content).map_err(|error| error.to_string())?;
        }
        Ok(Call { kind: "REQUEST", name: Some(&protocol.name), content_type: protocol.request, ..call })
    }

    fn expect_content(&self, ty: Option<TypeId>, content: &[u8], wanted: &Json) -> Result<(), String> {
        let Some(ty) = ty else { return expect_same("the content", &Json::Null, wanted) };
        let (found, _) = decoded(&self.schema, ty, content).map_err(|error| error.to_string())?;
        let wanted =
            if wanted.is_null() { Value::Struct(Vec::new()) } else { struct_from(&self.schema, ty, wanted) };
        expect_equal(&found, &wanted)
    }
}

impl Call<'_> {
    fn expect(&self, wanted: &Json) -> Result<(), String> {
        expect_same("the kind", Some(self.kind), wanted["type"].as_str())?;
        expect_same("the name", self.name, wanted["name"].as_str())?;
        if let Some(has_response) = wanted.get("has_response") {
            expect_same("has_response", Some(self.session.is_some()), has_response.as_bool())?;
        }
        if let Some(session) = wanted.get("session") {
            expect_same("the session", self.session, session.as_i64())?;
        }
        self.peer.expect_content(self.content_type, &self.content, &wanted["args"])
    }
}

fn expect_packed(sent: &[u8], vector: &Json, part: &str) -> Result<(), String> {
    let mut packed = Vec::new();
    pack(sent, &mut packed);
    expect_same(part, hex(&packed).as_str(), text(vector, &format!("{part}_packed")))?;
    let padded = hex(&unpacked(&packed)?);
    expect_same(part, padded.as_str(), text(vector, &format!("{part}_unpacked")))
}

fn unpacked(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    unpack(packed, usize::MAX, &mut out).map_err(|error| error.to_string())?;
    Ok(out)
}
