//! Libraries that are part of `throng`: HTTP and cryptography.

use super::classes::{field, function, method, object, opt, p, takes};
use super::{Class, ClassId, Kind, Member, OptionsId, Parameter, Signature};

const URL: Parameter = p("url", Kind::Text);
const OPTIONS: Parameter = opt("options", Kind::Options(OptionsId::Http));
const BYTES: Parameter = p("bytes", Kind::Text);
const TEXT: Parameter = p("text", Kind::Text);
const KEY: Parameter = p("key", Kind::Text);
const IV: Parameter = p("iv", Kind::Text);
const PADDING: Parameter = opt("padding", Kind::Text);
const RESULT: &[&str] = &["string bytes"];

/// `throng.http`.
pub(super) const HTTP: Class = Class {
    id: ClassId::Http,
    name: "throng.Http",
    doc: "Requests to web servers, each of which its robot waits for.",
    members: &[
        function("get", responds(takes(&[URL, OPTIONS])), "Gets what is at an address."),
        function(
            "post",
            responds(takes(&[URL, opt("body", Kind::Any), OPTIONS])),
            "Posts a string of bytes, or a table as JSON.",
        ),
        function(
            "request",
            responds(takes(&[p("method", Kind::Text), URL, OPTIONS])),
            "A request of any method.",
        ),
    ],
};

/// What a web server answered.
pub(super) const HTTP_RESPONSE: Class = Class {
    id: ClassId::HttpResponse,
    name: "throng.HttpResponse",
    doc: "What a web server answered, after redirects.",
    members: &[
        field("status", "integer", "The status, such as 200."),
        field("headers", "table<string, string>", "The headers; their names are found whatever their case."),
        field("body", "string", "The body's bytes."),
        field("json", "any", "The body read as JSON, when it is asked for."),
        field("name", "string", "What the request is measured as."),
    ],
};

/// What a robot asks a test's web server.
pub(super) const HTTP_QUESTION: Class = Class {
    id: ClassId::HttpQuestion,
    name: "throng.HttpQuestion",
    doc: "What a robot asks a web server of a test.",
    members: &[
        field("method", "string", "The method, such as `GET`."),
        field("url", "string", "The whole address."),
        field("headers", "table<string, string>", "The headers; their names are found whatever their case."),
        field("body", "string", "The body's bytes."),
        field("json", "any", "The body read as JSON, when it is asked for."),
    ],
};

/// `throng.json`.
pub(super) const JSON: Class = Class {
    id: ClassId::Json,
    name: "throng.Json",
    doc: "JSON made and read.",
    members: &[
        field("null", "lightuserdata", "What stands for nothing in a list."),
        function(
            "encode",
            takes(&[p("value", Kind::Any)]).returning(&["string text"]),
            "A string of JSON from a value.",
        ),
        function(
            "decode",
            takes(&[p("text", Kind::Text)]).returning(&["any value"]),
            "What a string of JSON says.",
        ),
        function(
            "array",
            takes(&[opt("list", Kind::Table)]).returning(&["table list"]),
            "Marks a table as a list, or makes an empty one.",
        ),
    ],
};

/// `throng.msgpack`.
pub(super) const MSGPACK: Class = Class {
    id: ClassId::Msgpack,
    name: "throng.Msgpack",
    doc: "MessagePack made and read.",
    members: &[
        field("null", "lightuserdata", "What stands for nothing in a list."),
        function(
            "encode",
            takes(&[p("value", Kind::Any)]).returning(&["string bytes"]),
            "A string of MessagePack from a value.",
        ),
        function(
            "decode",
            takes(&[p("bytes", Kind::Text)]).returning(&["any value"]),
            "What a string of MessagePack says.",
        ),
        function(
            "array",
            takes(&[opt("list", Kind::Table)]).returning(&["table list"]),
            "Marks a table as a list, or makes an empty one.",
        ),
    ],
};

/// `throng.crypto`.
pub(super) const CRYPTO: Class = Class {
    id: ClassId::Crypto,
    name: "throng.Crypto",
    doc: "What game logins need over strings of bytes: digests, ciphers, text forms, random bytes.",
    members: &[
        object("skynet", ClassId::Skynet, "skynet's login set; also what `require \"skynet.crypt\"` gives."),
        bytes("md5", &[BYTES], "MD5, 16 bytes."),
        bytes("sha1", &[BYTES], "SHA-1, 20 bytes."),
        bytes("sha256", &[BYTES], "SHA-256, 32 bytes."),
        bytes("sha512", &[BYTES], "SHA-512, 64 bytes."),
        bytes("hmac_md5", &[KEY, BYTES], "HMAC with MD5."),
        bytes("hmac_sha1", &[KEY, BYTES], "HMAC with SHA-1."),
        bytes("hmac_sha256", &[KEY, BYTES], "HMAC with SHA-256."),
        bytes("hmac_sha512", &[KEY, BYTES], "HMAC with SHA-512."),
        function("crc32", takes(&[BYTES]).returning(&["integer sum"]), "CRC-32, as in zip files."),
        bytes("hex", &[BYTES], "Bytes as hexadecimal digits."),
        bytes("from_hex", &[TEXT], "Hexadecimal digits as bytes."),
        bytes("base64", &[BYTES], "Bytes as Base64, with padding."),
        bytes("from_base64", &[TEXT], "Base64 as bytes."),
        bytes("base64url", &[BYTES], "Bytes as Base64 for addresses, without padding."),
        bytes("from_base64url", &[TEXT], "Base64 for addresses as bytes."),
        bytes("rc4", &[KEY, BYTES], "RC4 from its beginning; the same both ways."),
        bytes("xor", &[BYTES, KEY], "The exclusive or with a key that repeats."),
        bytes("aes_cbc_encrypt", &[KEY, IV, BYTES, PADDING], "AES in CBC mode; padding `pkcs7` or `none`."),
        bytes("aes_cbc_decrypt", &[KEY, IV, BYTES, PADDING], "The way back."),
        bytes("aes_ecb_encrypt", &[KEY, BYTES, PADDING], "AES in ECB mode; padding `pkcs7` or `none`."),
        bytes("aes_ecb_decrypt", &[KEY, BYTES, PADDING], "The way back."),
        bytes("aes_ctr", &[KEY, IV, BYTES], "AES in CTR mode from its beginning; the same both ways."),
        bytes(
            "aes_gcm_encrypt",
            &[KEY, p("nonce", Kind::Text), BYTES, opt("additional", Kind::Text)],
            "AES in GCM mode; the tag is behind the text.",
        ),
        bytes(
            "aes_gcm_decrypt",
            &[KEY, p("nonce", Kind::Text), BYTES, opt("additional", Kind::Text)],
            "The way back; an error if the tag does not fit.",
        ),
        stream("rc4_stream", &[KEY], "RC4 that goes on from call to call."),
        stream("aes_ctr_stream", &[KEY, IV], "AES in CTR mode that goes on from call to call."),
        stream("xor_stream", &[KEY], "The exclusive or that goes on from call to call."),
        bytes("random_bytes", &[p("count", Kind::Integer)], "Random bytes from the robot's own stream."),
        bytes("uuid", &[], "A random UUID from the robot's own stream."),
    ],
};

/// skynet's `skynet.crypt`.
pub(super) const SKYNET: Class = Class {
    id: ClassId::Skynet,
    name: "throng.SkynetCrypt",
    doc: "skynet's login set under skynet's own names.",
    members: &[
        field("padding", "{ iso7816_4: 0, pkcs7: 1 }", "The paddings of DES."),
        bytes("randomkey", &[], "8 random bytes from the robot's own stream."),
        bytes("hashkey", &[TEXT], "A hash of 8 bytes."),
        bytes("dhexchange", &[KEY], "What is sent of an 8-byte key."),
        bytes("dhsecret", &[p("received", Kind::Text), KEY], "What both sides know then."),
        bytes("hmac64", &[p("x", Kind::Text), p("y", Kind::Text)], "8 bytes of two words of 8 bytes."),
        bytes("hmac64_md5", &[p("x", Kind::Text), p("y", Kind::Text)], "The same, of a whole MD5."),
        bytes("hmac_hash", &[KEY, TEXT], "8 bytes of a text under a key of 8 bytes."),
        bytes("desencode", &[KEY, TEXT, opt("padding", Kind::Integer)], "DES in ECB mode."),
        bytes("desdecode", &[KEY, TEXT, opt("padding", Kind::Integer)], "The way back."),
        bytes("hexencode", &[TEXT], "Bytes as hexadecimal digits."),
        bytes("hexdecode", &[TEXT], "The way back."),
        bytes("base64encode", &[TEXT], "Bytes as Base64."),
        bytes("base64decode", &[TEXT], "The way back."),
        bytes("xor_str", &[TEXT, KEY], "The exclusive or with a key that repeats."),
        bytes("sha1", &[TEXT], "SHA-1, 20 bytes."),
        bytes("hmac_sha1", &[KEY, TEXT], "HMAC with SHA-1."),
    ],
};

/// A cipher that goes on.
pub(super) const CIPHER_STREAM: Class = Class {
    id: ClassId::CipherStream,
    name: "throng.CipherStream",
    doc: "A cipher that goes on from call to call: one for each direction.",
    members: &[method("apply", takes(&[BYTES]).returning(RESULT), "The next bytes, ciphered or deciphered.")],
};

const fn responds(signature: Signature) -> Signature {
    signature.returning(&["throng.HttpResponse response"]).giving(ClassId::HttpResponse).blocking()
}

const fn bytes(name: &'static str, parameters: &'static [Parameter], doc: &'static str) -> Member {
    function(name, takes(parameters).returning(RESULT), doc)
}

const fn stream(name: &'static str, parameters: &'static [Parameter], doc: &'static str) -> Member {
    let gives = takes(parameters).returning(&["throng.CipherStream stream"]).giving(ClassId::CipherStream);
    function(name, gives, doc)
}
