//! `connection:cipher`: streams of `throng.crypto` that a connection takes for itself, and functions of the script's.

use super::{Context, Natives, Refused};
use crate::cipher::LuaCipher;
use crate::state::key_of;
use crate::values::kind_of;
use mlua::{Lua, Value};
use throng_crypto::CipherStream;
use throng_engine::ConnectionKey;
use throng_wire::{Cipher, Coverage, Direction};

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.may_refuse("cipher", cipher)
}

fn cipher(
    context: &Context,
    lua: &Lua,
    (connection, send, receive, covers): (i64, Value, Value, Value),
) -> Result<(), Refused> {
    let coverage = match &covers {
        Value::Nil => Coverage::Body,
        Value::String(word) if *word == "body" => Coverage::Body,
        Value::String(word) if *word == "all" => Coverage::All,
        _ => return Err("'covers' is \"body\" or \"all\"".into()),
    };
    let key = key_of(connection);
    set(context, lua, key, (Direction::Sent, "send", &send), coverage)?;
    set(context, lua, key, (Direction::Received, "receive", &receive), coverage)
}

/// Nothing leaves a direction as it is, and `false` ends its cipher.
fn set(
    context: &Context,
    lua: &Lua,
    key: ConnectionKey,
    (direction, word, stream): (Direction, &str, &Value),
    coverage: Coverage,
) -> Result<(), Refused> {
    let (desk, robot) = context.robot()?;
    let cipher: Option<Box<dyn Cipher>> = match stream {
        Value::Nil => return Ok(()),
        Value::Boolean(false) => None,
        Value::Function(function) => {
            let state = (&context.shared, &context.vm);
            let cipher = LuaCipher::new(state, lua, robot, function).map_err(|error| error.to_string())?;
            Some(Box::new(cipher))
        }
        Value::UserData(stream) => match stream.take::<CipherStream>() {
            Ok(stream) => Some(Box::new(stream)),
            Err(_) => {
                return Err(
                    format!("'{word}': another connection or direction has this stream already").into()
                );
            }
        },
        other => {
            let found = kind_of(other);
            return Err(
                format!("'{word}' is a stream such as throng.crypto.rc4_stream(key), or a function from bytes to as many bytes, not {found}").into()
            );
        }
    };
    desk.set_cipher(key, direction, cipher, coverage).map_err(|error| error.to_string().into())
}
