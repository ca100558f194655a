//! Headers, trailers and compressed bodies: any payload has a head or is an error, what is inflated keeps to its limit, and
//! what was written is read again.

use std::sync::LazyLock;

use throng_wire::{
    CodecSpec, CompressionSpec, Compressor, FieldPlace, FieldSpec, Fields, Framing, HeadKind, HeaderFraming,
    Protocol, ProtocolSpec, RefusalSpec, ReplySpec,
};

use crate::input::Input;

/// The most that a body may grow to, in bytes.
const MOST: usize = 1 << 16;

const COMPRESSORS: [Compressor; 3] = [Compressor::Zlib, Compressor::Zstd, Compressor::Lz4];

/// For each compressor one that flags it and one that always compresses.
static PROTOCOLS: LazyLock<Vec<Protocol>> = LazyLock::new(|| {
    COMPRESSORS
        .into_iter()
        .flat_map(|compressor| [true, false].map(|flagged| protocol(compressor, flagged)))
        .collect()
});

fn fields(texts: &[&str]) -> Vec<FieldSpec> {
    texts.iter().map(|text| text.parse().expect("a field")).collect()
}

fn protocol(compressor: Compressor, flagged: bool) -> Protocol {
    let framing = HeaderFraming::new(fields(&["len:varint", "id:u16be", "bits:u8", "seq:varint"]), 1 << 20);
    let flag = flagged.then(|| ("bits".to_owned(), 0x40));
    Protocol::build(ProtocolSpec {
        framing: Some(Framing::Header(Box::new(framing))),
        trailer: Fields { send: fields(&["ok:u8", "_:2"]), receive: fields(&["ok:u8", "_:2"]) },
        ids: Some(vec![("one".to_owned(), 1), ("two".to_owned(), 2)]),
        reply: Some(ReplySpec::Field { place: FieldPlace::Header, name: "seq".to_owned() }),
        refusal: Some(RefusalSpec { field: "ok".to_owned(), refused: "== 1".parse().expect("a comparison") }),
        compression: Some(CompressionSpec { compressor, above: 16, flag, max: MOST }),
        ..ProtocolSpec::new("fuzz", CodecSpec::Raw)
    })
    .expect("a protocol")
}

/// One payload of a protocol with everything around its body.
pub fn any(bytes: &[u8]) {
    let mut input = Input(bytes);
    let protocol = &PROTOCOLS[usize::from(input.byte()) % PROTOCOLS.len()];
    // A header that is right, so that the rest is looked at.
    let mut payload = if input.flag() { vec![0, 0, 1, 0x40, 5] } else { Vec::new() };
    payload.extend_from_slice(input.0);
    let mut scratch = Vec::new();
    if let Ok(head) = protocol.read(&payload, &mut scratch) {
        assert!(head.body.len() <= MOST.max(payload.len()));
        let session = protocol.field(&payload, "seq");
        assert!(matches!(head.kind, HeadKind::Push) || session.is_some_and(|session| session != 0));
    }
    // Lz4 makes room before it knows, for a limit and what may be the text of a number.
    assert!(scratch.capacity() <= 2 * MOST + 64, "{} bytes for {}", scratch.capacity(), payload.len());

    let message = protocol.message("two").expect("a message");
    let mut out = Vec::new();
    let body = input.0;
    if body.len() <= MOST {
        protocol.write(message, Some(3), body, &mut scratch, &mut out).expect("any bytes are a body");
        let head = protocol.read(&out, &mut scratch).expect("what was written");
        assert_eq!((head.message, head.body), (Some(message), body));
        assert_eq!(head.kind, HeadKind::Reply { session: 3 });
    }
}
