//! `throng.crypto`: what game logins need over strings of bytes. The algorithms are `throng-crypto`'s.

use super::{Context, Natives, Refused};
use crate::sandbox;
use crate::values::kind_of;
use mlua::{AnyUserData, Lua, LuaString, MultiValue, Value};
use std::fmt::Display;
use throng_crypto::aes::{self, Padding};
use throng_crypto::skynet::{self, DesPadding};
use throng_crypto::{CipherStream, Hash, base64, crc32, hex, rc4, xor};

/// The most bytes that `random_bytes` gives at once.
const RANDOM_BYTES: i64 = 1 << 20;

/// What a byte costs, in nanoseconds.
const CHEAP: u64 = 1;
const DIGEST: u64 = 3;
const CIPHER: u64 = 5;
/// DES, and ciphers on machines without instructions for them.
const DEAR: u64 = 40;
/// What an exchange of keys costs, in nanoseconds.
const EXCHANGE: u64 = 5_000;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    add_digests(natives)?;
    add_texts(natives)?;
    add_ciphers(natives)?;
    add_streams(natives)?;
    add_random(natives)?;
    add_skynet(natives)
}

/// The arguments of a call, looked at one by one.
struct Arguments<'a> {
    function: &'static str,
    values: &'a MultiValue,
}

impl Arguments<'_> {
    fn value(&self, index: usize) -> &Value {
        self.values.get(index).unwrap_or(&Value::Nil)
    }

    /// A string of bytes; `what` it is goes into the message.
    fn bytes(&self, index: usize, what: &str) -> Result<LuaString, Refused> {
        match self.value(index) {
            Value::String(bytes) => Ok(bytes.clone()),
            other => {
                Err(format!("{} wants {what} as a string of bytes, not {}", self.function, kind_of(other))
                    .into())
            }
        }
    }

    fn integer(&self, index: usize, what: &str) -> Result<i64, Refused> {
        match self.value(index) {
            Value::Integer(number) => Ok(*number),
            other => {
                Err(format!("{} wants {what} as a whole number, not {}", self.function, kind_of(other))
                    .into())
            }
        }
    }

    fn padding(&self, index: usize) -> Result<Padding, Refused> {
        match self.value(index) {
            Value::Nil => Ok(Padding::Pkcs7),
            Value::String(name) if *name.as_bytes() == b"pkcs7"[..] => Ok(Padding::Pkcs7),
            Value::String(name) if *name.as_bytes() == b"none"[..] => Ok(Padding::None),
            Value::String(name) => {
                let name = name.to_string_lossy();
                Err(format!("{} knows the paddings \"pkcs7\" and \"none\", not \"{name}\"", self.function)
                    .into())
            }
            other => {
                Err(format!("{} wants a padding such as \"pkcs7\", not {}", self.function, kind_of(other))
                    .into())
            }
        }
    }

    fn des_padding(&self, index: usize) -> Result<DesPadding, Refused> {
        match self.value(index) {
            Value::Nil => Ok(DesPadding::default()),
            _ => {
                DesPadding::from_mode(self.integer(index, "a padding")?).map_err(|error| self.refused(&error))
            }
        }
    }

    fn refused(&self, error: &dyn Display) -> Refused {
        format!("{}: {error}", self.function).into()
    }

    /// How many bytes there are in all strings.
    fn size(&self) -> u64 {
        let lengths = self.values.iter().map(|value| match value {
            Value::String(bytes) => bytes.as_bytes().len() as u64,
            _ => 0,
        });
        lengths.sum()
    }
}

impl Natives<'_> {
    /// A function that makes bytes of its arguments, at so many nanoseconds for each byte.
    fn makes<B: AsRef<[u8]>>(
        &self,
        function: &'static str,
        cost: u64,
        make: impl Fn(&Arguments<'_>) -> Result<B, Refused> + 'static,
    ) -> mlua::Result<()> {
        self.may_refuse(&format!("crypto_{function}"), move |_, lua, values: MultiValue| {
            let arguments = Arguments { function, values: &values };
            let made = make(&arguments)?;
            let work = arguments.size().max(made.as_ref().len() as u64) * cost;
            sandbox::work(lua, work);
            string(lua, made.as_ref())
        })
    }
}

fn string(lua: &Lua, bytes: &[u8]) -> Result<Value, Refused> {
    lua.create_string(bytes).map(Value::String).map_err(|error| error.to_string().into())
}

fn add_digests(natives: &Natives<'_>) -> mlua::Result<()> {
    let named = [
        ("md5", "hmac_md5", Hash::Md5),
        ("sha1", "hmac_sha1", Hash::Sha1),
        ("sha256", "hmac_sha256", Hash::Sha256),
        ("sha512", "hmac_sha512", Hash::Sha512),
    ];
    for (digest, hmac, hash) in named {
        natives
            .makes(digest, DIGEST, move |given| Ok(hash.digest(&given.bytes(0, "its text")?.as_bytes())))?;
        natives.makes(hmac, DIGEST, move |given| {
            let (key, text) = (given.bytes(0, "its key")?, given.bytes(1, "its text")?);
            Ok(hash.hmac(&key.as_bytes(), &text.as_bytes()))
        })?;
    }
    natives.may_refuse("crypto_crc32", |_, lua, values: MultiValue| {
        let given = Arguments { function: "crc32", values: &values };
        let sum = crc32(&given.bytes(0, "its text")?.as_bytes());
        sandbox::work(lua, given.size() * CHEAP);
        Ok(i64::from(sum))
    })
}

fn add_texts(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.makes("hex", CHEAP, |given| Ok(hex::encode(&given.bytes(0, "what it encodes")?.as_bytes())))?;
    natives
        .makes("base64", CHEAP, |given| Ok(base64::encode(&given.bytes(0, "what it encodes")?.as_bytes())))?;
    natives.makes("base64url", CHEAP, |given| {
        Ok(base64::encode_url(&given.bytes(0, "what it encodes")?.as_bytes()))
    })?;
    natives.makes("from_hex", CHEAP, |given| {
        hex::decode(&given.bytes(0, "its text")?.as_bytes()).map_err(|error| given.refused(&error))
    })?;
    natives.makes("from_base64", CHEAP, |given| {
        base64::decode(&given.bytes(0, "its text")?.as_bytes()).map_err(|error| given.refused(&error))
    })?;
    natives.makes("from_base64url", CHEAP, |given| {
        base64::decode_url(&given.bytes(0, "its text")?.as_bytes()).map_err(|error| given.refused(&error))
    })
}

fn add_ciphers(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.makes("rc4", CIPHER, |given| {
        let (key, text) = (given.bytes(0, "its key")?, given.bytes(1, "its text")?);
        rc4(&key.as_bytes(), &text.as_bytes()).map_err(|error| given.refused(&error))
    })?;
    natives.makes("xor", CHEAP, |given| {
        let (text, key) = (given.bytes(0, "its text")?, given.bytes(1, "its key")?);
        xor(&text.as_bytes(), &key.as_bytes()).map_err(|error| given.refused(&error))
    })?;
    type Cbc = fn(&[u8], &[u8], &[u8], Padding) -> Result<Vec<u8>, aes::AesError>;
    for (name, cbc) in [("aes_cbc_encrypt", aes::cbc_encrypt as Cbc), ("aes_cbc_decrypt", aes::cbc_decrypt)] {
        natives.makes(name, DEAR, move |given| {
            let (key, iv) = (given.bytes(0, "its key")?, given.bytes(1, "its initialization vector")?);
            let (text, padding) = (given.bytes(2, "its text")?, given.padding(3)?);
            cbc(&key.as_bytes(), &iv.as_bytes(), &text.as_bytes(), padding)
                .map_err(|error| given.refused(&error))
        })?;
    }
    type Ecb = fn(&[u8], &[u8], Padding) -> Result<Vec<u8>, aes::AesError>;
    for (name, ecb) in [("aes_ecb_encrypt", aes::ecb_encrypt as Ecb), ("aes_ecb_decrypt", aes::ecb_decrypt)] {
        natives.makes(name, DEAR, move |given| {
            let (key, text, padding) =
                (given.bytes(0, "its key")?, given.bytes(1, "its text")?, given.padding(2)?);
            ecb(&key.as_bytes(), &text.as_bytes(), padding).map_err(|error| given.refused(&error))
        })?;
    }
    natives.makes("aes_ctr", DEAR, |given| {
        let (key, iv) = (given.bytes(0, "its key")?, given.bytes(1, "its initialization vector")?);
        let text = given.bytes(2, "its text")?;
        aes::ctr(&key.as_bytes(), &iv.as_bytes(), &text.as_bytes()).map_err(|error| given.refused(&error))
    })?;
    type Gcm = fn(&[u8], &[u8], &[u8], &[u8]) -> Result<Vec<u8>, aes::AesError>;
    for (name, gcm) in [("aes_gcm_encrypt", aes::gcm_encrypt as Gcm), ("aes_gcm_decrypt", aes::gcm_decrypt)] {
        natives.makes(name, DEAR, move |given| {
            let (key, nonce) = (given.bytes(0, "its key")?, given.bytes(1, "its nonce")?);
            let text = given.bytes(2, "its text")?;
            let additional = match given.value(3) {
                Value::Nil => Vec::new(),
                _ => given.bytes(3, "what else it proves")?.as_bytes().to_vec(),
            };
            gcm(&key.as_bytes(), &nonce.as_bytes(), &additional, &text.as_bytes())
                .map_err(|error| given.refused(&error))
        })?;
    }
    Ok(())
}

/// Ciphers that go on from call to call.
fn add_streams(natives: &Natives<'_>) -> mlua::Result<()> {
    type Begin = fn(&Arguments<'_>) -> Result<CipherStream, Refused>;
    let rc4: Begin = |given| {
        CipherStream::rc4(&given.bytes(0, "its key")?.as_bytes()).map_err(|error| given.refused(&error))
    };
    let aes_ctr: Begin = |given| {
        let (key, iv) = (given.bytes(0, "its key")?, given.bytes(1, "its initialization vector")?);
        CipherStream::aes_ctr(&key.as_bytes(), &iv.as_bytes()).map_err(|error| given.refused(&error))
    };
    let xor: Begin = |given| {
        CipherStream::xor(&given.bytes(0, "its key")?.as_bytes()).map_err(|error| given.refused(&error))
    };
    for (function, begin) in [("rc4_stream", rc4), ("aes_ctr_stream", aes_ctr), ("xor_stream", xor)] {
        natives.may_refuse(&format!("crypto_{function}"), move |_, lua, values: MultiValue| {
            let stream = begin(&Arguments { function, values: &values })?;
            let made = lua.create_any_userdata(stream).map_err(|error| error.to_string())?;
            Ok(Value::UserData(made))
        })?;
    }
    natives.may_refuse("crypto_apply", |_, lua, values: MultiValue| {
        let given = Arguments { function: "apply", values: &values };
        let mut bytes = given.bytes(1, "what it ciphers")?.as_bytes().to_vec();
        let stream = match given.value(0) {
            Value::UserData(stream) => Some(stream),
            _ => None,
        };
        let stream = stream.and_then(|stream: &AnyUserData| stream.borrow_mut::<CipherStream>().ok());
        let Some(mut stream) = stream else { return Err("apply wants a cipher's stream".into()) };
        stream.apply(&mut bytes);
        sandbox::work(lua, bytes.len() as u64 * CIPHER);
        string(lua, &bytes)
    })
}

fn add_random(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.makes("random_bytes", CHEAP, |given| {
        let count = given.integer(0, "how many bytes")?;
        match usize::try_from(count) {
            Ok(size) if count <= RANDOM_BYTES => Ok(random_bytes(size)),
            _ => Err(format!("random_bytes gives 0 to {RANDOM_BYTES} bytes, not {count}").into()),
        }
    })?;
    natives.plain("crypto_uuid", |_: &Context, _, ()| Ok(uuid()))
}

/// Bytes from the robot's own stream, so that a run with the same seed makes the same ones.
fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        std::iter::repeat_with(|| sandbox::random::draw(|stream| stream.bits()).to_le_bytes())
            .take(count.div_ceil(8))
            .flatten()
            .collect();
    bytes.truncate(count);
    bytes
}

/// A random UUID (RFC 9562, version 4).
fn uuid() -> String {
    let mut bytes = random_bytes(16);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(&bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

/// skynet's functions that are not the others' under another name.
fn add_skynet(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.makes("randomkey", CHEAP, |_| {
        Ok(skynet::randomkey(sandbox::random::draw(|stream| stream.bits()).to_le_bytes()))
    })?;
    natives.makes("hashkey", DIGEST, |given| Ok(skynet::hashkey(&given.bytes(0, "its text")?.as_bytes())))?;
    natives.makes("dhexchange", EXCHANGE, |given| {
        skynet::dhexchange(&given.bytes(0, "its key")?.as_bytes()).map_err(|error| given.refused(&error))
    })?;
    type Pair = fn(&[u8], &[u8]) -> Result<[u8; 8], String>;
    let pairs: [(&'static str, u64, Pair); 4] = [
        ("dhsecret", EXCHANGE, |one, other| skynet::dhsecret(one, other).map_err(|error| error.to_string())),
        ("hmac64", DIGEST, |one, other| skynet::hmac64(one, other).map_err(|error| error.to_string())),
        ("hmac64_md5", DIGEST, |one, other| {
            skynet::hmac64_md5(one, other).map_err(|error| error.to_string())
        }),
        ("hmac_hash", DIGEST, |one, other| skynet::hmac_hash(one, other).map_err(|error| error.to_string())),
    ];
    for (name, cost, pair) in pairs {
        natives.makes(name, cost, move |given| {
            let (one, other) =
                (given.bytes(0, "its first argument")?, given.bytes(1, "its second argument")?);
            pair(&one.as_bytes(), &other.as_bytes()).map_err(|error| given.refused(&error))
        })?;
    }
    type Des = fn(&[u8], &[u8], DesPadding) -> Result<Vec<u8>, skynet::DesError>;
    for (name, des) in [("desencode", skynet::desencode as Des), ("desdecode", skynet::desdecode)] {
        natives.makes(name, DEAR, move |given| {
            let (key, text) = (given.bytes(0, "its key")?, given.bytes(1, "its text")?);
            des(&key.as_bytes(), &text.as_bytes(), given.des_padding(2)?)
                .map_err(|error| given.refused(&error))
        })?;
    }
    natives.makes("hexencode", CHEAP, |given| {
        Ok(skynet::hexencode(&given.bytes(0, "what it encodes")?.as_bytes()))
    })?;
    natives.makes("base64encode", CHEAP, |given| {
        Ok(skynet::base64encode(&given.bytes(0, "what it encodes")?.as_bytes()))
    })?;
    natives.makes("hexdecode", CHEAP, |given| {
        skynet::hexdecode(&given.bytes(0, "its text")?.as_bytes()).map_err(|error| given.refused(&error))
    })?;
    natives.makes("base64decode", CHEAP, |given| {
        skynet::base64decode(&given.bytes(0, "its text")?.as_bytes()).map_err(|error| given.refused(&error))
    })?;
    natives.makes("xor_str", CHEAP, |given| {
        let (text, key) = (given.bytes(0, "its text")?, given.bytes(1, "its key")?);
        skynet::xor_str(&text.as_bytes(), &key.as_bytes()).map_err(|error| given.refused(&error))
    })
}
