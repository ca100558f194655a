use proptest::prelude::*;

use super::*;
use crate::framing::tests::{any_framing, fitted};
use crate::framing::{DelimiterFraming, LengthFraming, LengthWidth};

const MOST: usize = 2000;

fn stream(framing: Framing) -> Arc<ChannelSpec> {
    Arc::new(ChannelSpec::stream(framing).unwrap())
}

fn websocket(framing: Framing) -> Arc<ChannelSpec> {
    let spec = WebSocketSpec { max_message: MOST, ..WebSocketSpec::default() };
    Arc::new(ChannelSpec::websocket(spec, framing).unwrap())
}

fn lines() -> Framing {
    Framing::Delimiter(DelimiterFraming::new(b"\n", 100))
}

/// A channel with the tail its driver keeps.
struct End {
    channel: Channel,
    tail: Vec<u8>,
    wanted: usize,
    messages: Vec<Vec<u8>>,
    answers: Vec<u8>,
    closed: Option<Option<u16>>,
}

impl End {
    fn new(channel: Channel) -> End {
        End { channel, tail: Vec::new(), wanted: 1, messages: Vec::new(), answers: Vec::new(), closed: None }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), ChannelError> {
        let fresh = self.tail.is_empty();
        self.tail.extend_from_slice(bytes);
        if !fresh && self.tail.len() < self.wanted {
            return Ok(());
        }
        let mut start = 0;
        loop {
            let input = &self.tail[start..];
            let used = match self.channel.cut(input)? {
                Received::Need { at_least } => {
                    assert!(at_least > input.len(), "{at_least} needed of {}", input.len());
                    self.wanted = at_least;
                    break;
                }
                Received::Message { payload, used } => {
                    self.messages.push(payload.to_vec());
                    used
                }
                Received::Opened { used } | Received::Control { used } => used,
                Received::Closed { code, used, .. } => {
                    self.closed = Some(code);
                    used
                }
            };
            assert!(used > 0 && used <= input.len(), "{used} used of {}", input.len());
            start += used;
        }
        self.tail.drain(..start);
        self.channel.drain_control(&mut self.answers);
        Ok(())
    }

    /// Feeds `bytes` in pieces of the sizes given, over and over.
    fn feed_pieces(&mut self, mut bytes: &[u8], sizes: &[usize]) -> Result<(), ChannelError> {
        for size in sizes.iter().cycle() {
            if bytes.is_empty() {
                break;
            }
            let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
            self.feed(piece)?;
            bytes = rest;
        }
        Ok(())
    }

    fn send(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        let mark = self.channel.begin(out);
        out.extend_from_slice(payload);
        self.channel.finish(out, mark)
    }
}

/// Both ends of an open connection.
fn connected(spec: &Arc<ChannelSpec>) -> (End, End) {
    let mut client = End::new(Channel::client(spec, "localhost:1", "/", 3));
    let mut server = End::new(Channel::server(spec));
    let mut request = Vec::new();
    client.channel.start(&mut request);
    assert_eq!(client.channel.is_open(), !spec.is_websocket());
    server.feed(&request).unwrap();
    let answer = std::mem::take(&mut server.answers);
    client.feed(&answer).unwrap();
    assert!(client.channel.is_open() && server.channel.is_open());
    (client, server)
}

#[test]
fn a_stream_needs_a_framing() {
    assert_eq!(ChannelSpec::stream(Framing::Message).unwrap_err(), ChannelSpecError::NoMessages);
    let fixed = ChannelSpec::stream(Framing::Fixed(0)).unwrap_err();
    assert_eq!(fixed, ChannelSpecError::Framing(FramingSetupError::ZeroSize));
}

#[test]
fn a_stream_may_end_only_between_frames() {
    let (mut client, _) = connected(&stream(lines()));
    assert_eq!(client.channel.end_of_input(), Ok(()));
    client.feed(b"half a li").unwrap();
    assert_eq!(client.channel.end_of_input(), Err(ChannelError::Truncated(Unfinished::Message)));
    client.feed(b"ne\n").unwrap();
    assert_eq!(client.channel.end_of_input(), Ok(()));
}

#[test]
fn a_websocket_may_end_only_between_messages() {
    let truncated = |client: &End, what| {
        assert_eq!(client.channel.end_of_input(), Err(ChannelError::Truncated(what)));
    };
    let spec = websocket(Framing::Message);
    truncated(&End::new(Channel::client(&spec, "a", "/", 1)), Unfinished::Handshake);
    let (mut client, _) = connected(&spec);
    assert_eq!(client.channel.end_of_input(), Ok(()));
    client.feed(b"\x82").unwrap();
    truncated(&client, Unfinished::Message);
    client.feed(b"\x01a").unwrap();
    assert_eq!(client.channel.end_of_input(), Ok(()));
    client.feed(b"\x02\x01a").unwrap();
    truncated(&client, Unfinished::Message);
    client.feed(b"\x80\x00").unwrap();
    assert_eq!(client.channel.end_of_input(), Ok(()));
    let (mut client, _) = connected(&websocket(lines()));
    client.feed(b"\x82\x01a").unwrap();
    truncated(&client, Unfinished::Message);
    client.feed(b"\x82\x01\n\x88\x00").unwrap();
    assert_eq!((client.channel.end_of_input(), client.closed), (Ok(()), Some(None)));
}

#[test]
fn nothing_is_sent_before_the_handshake_or_after_the_close() {
    let spec = websocket(lines());
    let mut out = b"before".to_vec();
    let mut early = End::new(Channel::client(&spec, "a", "/", 1));
    assert_eq!(early.send(b"a", &mut out), Err(SendError::NotOpen));
    let (mut client, mut server) = connected(&spec);
    client.channel.close(1000, &mut Vec::new());
    assert_eq!(client.send(b"a", &mut out), Err(SendError::NotOpen));
    server.feed(b"\x88\x80\0\0\0\0").unwrap();
    assert_eq!(server.send(b"a", &mut out), Err(SendError::NotOpen));
    assert_eq!(out, b"before");
}

#[test]
fn a_message_that_cannot_be_sent_leaves_nothing_behind() {
    let text = WebSocketSpec { text: true, ..WebSocketSpec::default() };
    let spec = Arc::new(ChannelSpec::websocket(text, lines()).unwrap());
    let (mut client, mut server) = connected(&spec);
    let mut out = b"before".to_vec();
    assert_eq!(client.send(b"\xff", &mut out), Err(SendError::NotText));
    assert_eq!(client.send(b"a\nb", &mut out), Err(SendError::Framing(FramingError::DelimiterInside)));
    assert_eq!(out, b"before");
    assert_eq!(client.send("ö".as_bytes(), &mut out), Ok(()));
    assert_eq!(out[6], 0x81, "text");
    server.feed(&out[6..]).unwrap();
    assert_eq!(server.messages, ["ö".as_bytes()]);
}

#[test]
fn a_stream_has_no_close_and_no_answers() {
    let (mut client, _) = connected(&stream(lines()));
    let mut out = Vec::new();
    client.channel.close(1000, &mut out);
    client.channel.drain_control(&mut out);
    assert!(out.is_empty());
}

#[test]
fn a_broken_frame_inside_a_websocket_ends_the_connection() {
    let framing = Framing::Length(LengthFraming { max: 10, ..LengthFraming::new(LengthWidth::U8) });
    let (mut client, _) = connected(&websocket(framing));
    let error = client.feed(b"\x82\x01\x0b").unwrap_err();
    assert_eq!(error.to_string(), "a frame of 11 bytes is longer than the maximum of 10");
    let mut out = Vec::new();
    client.channel.drain_control(&mut out);
    assert_eq!(out[..2], [0x88, 0x82]);
    assert!(!client.channel.is_open());
}

#[test]
fn a_frame_whole_in_its_websocket_frame_is_not_copied() {
    let framing = Framing::Length(LengthFraming::new(LengthWidth::U8));
    let (mut client, _) = connected(&websocket(framing));
    let input = b"\x82\x06\x02ab\x02cd";
    for start in [0, 5] {
        let input = &input[start..];
        let Ok(Received::Message { payload, used }) = client.channel.cut(input) else { panic!("no message") };
        assert_eq!(payload.as_ptr_range().end, input[used..].as_ptr(), "the payload is lent from the input");
    }
}

#[test]
fn an_idle_channel_is_small() {
    assert!(size_of::<Channel>() <= 40);
}

/// Payloads that the framing can carry, with their frames.
fn fit(framing: &Framing, payloads: &[Vec<u8>]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    payloads.iter().filter_map(|payload| fitted(framing, payload)).unzip()
}

fn any_payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(0_u8..8, 0..120), 0..30)
}

fn any_sizes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![1]), Just(vec![usize::MAX]), prop::collection::vec(1_usize..60, 1..20)]
}

/// One WebSocket frame; `mask` as a client's has it.
fn frame(first: u8, content: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = match content.len() {
        short @ 0..126 => vec![first, short as u8 | bit],
        long => vec![first, 126 | bit, (long >> 8) as u8, long as u8],
    };
    frame.extend(mask.iter().flatten());
    let mask = mask.unwrap_or_default();
    frame.extend(content.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    frame
}

/// How a peer cuts its messages: fragments of these sizes, pings between them.
#[derive(Debug, Clone)]
struct Cutting {
    sizes: Vec<usize>,
    /// After how many fragments a message ends, where it is free to.
    per_message: usize,
    ping_every: usize,
    mask: [u8; 4],
}

fn any_cutting() -> impl Strategy<Value = Cutting> {
    (prop::collection::vec(0_usize..50, 1..10), 1_usize..5, 1_usize..6, any::<[u8; 4]>()).prop_map(
        |(mut sizes, per_message, ping_every, mask)| {
            sizes.push(7);
            Cutting { sizes, per_message, ping_every, mask }
        },
    )
}

impl Cutting {
    /// The content in messages of some fragments each, or in one; with `masked` as a client sends it.
    fn frames(&self, mut content: &[u8], one_message: bool, masked: bool) -> Vec<u8> {
        let mask = masked.then_some(self.mask);
        let (mut out, mut begun) = (Vec::new(), false);
        for (count, size) in self.sizes.iter().cycle().enumerate() {
            let (fragment, rest) = content.split_at((*size).min(content.len()));
            content = rest;
            let last = rest.is_empty() || !one_message && count % self.per_message == 0;
            let opcode = if begun { 0x0 } else { 0x2 };
            out.extend(frame(if last { 0x80 | opcode } else { opcode }, fragment, mask));
            begun = !last;
            if count % self.ping_every == 0 {
                out.extend(frame(0x89, b"ping", mask));
            }
            if rest.is_empty() {
                break;
            }
        }
        out
    }
}

proptest! {
    #[test]
    fn a_stream_cut_anywhere_gives_the_same_messages(
        framing in any_framing(),
        payloads in any_payloads(),
        sizes in any_sizes(),
    ) {
        let (mut client, mut server) = connected(&stream(framing.clone()));
        let (frames, payloads) = fit(&framing, &payloads);
        client.feed_pieces(&frames.concat(), &sizes).unwrap();
        prop_assert_eq!(&client.messages, &payloads);
        prop_assert_eq!(client.channel.end_of_input(), Ok(()));
        let mut sent = Vec::new();
        for payload in &payloads {
            client.send(payload, &mut sent).unwrap();
        }
        prop_assert_eq!(&sent, &frames.concat());
        server.feed(&sent).unwrap();
        prop_assert_eq!(server.messages, payloads);
    }

    #[test]
    fn websocket_messages_cut_anywhere_are_the_same(
        framing in prop_oneof![Just(Framing::Message), any_framing()],
        payloads in any_payloads(),
        sizes in any_sizes(),
    ) {
        let (mut client, mut server) = connected(&websocket(framing.clone()));
        let (_, payloads) = fit(&framing, &payloads);
        let (mut from, mut to) = (&mut client, &mut server);
        for _ in 0..2 {
            let mut sent = Vec::new();
            for payload in &payloads {
                from.send(payload, &mut sent).unwrap();
            }
            to.feed_pieces(&sent, &sizes).unwrap();
            prop_assert_eq!(&to.messages, &payloads);
            prop_assert_eq!(to.channel.end_of_input(), Ok(()));
            std::mem::swap(&mut from, &mut to);
        }
    }

    #[test]
    fn fragments_and_pings_change_no_message(
        payloads in any_payloads(),
        sizes in any_sizes(),
        cutting in any_cutting(),
    ) {
        let (mut client, mut server) = connected(&websocket(Framing::Message));
        for (to, masked) in [(&mut client, false), (&mut server, true)] {
            let bytes: Vec<u8> =
                payloads.iter().flat_map(|payload| cutting.frames(payload, true, masked)).collect();
            to.feed_pieces(&bytes, &sizes).unwrap();
            prop_assert_eq!(&to.messages, &payloads);
            prop_assert_eq!(to.answers.is_empty(), payloads.is_empty());
        }
    }

    #[test]
    fn frames_may_span_websocket_messages(
        framing in any_framing(),
        payloads in any_payloads(),
        sizes in any_sizes(),
        cutting in any_cutting(),
    ) {
        let (frames, payloads) = fit(&framing, &payloads);
        let (mut client, mut server) = connected(&websocket(framing.clone()));
        for (to, masked) in [(&mut client, false), (&mut server, true)] {
            to.feed_pieces(&cutting.frames(&frames.concat(), false, masked), &sizes).unwrap();
            prop_assert_eq!(&to.messages, &payloads);
            prop_assert_eq!(to.channel.end_of_input(), Ok(()));
        }
    }

    #[test]
    fn whatever_a_peer_sends_is_bounded(
        framing in prop_oneof![Just(Framing::Message), any_framing()],
        noise in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..200)), 0..60),
        likely in any::<bool>(),
        sizes in any_sizes(),
    ) {
        let limit = framing.limit().min(MOST);
        let (mut client, mut server) = connected(&websocket(framing));
        for (to, mask) in [(&mut client, None), (&mut server, Some([1, 2, 3, 4]))] {
            let bytes: Vec<u8> = noise
                .iter()
                // Either anything at all, or frames that are mostly allowed.
                .flat_map(|(first, content)| {
                    frame(if likely { [0x82, 0x02, 0x00, 0x80, 0x81][usize::from(*first) % 5] } else { *first }, content, mask)
                })
                .collect();
            let mut rest = &bytes[..];
            for size in sizes.iter().cycle() {
                let (piece, behind) = rest.split_at((*size).min(rest.len()));
                rest = behind;
                if to.feed(piece).is_err() || rest.is_empty() {
                    break;
                }
                prop_assert!(to.wanted <= MOST + 14);
                let Layer::WebSocket(websocket) = &to.channel.layer else { panic!("it is a websocket") };
                prop_assert!(websocket.buffer().len() <= limit);
                prop_assert!(to.messages.iter().all(|message| message.len() <= limit));
            }
        }
    }

    #[test]
    fn a_handshake_of_noise_is_refused_or_waited_for(bytes in prop::collection::vec(any::<u8>(), 0..300), known in 0_usize..40) {
        let spec = websocket(Framing::Message);
        let mut head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"[..known].to_vec();
        head.extend_from_slice(&bytes);
        head.extend_from_slice(b"\r\n\r\n");
        let mut client = End::new(Channel::client(&spec, "a", "/", 1));
        prop_assert!(client.feed(&head).is_err() || !client.channel.is_open());
        let mut server = End::new(Channel::server(&spec));
        prop_assert!(server.feed(&head).is_err() || !server.channel.is_open());
    }
}
