//! The bytes to decode: from the command line, a file or the standard input, whole or cut into messages.

use std::ops::Range;
use std::path::Path;

use throng_wire::{Cut, DEFAULT_MAX, DelimiterFraming, Framing, LengthFraming, LengthWidth};

use super::schemas::Schemas;
use super::whole::own_framing;
use super::{counted, did_you_mean, hex, read_file, read_stdin, refused};
use crate::cli::ProtoDecodeArgs;
use crate::config::nearest;
use crate::exit::InputError;

const WORDS: [&str; 9] =
    ["u8", "u16be", "u16le", "u32be", "u32le", "varint", "line", "protocol", "fixed:BYTES"];

/// What stands where a message should be.
pub(super) struct Broken {
    pub(super) offset: usize,
    pub(super) text: String,
}

/// All bytes that were given.
pub(super) fn input(args: &ProtoDecodeArgs) -> Result<Vec<u8>, InputError> {
    let path = Path::new(&args.input);
    let bytes = match args.input.as_str() {
        "-" => read_stdin()?,
        _ if path.is_file() => read_file(path)?,
        text if args.raw => return Err(refused(format!("there is no file {text} of raw bytes"))),
        text => {
            return hex::parse(text).map_err(|error| refused(format!("neither a file nor hex: {error}")));
        }
    };
    if args.raw {
        return Ok(bytes);
    }
    // A file of hex is as good as one of bytes; bytes that all happen to be hex digits need --raw.
    let read = std::str::from_utf8(&bytes).ok().and_then(|text| hex::parse(text).ok());
    Ok(read.unwrap_or(bytes))
}

/// The framing that was asked for.
pub(super) fn framing(args: &ProtoDecodeArgs, schemas: &Schemas) -> Result<Option<Framing>, InputError> {
    let Some(word) = args.framing.as_deref() else { return Ok(None) };
    if word == "protocol" {
        let Some(name) = &args.schema.protocol else {
            return Err(refused("--framing protocol needs --protocol"));
        };
        let spec = &schemas.protocol(name)?.spec;
        if spec.own.framing {
            return Err(own_framing(name));
        }
        let framing = spec.framing.clone();
        return framing.map(Some).ok_or_else(|| refused(format!("the protocol `{name}` has no framing")));
    }
    let length = |width| LengthFraming { width, offset: 0, inclusive: false, max: DEFAULT_MAX };
    let framing = match word.strip_prefix("fixed:") {
        Some(size) => size.parse().ok().map(Framing::Fixed),
        None if word == "line" => Some(Framing::Delimiter(DelimiterFraming::new(b"\n", DEFAULT_MAX))),
        None => word.parse::<LengthWidth>().ok().map(|width| Framing::Length(length(width))),
    };
    let framing = framing.ok_or_else(|| {
        let hint = match nearest(word, WORDS) {
            Some(meant) => did_you_mean(Some(meant)),
            None => format!("; known are {}", WORDS.join(", ")),
        };
        refused(format!("no framing is called `{word}`{hint}"))
    })?;
    framing.validate().map_err(|error| refused(format!("--framing {word}: {error}")))?;
    Ok(Some(framing))
}

/// Where the messages stand in `bytes`, and what is wrong behind the last.
pub(super) fn cut(framing: &Framing, bytes: &[u8]) -> (Vec<Range<usize>>, Option<Broken>) {
    let mut messages = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let text = match framing.cut(&bytes[at..]) {
            Ok(Cut::Frame { payload, used }) if used > 0 => {
                messages.push(at + payload.start..at + payload.end);
                at += used;
                continue;
            }
            Ok(Cut::Frame { .. }) => "a message of no bytes".to_owned(),
            Ok(Cut::Need(needed)) => {
                let left = counted(bytes.len() - at);
                format!("{left} where the next message needs at least {needed}")
            }
            Err(error) => error.to_string(),
        };
        return (messages, Some(Broken { offset: at, text }));
    }
    (messages, None)
}
