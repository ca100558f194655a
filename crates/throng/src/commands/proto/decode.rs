//! `throng proto decode`: bytes as a tree of fields with their places.

use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::sync::Arc;

use throng_sproto as sproto;
use throng_wire::{Direction, Protocol, ProtocolSpec};

use super::capture::{self, Broken};
use super::head::ANY;
use super::schemas::{Found, Schemas};
use super::show::{Screen, around};
use super::tree::{self, Tree};
use super::{MAX_INPUT, counted, refused};
use crate::cli::{OutputFlags, ProtoDecodeArgs};
use crate::exit::{Exit, InputError};

/// Packed bytes stand for a multiple of this many.
const PACKED: usize = 8;

/// Why a message could not be shown.
pub(super) enum Failure {
    /// At a place in its bytes.
    Bytes(Broken),
    /// Otherwise.
    Input(InputError),
    /// At a place, and the user was told already.
    Told,
    /// Nobody reads what is printed.
    Output(io::Error),
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Failure {
        Failure::Bytes(broken)
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Failure {
        Failure::Input(error)
    }
}

/// A message within the bytes that offsets count in.
pub(super) struct Piece<'a> {
    pub(super) all: &'a [u8],
    pub(super) range: Range<usize>,
    /// Whether the bytes were packed, which fills them up with zeros.
    pub(super) was_packed: bool,
}

impl<'a> Piece<'a> {
    pub(super) fn whole(all: &'a [u8]) -> Piece<'a> {
        Piece { all, range: 0..all.len(), was_packed: false }
    }

    pub(super) fn unpacked(all: &'a [u8]) -> Piece<'a> {
        Piece { was_packed: true, ..Piece::whole(all) }
    }

    pub(super) fn part(&self, range: Range<usize>) -> Piece<'a> {
        Piece { range, ..*self }
    }

    pub(super) fn message(&self) -> &'a [u8] {
        &self.all[self.range.clone()]
    }
}

/// What messages are read with.
pub(super) struct Reading<'a, W> {
    pub(super) schemas: &'a Schemas,
    /// What the receiver of the bytes speaks with this message.
    pub(super) protocol: Option<(Arc<Protocol>, &'a ProtocolSpec)>,
    pub(super) message: &'a str,
    pub(super) direction: Direction,
    pub(super) screen: Screen<W>,
}

pub(super) fn run(args: &ProtoDecodeArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let schemas = Schemas::load(&args.schema.schema)?.of_protocol(args.schema.protocol.as_deref())?;
    if args.message == ANY && args.rpc.is_none() && !args.envelope {
        return Err(refused("`_` needs --rpc or --envelope: nothing else says which message it is").into());
    }
    let framing = capture::framing(args, &schemas)?;
    let bytes = capture::input(args)?;
    let stdout = io::stdout();
    let colours = output.colours() && stdout.is_terminal();
    let whole = protocol(args, &schemas)?;
    let mut reading = Reading {
        schemas: &schemas,
        // Bytes alone are no beginning of anything.
        protocol: whole.as_ref().map(|whole| (Arc::clone(&whole.wire), &whole.spec)),
        message: &args.message,
        direction: if args.sent { Direction::Sent } else { Direction::Received },
        screen: Screen { out: stdout.lock(), colours },
    };
    let Some(framing) = framing else {
        let good = reading.shown(args, &Piece::whole(&bytes))?;
        return Ok(if good { Exit::Success } else { Exit::Input });
    };
    let piece = Piece::whole(&bytes);
    let (messages, broken) = capture::cut(&framing, &bytes);
    let mut good = true;
    for (index, range) in messages.into_iter().enumerate() {
        let (number, start, length) = (index + 1, range.start, counted(range.len()));
        reading.protocol = whole.as_ref().map(|whole| whole.after(index));
        reading.screen.say(&format!("message {number} at byte {start}, {length}"))?;
        good &= reading.shown(args, &piece.part(range))?;
        reading.screen.say("")?;
    }
    if let Some(broken) = broken {
        reading.complain(&bytes, &broken)?;
        good = false;
    }
    Ok(if good { Exit::Success } else { Exit::Input })
}

/// The protocol that opens envelopes, as the receiver of the bytes has it.
struct Opening {
    wire: Arc<Protocol>,
    spec: ProtocolSpec,
    first: Option<(ProtocolSpec, u32)>,
}

impl Opening {
    /// What is spoken behind so many messages of a stream.
    fn after(&self, messages: usize) -> (Arc<Protocol>, &ProtocolSpec) {
        let spec = match &self.first {
            Some((first, count)) if messages < *count as usize => first,
            _ => &self.spec,
        };
        let messages = u32::try_from(messages).unwrap_or(u32::MAX);
        (Arc::clone(self.wire.after(messages)), spec)
    }
}

fn protocol(args: &ProtoDecodeArgs, schemas: &Schemas) -> Result<Option<Opening>, InputError> {
    let Some(name) = args.schema.protocol.as_deref().filter(|_| args.envelope) else { return Ok(None) };
    let protocol = schemas.spoken(name)?;
    let spec = protocol.spec.clone();
    let wire = match args.sent {
        false => Arc::clone(&protocol.wire),
        true => {
            let mirrored = Protocol::build(spec.mirrored()).map_err(|error| refused(error.to_string()))?;
            Arc::new(mirrored)
        }
    };
    Ok(Some(Opening { wire, first: spec.first_spec(), spec }))
}

/// Bytes without their zero-packing.
pub(super) fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, InputError> {
    let mut out = Vec::new();
    sproto::unpack(bytes, MAX_INPUT as usize, &mut out).map_err(|error| refused(error.to_string()))?;
    Ok(out)
}

impl<W: Write> Reading<'_, W> {
    /// Shows one message, and what is wrong with it; false if something is.
    fn shown(&mut self, args: &ProtoDecodeArgs, piece: &Piece<'_>) -> anyhow::Result<bool> {
        match self.opened_piece(args, piece) {
            Ok(()) => return Ok(true),
            Err(Failure::Told) => {}
            Err(Failure::Bytes(broken)) => self.complain(piece.all, &broken)?,
            Err(Failure::Input(error)) => {
                self.screen.out.flush()?;
                writeln!(io::stderr().lock(), "error: {error}")?;
            }
            Err(Failure::Output(error)) => return Err(error.into()),
        }
        Ok(false)
    }

    fn opened_piece(&mut self, args: &ProtoDecodeArgs, piece: &Piece<'_>) -> Result<(), Failure> {
        let bytes;
        let piece = if args.unpack {
            bytes = unpacked(piece.message())?;
            self.screen.say("unpacked; offsets count unpacked bytes")?;
            &Piece::unpacked(&bytes)
        } else {
            piece
        };
        let schemas = self.schemas;
        match &args.rpc {
            Some(package) => self.rpc(package, piece),
            None if args.envelope => self.envelope(piece),
            None => self.body(&schemas.find(self.message, self.direction)?, piece),
        }
    }

    /// Shows a body that takes the whole piece.
    pub(super) fn body(&mut self, found: &Found<'_>, piece: &Piece<'_>) -> Result<(), Failure> {
        match found {
            Found::Sproto(schema, Some(ty)) => {
                self.tree(piece, tree::sproto(schema, *ty, piece.message()), true)
            }
            Found::Protobuf(schema, id) => {
                self.tree(piece, tree::protobuf(schema, *id, piece.message()), true)
            }
            Found::Sproto(_, None) => {
                self.screen.say("no fields")?;
                self.rest(piece, 0)
            }
        }
    }

    /// Shows a tree; where it is all there is, also what stands behind it.
    pub(super) fn tree(&mut self, piece: &Piece<'_>, tree: Tree, is_all: bool) -> Result<(), Failure> {
        let tree = tree.behind(piece.range.start);
        self.screen.tree(piece.all, &tree)?;
        match tree.unknown {
            0 => {}
            1 => self.screen.say("1 field that the schema does not know")?,
            count => self.screen.say(&format!("{count} fields that the schema does not know"))?,
        }
        if let Some(broken) = tree.broken {
            self.complain(piece.all, &broken)?;
            return Err(Failure::Told);
        }
        if is_all { self.rest(piece, tree.used) } else { Ok(()) }
    }

    fn rest(&mut self, piece: &Piece<'_>, used: usize) -> Result<(), Failure> {
        let rest = piece.message().get(used..).unwrap_or_default();
        let is_padding = piece.was_packed && rest.len() < PACKED && rest.iter().all(|byte| *byte == 0);
        if !rest.is_empty() && !is_padding {
            let (count, at) = (counted(rest.len()), piece.range.start + used);
            self.screen
                .say(&format!("{count} behind the message, from byte {at} on: {}", tree::escaped(rest)))?;
        }
        Ok(())
    }

    /// Says what is wrong, with the bytes around it.
    fn complain(&mut self, bytes: &[u8], broken: &Broken) -> io::Result<()> {
        self.screen.out.flush()?;
        let mut stderr = io::stderr().lock();
        let Broken { offset, text } = broken;
        write!(stderr, "error: {text}, at byte {offset}\n{}", around(bytes, *offset))
    }
}
