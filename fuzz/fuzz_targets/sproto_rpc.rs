//! Any bytes, packed or not, are a call or an error; a request that came in can be answered.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use throng_sproto::rpc::{Call, Host, Message};
use throng_sproto::{Response, Schema, SourceFile, Value, pack};

static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
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

fuzz_target!(|bytes: &[u8]| {
    dispatch(bytes);
    let mut packed = Vec::new();
    pack(bytes, &mut packed);
    dispatch(&packed);
});

fn dispatch(packed: &[u8]) {
    let mut host = Host::new(SCHEMA.clone(), "package").expect("a package type");
    host.attach(SCHEMA.clone());
    let mut out = Vec::new();
    for (session, protocol) in [(1, "ask"), (2, "ack")] {
        let call = Call { session: Some(session), ..Call::new(protocol) };
        host.request(&call, &mut out).expect("a request");
    }
    if let Ok(Message::Request { reply: Some(reply), ud, .. }) = host.dispatch(packed) {
        let args = match reply.response() {
            Response::Type(ty) => Some(Value::default_of(&SCHEMA, ty)),
            Response::None | Response::Confirm => None,
        };
        host.respond(reply, args.as_ref(), ud.as_ref(), &mut out).expect("a response");
    }
}
