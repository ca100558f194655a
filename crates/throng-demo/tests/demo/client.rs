//! Small blocking clients: WebSocket envelope, battle RPC, raw frames.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use throng_demo::{Demo, DemoOptions, ServerKind, ServerReport};
use throng_sproto::{
    Response, Schema, SourceFile, Value, decode_value, encode_value, pack,
    rpc::{Header, Package},
    unpack,
};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

/// Longer than anything here takes; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A demo with these faults.
pub(crate) fn demo(faults: &[&str]) -> Demo {
    let options = DemoOptions::default().with(ServerKind::Echo).with(ServerKind::EchoWs);
    let options = faults.iter().fold(options, |options, fault| options.fault(fault).unwrap());
    Demo::start(options).unwrap()
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Waits until the demo's counts are as wanted, for what no client can see.
pub(crate) fn wait_for(demo: &Demo, kind: ServerKind, wanted: impl Fn(&ServerReport) -> bool) {
    let began = Instant::now();
    while !wanted(&demo.report().servers[kind.name()]) {
        assert!(began.elapsed() < PATIENCE, "{:?}", demo.report().servers[kind.name()]);
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn schema(texts: &[&str]) -> Schema {
    let files: Vec<_> = texts.iter().map(|text| SourceFile { name: "test", text }).collect();
    Schema::parse(&files).unwrap()
}

/// A WebSocket client that speaks the envelope.
pub(crate) struct Envelope {
    socket: WebSocket<TcpStream>,
    schema: Schema,
}

impl Envelope {
    pub(crate) fn connect(demo: &Demo, kind: ServerKind) -> Self {
        let stream = connect(demo.address(kind).unwrap());
        let (socket, _) = client(demo.url(kind).unwrap(), stream).unwrap();
        let texts =
            [include_str!("../../protos/game/msg.sproto"), include_str!("../../protos/game/game.sproto")];
        Self { socket, schema: schema(&texts) }
    }

    pub(crate) fn send(&mut self, name: &str, body: Value) {
        let mut bin = Vec::new();
        encode_value(&self.schema, self.schema.type_id(name).unwrap(), &body, &mut bin).unwrap();
        let envelope = Value::structure([("Name", name.into()), ("Bin", Value::Binary(bin))]);
        let mut bytes = Vec::new();
        encode_value(&self.schema, self.schema.type_id("Msg").unwrap(), &envelope, &mut bytes).unwrap();
        self.send_raw(bytes);
    }

    pub(crate) fn send_raw(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::Binary(bytes.into())).unwrap();
    }

    /// The next message's bytes; none if the connection ended.
    pub(crate) fn receive_raw(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.socket.read() {
                Ok(Message::Binary(bytes)) => return Some(bytes.to_vec()),
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    panic!("nothing came")
                }
                Err(_) => return None,
            }
        }
    }

    /// The next message: its name and its body, which is none if it cannot be decoded.
    pub(crate) fn receive(&mut self) -> Option<(String, Option<Value>)> {
        let bytes = self.receive_raw()?;
        let envelope = decode_value(&self.schema, self.schema.type_id("Msg").unwrap(), &bytes).unwrap();
        let name = text(&envelope, "Name");
        let Some(Value::Binary(bin)) = envelope.field("Bin") else { panic!("no Bin") };
        let body = self.schema.type_id(&name).and_then(|ty| decode_value(&self.schema, ty, bin).ok());
        Some((name, body))
    }

    pub(crate) fn request(&mut self, name: &str, body: Value) -> (String, Value) {
        self.send(name, body);
        let (name, body) = self.receive().unwrap();
        (name, body.unwrap())
    }

    /// Says that no more comes, and takes all that still does.
    pub(crate) fn finish(mut self) -> Vec<(String, Option<Value>)> {
        self.socket.close(None).unwrap();
        self.socket.flush().unwrap();
        std::iter::from_fn(|| self.receive()).collect()
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.socket.get_ref()
    }
}

/// A battle client, in skynet's way.
pub(crate) struct Rpc {
    pub(crate) frames: Frames,
    c2s: Schema,
    s2c: Schema,
    session: i64,
}

/// What came from the battle.
#[derive(Debug, PartialEq)]
pub(crate) enum Came {
    Reply { session: i64, body: Vec<u8> },
    Push { tag: u32, body: Vec<u8> },
}

impl Rpc {
    pub(crate) fn connect(demo: &Demo) -> Self {
        let frames = Frames::connect(demo, ServerKind::Battle);
        let c2s = schema(&[include_str!("../../protos/battle/c2s.sproto")]);
        let s2c = schema(&[include_str!("../../protos/battle/s2c.sproto")]);
        let mut rpc = Self { frames, c2s, s2c, session: 0 };
        assert_eq!(rpc.receive(), Some(Came::Push { tag: 1, body: Vec::new() }), "the first heartbeat");
        rpc
    }

    /// Sends a request with the next session, which it returns.
    pub(crate) fn ask(&mut self, name: &str, body: Value) -> i64 {
        self.session += 1;
        self.write(name, Some(self.session), body);
        self.session
    }

    /// Sends a request without a session.
    pub(crate) fn tell(&mut self, name: &str, body: Value) {
        self.write(name, None, body);
    }

    fn write(&mut self, name: &str, session: Option<i64>, body: Value) {
        let protocol = self.c2s.protocol(name).unwrap();
        let mut message = Vec::new();
        let header = Header { ty: Some(protocol.tag), session, ud: None };
        Package::new(&self.c2s, "package").unwrap().write(header, &mut message);
        if let Some(ty) = protocol.request {
            encode_value(&self.c2s, ty, &body, &mut message).unwrap();
        }
        let mut packed = Vec::new();
        pack(&message, &mut packed);
        self.frames.send(&packed);
    }

    pub(crate) fn receive(&mut self) -> Option<Came> {
        self.frames.receive().map(|frame| self.read(&frame).unwrap())
    }

    /// What a frame holds; none if it cannot be decoded. Packing's padding is cut off the body.
    pub(crate) fn read(&self, frame: &[u8]) -> Option<Came> {
        let mut message = Vec::new();
        unpack(frame, 1 << 20, &mut message).ok()?;
        let (header, used) = Package::new(&self.s2c, "package").unwrap().read(&message).ok()?;
        let mut body = message.split_off(used);
        while body.last() == Some(&0) {
            body.pop();
        }
        Some(match (header.ty, header.session) {
            (Some(tag), _) => Came::Push { tag, body },
            (None, session) => Came::Reply { session: session.unwrap(), body },
        })
    }

    pub(crate) fn request(&mut self, name: &str, body: Value) -> Value {
        let wanted = self.ask(name, body);
        let Some(Came::Reply { session, body }) = self.receive() else { panic!("no reply to {name}") };
        assert_eq!(session, wanted);
        self.body(name, &body).unwrap()
    }

    /// The response body of a request.
    pub(crate) fn body(&self, name: &str, body: &[u8]) -> Option<Value> {
        let Response::Type(ty) = self.c2s.protocol(name).unwrap().response else { panic!("{name} has none") };
        decode_value(&self.c2s, ty, &padded(body)).ok()
    }

    /// The body of a push.
    pub(crate) fn push(&self, name: &str, body: &[u8]) -> Value {
        let ty = self.s2c.protocol(name).unwrap().request.unwrap();
        decode_value(&self.s2c, ty, &padded(body)).unwrap()
    }

    pub(crate) fn finish(self) -> Vec<Came> {
        self.frames.shut();
        let mut all = self;
        std::iter::from_fn(|| all.receive()).collect()
    }
}

fn padded(body: &[u8]) -> Vec<u8> {
    [body, &[0; 8]].concat()
}

/// Frames of a 2-byte length.
pub(crate) struct Frames {
    pub(crate) stream: TcpStream,
}

impl Frames {
    pub(crate) fn connect(demo: &Demo, kind: ServerKind) -> Self {
        Self { stream: connect(demo.address(kind).unwrap()) }
    }

    pub(crate) fn send(&mut self, payload: &[u8]) {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        self.stream.write_all(&[&length, payload].concat()).unwrap();
    }

    /// The next frame; none at the end of the stream or after a reset.
    pub(crate) fn receive(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        match self.stream.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing came")
            }
            Err(_) => return None,
        }
        let mut payload = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.read_exact(&mut payload).unwrap();
        Some(payload)
    }

    /// Sends no more.
    pub(crate) fn shut(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

pub(crate) fn text(value: &Value, field: &str) -> String {
    match value.field(field) {
        Some(Value::String(bytes)) => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("{field} is {other:?}"),
    }
}

pub(crate) fn integer(value: &Value, field: &str) -> i64 {
    match value.field(field) {
        Some(Value::Integer(integer)) => *integer,
        other => panic!("{field} is {other:?}"),
    }
}

pub(crate) fn empty() -> Value {
    Value::structure([])
}
