//! What must hold of every decoder and framing, whatever bytes come: one function for each fuzz target.
//!
//! The targets in `fuzz/` hand their bytes to these functions, which panic where something does not hold. The inputs kept in
//! `fuzz/corpus` are given to them by an ordinary test too, so that a fault once found does not come back unseen. It must not
//! be used by what ships.
//!
//! Start reading at [`TARGETS`]. [`stream`] has what most of them share: a stream cut at any place gives what it gives whole.

pub mod codecs;
pub mod crypto;
pub mod documents;
pub mod ends;
pub mod framings;
mod input;
pub mod kcp;
pub mod protobuf;
pub mod sproto;
pub mod stream;
pub mod tls;
pub mod websocket;

/// A fuzz target's name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("channel_cipher", framings::cipher),
    ("channel_datagrams", framings::datagrams),
    ("channel_framing", framings::framing),
    ("channel_websocket", websocket::channel),
    ("codec_protobuf", codecs::protobuf),
    ("codec_sproto", codecs::sproto),
    ("crypto", crypto::any),
    ("document_json", documents::json),
    ("document_msgpack", documents::msgpack),
    ("ends", ends::any),
    ("kcp", kcp::conversation),
    ("protobuf_message", protobuf::message),
    ("protobuf_schema", protobuf::schema),
    ("sproto_bundle", sproto::bundle),
    ("sproto_message", sproto::message),
    ("sproto_rpc", sproto::rpc),
    ("sproto_schema", sproto::schema),
    ("sproto_unpack", sproto::unpacked),
    ("tls_client", tls::client),
];
