//! Sproto: any bytes are a message, a bundle or a call, or an error at a place in them; any text is a schema or an error at a
//! place in it.

use std::sync::{Arc, LazyLock};

use throng_sproto::rpc::{Call, Host, Message as Dispatched};
use throng_sproto::typed::Message;
use throng_sproto::{
    EncodeError, Response, Schema, SourceFile, Value, decode_value, encode_value, generate, pack, unpack,
};

#[allow(dead_code, unreachable_pub, reason = "code is generated for a module that others see")]
mod everything {
    // Not as a module of its own, which would be formatted: it is to stay as it was generated.
    include!("../../throng-sproto/tests/typed/everything.rs");
}

static EVERYTHING: LazyLock<Schema> = LazyLock::new(|| {
    let text = include_str!("../../throng-sproto/tests/typed/everything.sproto");
    Schema::parse(&[SourceFile { name: "everything", text }]).expect("the schema is right")
});

static CALLS: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    let text = "
        .package { type 0 : integer  session 1 : integer  ud 2 : string }
        .Req { a 0 : integer  b 1 : *string }
        echo 1 { request { text 0 : string } response { text 0 : string n 1 : integer } }
        ask 2 { response { ok 0 : boolean } }
        ack 3 { response nil }
        fire 4 { }
        push 7 { request Req }
        swap 12 { request Req response Req }";
    Arc::new(Schema::parse(&[SourceFile { name: "rpc", text }]).expect("the schema is right"))
});

const LIMIT: usize = 1 << 16;

/// The same for values and for generated structs.
pub fn message(bytes: &[u8]) {
    let ty = EVERYTHING.type_id("All").expect("the schema has All");
    match (everything::All::decode(bytes), decode_value(&EVERYTHING, ty, bytes)) {
        (Ok(message), Ok(value)) => {
            let (mut typed, mut dynamic) = (Vec::new(), Vec::new());
            match (message.encode(&mut typed), encode_value(&EVERYTHING, ty, &value, &mut dynamic)) {
                (Ok(()), Ok(())) => {}
                // As doubles the largest fixed-point numbers are rounded up to what no longer fits.
                (Err(EncodeError::OutOfRange { .. }), Err(EncodeError::OutOfRange { .. })) => return,
                (typed, dynamic) => panic!("{typed:?} for {dynamic:?}"),
            }
            let typed = decode_value(&EVERYTHING, ty, &typed).expect("what was encoded").to_string();
            let dynamic = decode_value(&EVERYTHING, ty, &dynamic).expect("what was encoded").to_string();
            assert_eq!(typed, dynamic);
        }
        (Err(typed), Err(dynamic)) => {
            assert!(typed.offset <= bytes.len() && dynamic.offset <= bytes.len(), "{typed}, {dynamic}");
        }
        (typed, dynamic) => panic!("{typed:?} for {dynamic:?}"),
    }
}

/// What loads can be written, loaded again and decoded by.
pub fn bundle(bytes: &[u8]) {
    match Schema::from_bundle("fuzz", bytes) {
        Ok(schema) => {
            let bundle = schema.bundle();
            let again = Schema::from_bundle("fuzz", &bundle).expect("a bundle of a schema loads");
            assert_eq!(again.bundle(), bundle);
            let _ = generate(&schema);
            for (id, _) in schema.types() {
                let _ = decode_value(&schema, id, bytes);
                let mut out = Vec::new();
                encode_value(&schema, id, &Value::default_of(&schema, id), &mut out)
                    .expect("a default encodes");
            }
        }
        Err(error) => assert!(error.offset <= bytes.len()),
    }
}

/// A schema comes back from its bundle, and has code.
pub fn schema(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Schema::parse(&[SourceFile { name: "fuzz.sproto", text }]) {
        Ok(schema) if schema.types().len() > 0 => {
            let bundle = schema.bundle();
            let loaded = Schema::from_bundle("fuzz", &bundle).expect("a bundle of a schema loads");
            assert_eq!(loaded.bundle(), bundle);
            assert_eq!(generate(&loaded), generate(&schema));
        }
        Ok(_) => {}
        Err(error) => {
            let line = text.split('\n').nth(error.line as usize - 1).expect("the line is there");
            assert!(error.column as usize <= line.chars().count() + 1);
        }
    }
}

/// Packed or not; a request that came in can be answered.
pub fn rpc(bytes: &[u8]) {
    dispatch(bytes);
    let mut packed = Vec::new();
    pack(bytes, &mut packed);
    dispatch(&packed);
}

fn dispatch(packed: &[u8]) {
    let mut host = Host::new(CALLS.clone(), "package").expect("a package type");
    host.attach(CALLS.clone());
    let mut out = Vec::new();
    for (session, protocol) in [(1, "ask"), (2, "ack")] {
        let call = Call { session: Some(session), ..Call::new(protocol) };
        host.request(&call, &mut out).expect("a request");
    }
    if let Ok(Dispatched::Request { reply: Some(reply), ud, .. }) = host.dispatch(packed) {
        let args = match reply.response() {
            Response::Type(ty) => Some(Value::default_of(&CALLS, ty)),
            Response::None | Response::Confirm => None,
        };
        host.respond(reply, args.as_ref(), ud.as_ref(), &mut out).expect("a response");
    }
}

/// Within the limit, or nothing; what was unpacked comes back from its packed form.
pub fn unpacked(bytes: &[u8]) {
    let mut unpacked = vec![7];
    if unpack(bytes, LIMIT, &mut unpacked).is_err() {
        assert_eq!(unpacked, [7]);
    } else {
        let unpacked = &unpacked[1..];
        assert!(unpacked.len() % 8 == 0 && unpacked.len() <= LIMIT);
        round_trip(unpacked);
    }
    round_trip(bytes);
}

fn round_trip(bytes: &[u8]) {
    let (mut packed, mut again) = (Vec::new(), Vec::new());
    pack(bytes, &mut packed);
    let padded = bytes.len().next_multiple_of(8);
    assert!(packed.len() <= padded + 2 * padded.div_ceil(2048));
    unpack(&packed, padded, &mut again).expect("what was packed");
    assert_eq!(again.len(), padded);
    assert_eq!(&again[..bytes.len()], bytes);
    assert!(again[bytes.len()..].iter().all(|byte| *byte == 0));
}
