//! Flags of `throng proto`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

pub(super) const PROTO_EXAMPLES: &str = "\
Examples:
  throng proto list                                  the messages of the project in this folder
  throng proto list protos --json                    those of a folder of schemas, for a program
  throng proto encode Move '{\"x\":3}' --schema protos    a message as hex
  throng proto decode Move 01000800 --schema protos      and back, with the place of every field
  throng proto encode Move '{\"x\":3}' --protocol game --frame    a whole message, as it goes over the wire
  throng proto decode _ capture.bin --protocol game --envelope --framing protocol";

/// `throng proto`.
#[derive(Debug, Args)]
pub struct ProtoArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub verb: ProtoVerb,
}

/// What `throng proto` does.
#[derive(Debug, Subcommand)]
pub enum ProtoVerb {
    /// List messages with their fields, types and tags, and protocols.
    List(ProtoListArgs),
    /// Write a message, given as JSON, as hex.
    Encode(ProtoEncodeArgs),
    /// Show a message's bytes as a tree of fields, each with its place.
    Decode(ProtoDecodeArgs),
}

/// `throng proto list`.
#[derive(Debug, Args)]
pub struct ProtoListArgs {
    /// A project, a folder of .sproto or .proto files, or one such file or Sproto bundle.
    #[arg(default_value = ".", value_hint = ValueHint::AnyPath)]
    pub path: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Where a message's type is looked for.
#[derive(Debug, Clone, Args)]
pub struct SchemaFlags {
    /// A project, a folder of .sproto or .proto files, or one such file or Sproto bundle.
    #[arg(long, value_name = "PATH", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub schema: PathBuf,
    /// One protocol of the project.
    #[arg(long, value_name = "NAME")]
    pub protocol: Option<String>,
}

/// `throng proto encode`.
#[derive(Debug, Args)]
pub struct ProtoEncodeArgs {
    /// The message's name, as the schema has it.
    pub message: String,
    /// Its fields as JSON; `-` reads the standard input.
    #[arg(value_name = "JSON", default_value = "-")]
    pub json: String,
    /// Where the message's type is.
    #[command(flatten)]
    pub schema: SchemaFlags,
    /// Zero-pack the bytes, as Sproto does.
    #[arg(long, conflicts_with_all = ["envelope", "frame"])]
    pub pack: bool,
    /// The whole message: with the envelope, header or package of --protocol, packed and compressed as it says.
    #[arg(long, requires = "protocol")]
    pub envelope: bool,
    /// The same in the framing of --protocol, as it goes over the wire.
    #[arg(long, requires = "protocol")]
    pub frame: bool,
    /// The session of the whole message; without one it is a push.
    #[arg(long, value_name = "NUMBER", requires = "protocol")]
    pub session: Option<i64>,
    /// Values for fields of its header and trailer, as a JSON object.
    #[arg(long, value_name = "JSON", requires = "protocol")]
    pub header: Option<String>,
    /// The whole message is one that robots receive, not one that they send.
    #[arg(long, requires = "protocol")]
    pub received: bool,
    /// Print the bytes themselves.
    #[arg(long, conflicts_with = "output")]
    pub raw: bool,
    /// Write the bytes themselves to a file.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// `throng proto decode`.
#[derive(Debug, Args)]
pub struct ProtoDecodeArgs {
    /// The message's name, as the schema has it; `_` is the one that --rpc or --envelope finds in the bytes.
    pub message: String,
    /// Hex, a file of bytes or of hex, or `-` for the standard input.
    #[arg(value_name = "HEX|FILE", default_value = "-", value_hint = ValueHint::FilePath)]
    pub input: String,
    /// Where the message's type is.
    #[command(flatten)]
    pub schema: SchemaFlags,
    /// The input is bytes, whatever it looks like.
    #[arg(long)]
    pub raw: bool,
    /// Undo the zero-packing of Sproto first.
    #[arg(long)]
    pub unpack: bool,
    /// A Sproto RPC header stands before the message; TYPE is its type.
    #[arg(long, value_name = "TYPE", num_args = 0..=1, require_equals = true, default_missing_value = "package")]
    pub rpc: Option<String>,
    /// Cut the input into messages: u8, u16be, u16le, u32be, u32le, varint, line, fixed:BYTES, or protocol for the framing
    /// of --protocol.
    #[arg(long, value_name = "FRAMING")]
    pub framing: Option<String>,
    /// Open the envelope, header or package of --protocol first.
    #[arg(long, requires = "protocol", conflicts_with_all = ["rpc", "unpack"])]
    pub envelope: bool,
    /// The bytes are what robots send, not what they receive.
    #[arg(long)]
    pub sent: bool,
}
