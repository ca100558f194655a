//! RPC hosts: what they refuse, and how sessions and user data go along.

use std::sync::Arc;

use throng_sproto::rpc::{Call, CallError, DispatchError, Host, Message};
use throng_sproto::{Response, Schema, SourceFile, Value, pack};

const C2S: &str = "
.package { type 0 : integer session 1 : integer ud 2 : binary }
login 1 { request { name 0 : string } response { ok 0 : boolean } }
leave 2 { response nil }
move 3 { request { x 0 : integer } }";

const S2C: &str = "
.package { type 0 : integer session 1 : integer }
kick 1 { request { why 0 : string } }";

fn parsed(text: &str) -> Arc<Schema> {
    Arc::new(Schema::parse(&[SourceFile { name: "rpc.sproto", text }]).expect("the schema is right"))
}

/// A client that asks by the first schema and is asked by the second, and the server opposite.
fn ends() -> (Host, Host) {
    let (c2s, s2c) = (parsed(C2S), parsed(S2C));
    let mut client = Host::new(s2c.clone(), "package").expect("a package type");
    let mut server = Host::new(c2s.clone(), "package").expect("a package type");
    client.attach(c2s);
    server.attach(s2c);
    (client, server)
}

fn request(host: &mut Host, call: &Call<'_>) -> Result<Vec<u8>, CallError> {
    let mut out = Vec::new();
    let sent = host.request(call, &mut out);
    assert!(sent.is_ok() || out.is_empty(), "nothing is sent of what is refused");
    sent.map(|()| out)
}

fn login() -> Value {
    Value::structure([("name", "Alice".into())])
}

#[test]
fn a_response_finds_its_request_once() {
    let (mut client, mut server) = ends();
    let args = login();
    let call = |session| Call { args: Some(&args), session: Some(session), ..Call::new("login") };
    let first = request(&mut client, &call(7)).expect("a request");
    let second = request(&mut client, &call(-8)).expect("a request");
    let mut answer = |wire: &[u8], ok: bool| {
        let Ok(Message::Request { protocol, args, reply: Some(reply), .. }) = server.dispatch(wire) else {
            panic!("a request")
        };
        assert_eq!((&*protocol, args), ("login", Some(login())));
        let mut out = Vec::new();
        let args = Value::structure([("ok", ok.into())]);
        server.respond(reply, Some(&args), None, &mut out).expect("a response");
        out
    };
    let (to_second, to_first) = (answer(&second, false), answer(&first, true));
    for (wire, session, ok) in [(&to_second, -8, false), (&to_first, 7, true)] {
        let args = Some(Value::structure([("ok", ok.into())]));
        assert_eq!(client.dispatch(wire), Ok(Message::Response { session, args, ud: None }));
        assert_eq!(client.dispatch(wire), Err(DispatchError::UnknownSession { session }));
    }
}

#[test]
fn requests_go_both_ways_by_different_schemas() {
    let (mut client, mut server) = ends();
    let args = Value::structure([("why", "idle".into())]);
    let call = Call { args: Some(&args), ..Call::new("kick") };
    let wire = request(&mut server, &call).expect("a request");
    let kick = Message::Request { protocol: "kick".into(), args: Some(args), reply: None, ud: None };
    assert_eq!(client.dispatch(&wire), Ok(kick));
}

#[test]
fn user_data_is_of_the_type_that_the_package_gives_it() {
    let schema = parsed(C2S);
    let mut host = Host::new(schema.clone(), "package").expect("a package type");
    host.attach(schema);
    let ud = Value::Binary(vec![0, 255]);
    let call = Call { session: Some(0), ud: Some(&ud), ..Call::new("leave") };
    let wire = request(&mut host, &call).expect("a request");
    let Ok(Message::Request { reply: Some(reply), ud: found, args: None, .. }) = host.dispatch(&wire) else {
        panic!("a request")
    };
    assert_eq!((reply.session(), reply.response(), found), (0, Response::Confirm, Some(ud)));
    let wrong = Value::Integer(1);
    let call = Call { ud: Some(&wrong), ..Call::new("leave") };
    let error = request(&mut host, &call).expect_err("an integer is no binary");
    assert_eq!(error.to_string(), "package.ud is not a string (it is an integer)");
}

#[test]
fn a_request_that_makes_no_sense_is_refused() {
    let (mut client, _) = ends();
    let args = login();
    let error =
        |client: &mut Host, call: Call<'_>| request(client, &call).expect_err("this is refused").to_string();
    assert_eq!(error(&mut client, Call::new("jump")), "the schema has no protocol `jump`");
    assert_eq!(error(&mut client, Call::new("login")), "`login` needs a login.request");
    assert_eq!(error(&mut client, Call { args: Some(&args), ..Call::new("leave") }), "`leave` takes nothing");
    let wrong = Value::structure([("x", "east".into())]);
    assert_eq!(
        error(&mut client, Call { args: Some(&wrong), ..Call::new("move") }),
        "move.request.x is not an integer (it is a string)"
    );
    let mut alone = Host::new(parsed(S2C), "package").expect("a package type");
    assert_eq!(error(&mut alone, Call::new("kick")), "no schema is attached to make requests by");
}

#[test]
fn a_request_that_was_refused_waits_for_nothing() {
    let (mut client, mut server) = ends();
    let wrong = Value::structure([("name", 1.into())]);
    let call = Call { args: Some(&wrong), session: Some(1), ..Call::new("login") };
    request(&mut client, &call).expect_err("a name is a string");
    // A response to session 1, made by the server's own request.
    let args = login();
    let call = Call { args: Some(&args), session: Some(1), ..Call::new("login") };
    let wire = request(&mut ends().0, &call).expect("a request");
    let Ok(Message::Request { reply: Some(reply), .. }) = server.dispatch(&wire) else { panic!("a request") };
    let mut out = Vec::new();
    server.respond(reply, Some(&Value::structure([])), None, &mut out).expect("a response");
    assert_eq!(client.dispatch(&out), Err(DispatchError::UnknownSession { session: 1 }));
}

#[test]
fn a_response_that_makes_no_sense_is_refused() {
    let (mut client, mut server) = ends();
    let args = login();
    let mut reply_to = |protocol, args| {
        let call = Call { args, session: Some(1), ..Call::new(protocol) };
        let wire = request(&mut client, &call).expect("a request");
        match server.dispatch(&wire) {
            Ok(Message::Request { reply: Some(reply), .. }) => reply,
            other => panic!("{other:?}"),
        }
    };
    let (to_login, to_leave) = (reply_to("login", Some(&args)), reply_to("leave", None));
    let mut out = Vec::new();
    let error = server.respond(to_login, None, None, &mut out).expect_err("it has a response type");
    assert_eq!(error.to_string(), "`the response` needs a login.response");
    let error = server.respond(to_leave, Some(&args), None, &mut out).expect_err("it has none");
    assert_eq!(error.to_string(), "`the response` takes nothing");
    assert!(out.is_empty());
}

#[test]
fn what_is_no_message_is_an_error() {
    let (_, mut server) = ends();
    let mut error = |bytes: &[u8]| {
        let mut packed = Vec::new();
        pack(bytes, &mut packed);
        server.dispatch(&packed).expect_err("this is refused").to_string()
    };
    assert_eq!(error(&[1, 0, 200, 0]), "no protocol has tag 99");
    assert_eq!(error(&[0, 0]), "the header has neither a type nor a session");
    assert_eq!(error(&[2, 0, 1, 0, 8, 0]), "no request waits for session 3");
    assert_eq!(error(&[]), "the message's header is cut short at byte 0 (package)");
    // A request whose content is there, but no `login.request`.
    assert_eq!(
        error(&[1, 0, 4, 0, 1, 0, 6, 0]),
        "an inline value where a data block is needed at byte 6 (login.request.name)"
    );
    assert_eq!(
        server.dispatch(&[0xff]).expect_err("this is refused").to_string(),
        "the packed bytes end in the middle of a word"
    );
}
