//! WebSocket: any stream is messages or a fault, at whatever places it is cut on its way; of messages no more is kept than the
//! limit.

use std::sync::Arc;

use throng_wire::{
    Channel, ChannelSpec, Endian, Framing, LengthFraming, LengthWidth, Received, WebSocketSpec,
};

use crate::input::{Input, pieces};
use crate::stream::{Found, read};

const MOST: usize = 4000;
/// The handshake's head, which is kept until it is whole.
const HEAD: usize = 16 << 10;

/// The client's side, or the server's, behind a handshake that is right or the input's own.
pub fn channel(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (seed, choices) = (input.byte(), input.byte());
    let websocket = WebSocketSpec { max_message: MOST, text: choices & 1 == 1, ..WebSocketSpec::default() };
    let framing = match choices & 2 {
        0 => Framing::Message,
        _ => {
            Framing::Length(LengthFraming { max: MOST, ..LengthFraming::new(LengthWidth::U16(Endian::Big)) })
        }
    };
    let spec = Arc::new(ChannelSpec::websocket(websocket, framing).expect("a framing that can work"));
    let client = choices & 4 == 0;
    let mut stream = if choices & 8 == 0 { greeting(&spec, client) } else { Vec::new() };
    stream.extend_from_slice(input.0);
    let side = || match client {
        true => Channel::client(&spec, "game:80", "/", 7),
        false => Channel::server(&spec),
    };
    let whole = read(&mut side(), &stream, HEAD, || usize::MAX).into_iter().map(without_reason);
    let whole: Vec<Found> = whole.collect();
    let cut = read(&mut side(), &stream, HEAD, pieces(seed)).into_iter().map(without_reason);
    assert_eq!(whole, cut.collect::<Vec<_>>());
    for found in &whole {
        assert!(!matches!(found, Found::Message(payload) if payload.len() > MOST));
    }
}

/// Of two faults in one frame, such as a text that is none and a length inside it that is too long, the one met first is told:
/// which that is depends on the pieces.
fn without_reason(found: Found) -> Found {
    match found {
        Found::Broken(_) => Found::Broken(String::new()),
        found => found,
    }
}

/// What the other side of a right handshake says.
fn greeting(spec: &Arc<ChannelSpec>, to_client: bool) -> Vec<u8> {
    let mut question = Vec::new();
    Channel::client(spec, "game:80", "/", 7).start(&mut question);
    if !to_client {
        return question;
    }
    let mut server = Channel::server(spec);
    assert!(matches!(server.cut(&question), Ok(Received::Opened { .. })));
    let mut answer = Vec::new();
    server.drain_control(&mut answer);
    answer
}
