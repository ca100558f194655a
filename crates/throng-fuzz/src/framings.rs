//! Framings, ciphers and datagrams: any stream is cut into frames or refused, at whatever places it is cut on its way. A frame
//! is within its limit, and what was cut can be sent and cut again.

use std::sync::Arc;

use throng_crypto::CipherStream;
use throng_wire::{
    Channel, ChannelSpec, Cipher, Coverage, Covers, Cut, DelimiterFraming, Direction, Endian, FieldSpec,
    Framing, HeaderFraming, LengthFraming, LengthWidth,
};

use crate::input::{Input, pieces};
use crate::stream::{Found, read};

const WIDTHS: [LengthWidth; 6] = [
    LengthWidth::U8,
    LengthWidth::U16(Endian::Big),
    LengthWidth::U16(Endian::Little),
    LengthWidth::U32(Endian::Big),
    LengthWidth::U32(Endian::Little),
    LengthWidth::Varint,
];
const FIELDS: [&str; 14] = [
    "len:u8",
    "len:u16be",
    "len:u24le",
    "len:u32be",
    "len:u64le",
    "len:i16be",
    "len:varint",
    "id:varint",
    "id:u16le",
    "seq:u8",
    "_:3",
    "magic:u16be=0xabcd",
    "magic:varint=300",
    "x:i24be",
];

/// A framing as the input chooses; `None` for one that cannot work.
pub(crate) fn choose(input: &mut Input<'_>) -> Option<Framing> {
    let max = usize::from(input.word()) % 3000;
    let framing = match input.byte() % 8 {
        0..3 => {
            let width = input.one_of(&WIDTHS);
            let (inclusive, far) = (input.flag(), input.flag());
            let offset = if far { usize::from(input.byte()) } else { 0 };
            Framing::Length(LengthFraming { width, offset, inclusive, max })
        }
        3 => {
            let length = 1 + usize::from(input.byte() % 4);
            Framing::Delimiter(DelimiterFraming::new(input.take(length), max))
        }
        4 => Framing::Fixed(max),
        _ => {
            let count = 1 + input.byte() % 5;
            let fields: Vec<FieldSpec> =
                (0..count).map(|_| input.one_of(&FIELDS).parse().expect("a field")).collect();
            let covers = input.one_of(&[Covers::Body, Covers::All, Covers::Rest]);
            Framing::Header(Box::new(HeaderFraming { covers, ..HeaderFraming::new(fields, max) }))
        }
    };
    framing.validate().is_ok().then_some(framing)
}

/// A framing alone.
pub fn framing(bytes: &[u8]) {
    let mut input = Input(bytes);
    let seed = input.byte();
    let Some(framing) = choose(&mut input) else { return };
    let spec = Arc::new(ChannelSpec::stream(framing.clone()).expect("a framing that can work"));
    let reading = |size: &mut dyn FnMut() -> usize| {
        read(&mut Channel::client(&spec, "", "", 1), input.0, framing.limit(), size)
    };
    let whole = reading(&mut || usize::MAX);
    assert_eq!(whole, reading(&mut pieces(seed)));
    for message in &whole {
        if let Found::Message(payload) = message {
            assert!(payload.len() <= framing.limit());
            again(&framing, payload);
        }
    }
}

/// What was cut is sent again.
fn again(framing: &Framing, payload: &[u8]) {
    let mut out = b"before".to_vec();
    let mark = framing.begin(&mut out);
    out.extend_from_slice(payload);
    if let Err(error) = framing.finish(&mut out, mark) {
        // A number written longer than need be left less room for the rest than the shortest does.
        panic!("{payload:?}: {error}");
    }
    let frame = &out[6..];
    match framing.cut(frame) {
        Ok(Cut::Frame { payload: place, used }) => {
            assert_eq!(used, frame.len());
            let whole = matches!(framing, Framing::Header(_)) || framing.header_in_payload() > 0;
            assert!(whole || &frame[place] == payload);
        }
        other => panic!("{payload:?}: {other:?}"),
    }
}

fn cipher_of(input: &mut Input<'_>) -> Box<dyn Cipher> {
    let key = [input.byte(); 16];
    Box::new(match input.byte() % 3 {
        0 => CipherStream::xor(&key[..5]).expect("a key"),
        1 => CipherStream::rc4(&key).expect("a key"),
        _ => CipherStream::aes_ctr(&key, &key).expect("a key"),
    })
}

/// A framing under a cipher, which begins with the first frame.
pub fn cipher(bytes: &[u8]) {
    let mut input = Input(bytes);
    let seed = input.byte();
    let coverage = input.one_of(&[Coverage::All, Coverage::Body]);
    let chosen = [input.byte(), input.byte()];
    let Some(framing) = choose(&mut input) else { return };
    let spec = Arc::new(ChannelSpec::stream(framing.clone()).expect("a framing that can work"));
    let ciphered = |direction| {
        let mut channel = Channel::client(&spec, "", "", 1);
        let cipher = cipher_of(&mut Input(&chosen));
        channel.set_cipher(direction, Some(cipher), coverage).ok().map(|()| channel)
    };
    let reading = |size: &mut dyn FnMut() -> usize| {
        let mut channel = ciphered(Direction::Received)?;
        Some(read(&mut channel, input.0, framing.limit(), size))
    };
    let Some(whole) = reading(&mut || usize::MAX) else { return };
    assert_eq!(Some(&whole), reading(&mut pieces(seed)).as_ref());

    // What was deciphered is sent in the same cipher, and comes back.
    let (Some(mut sender), Some(mut receiver)) = (ciphered(Direction::Sent), ciphered(Direction::Received))
    else {
        return;
    };
    let (mut out, mut sent) = (Vec::new(), Vec::new());
    for message in whole {
        let Found::Message(payload) = message else { continue };
        let mark = sender.begin(&mut out);
        out.extend_from_slice(&payload);
        sender.finish(&mut out, mark).expect("what was cut can be sent");
        sent.push(payload.len());
    }
    let came = read(&mut receiver, &out, framing.limit(), || usize::MAX);
    let messages = came.iter().filter(|found| matches!(found, Found::Message(_))).count();
    assert_eq!(messages, sent.len(), "{came:?}");
}

/// Datagrams behind their lengths, each of which is one frame.
pub fn datagrams(bytes: &[u8]) {
    let mut input = Input(bytes);
    let seed = input.byte();
    let bare = input.flag();
    let framing = if bare { Some(Framing::Message) } else { choose(&mut input) };
    let Some(framing) = framing else { return };
    let longest = 2000;
    let spec = Arc::new(ChannelSpec::datagrams(framing, longest).expect("a framing that can work"));
    let mut stream = Vec::new();
    while !input.0.is_empty() {
        let length = usize::from(input.word()) % longest;
        let datagram = input.take(length);
        stream.extend_from_slice(&(datagram.len() as u32).to_le_bytes());
        stream.extend_from_slice(datagram);
    }
    let limit = 4 + longest;
    let whole = read(&mut Channel::client(&spec, "", "", 1), &stream, limit, || usize::MAX);
    let cut = read(&mut Channel::client(&spec, "", "", 1), &stream, limit, pieces(seed));
    assert_eq!(whole, cut);
    let mut channel = Channel::client(&spec, "", "", 1);
    for message in whole {
        let Found::Message(payload) = message else { continue };
        let mut out = Vec::new();
        let mark = channel.begin(&mut out);
        out.extend_from_slice(&payload);
        channel.finish(&mut out, mark).expect("what came can be sent");
        assert!(out.len() <= limit);
    }
}
