//! The description of a codec of Protocol Buffers.

use throng_protobuf::Defaults;

use super::SourceText;

/// A codec of Protocol Buffers.
#[derive(Debug, Clone)]
pub struct ProtobufSpec {
    /// The texts of the `.proto` files.
    pub schema: Vec<SourceText>,
    /// How messages travel.
    pub shape: ProtobufShape,
    /// What is told of fields that a message does not have.
    pub defaults: Defaults,
}

/// How messages of Protocol Buffers travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtobufShape {
    /// As they are: the header's `id` says which message it is.
    Bare(ProtobufIds),
    /// In a message with their name and their bytes.
    Named {
        /// The outer message.
        ty: String,
        /// Its field with the message's name, or the path to it.
        name: String,
        /// Its field with the encoded message, or the path to it.
        body: String,
        /// Its field with the session, or the path to it.
        session: Option<String>,
        /// Which names are sent; both are understood.
        names: ProtobufNames,
    },
    /// In a message that has one of them as a field.
    Oneof {
        /// The outer message.
        ty: String,
        /// Its oneof; the only one where nothing is said.
        oneof: Option<String>,
        /// Its field with the session, or the path to it.
        session: Option<String>,
    },
}

/// Where the numbers of messages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtobufIds {
    /// In an enum of the schema.
    Enum {
        /// The enum.
        name: String,
        /// How its names stand for messages.
        rule: ProtobufRule,
    },
    /// In an option of the messages.
    Option(String),
    /// In [`ProtocolSpec::ids`](super::ProtocolSpec::ids), or of what is received in
    /// [`ProtocolSpec::ids_received`](super::ProtocolSpec::ids_received).
    Listed,
    /// Others for each direction, neither of which is separate again.
    Separate {
        /// Of what robots send.
        send: Box<ProtobufIds>,
        /// Of what robots receive.
        receive: Box<ProtobufIds>,
    },
}

/// How an enum's names stand for messages; see [`throng_protobuf::NameRule`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProtobufRule {
    /// What the enum's names begin with.
    pub prefix: String,
    /// What they end with.
    pub suffix: String,
    /// What messages begin with and the enum's names do not.
    pub message_prefix: String,
    /// What messages end with and the enum's names do not.
    pub message_suffix: String,
    /// The package with the messages; anywhere if empty.
    pub package: String,
}

impl ProtobufRule {
    pub(crate) fn as_rule(&self) -> throng_protobuf::NameRule<'_> {
        throng_protobuf::NameRule {
            value_prefix: &self.prefix,
            value_suffix: &self.suffix,
            message_prefix: &self.message_prefix,
            message_suffix: &self.message_suffix,
            package: &self.package,
        }
    }
}

/// Which names of messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtobufNames {
    /// With the package.
    Full,
    /// Without the package, where no other message has the name.
    Short,
}
