//! What the checker knows about the messages of a project's protocols. The caller fills it from its schemas; the
//! checker never parses one.

/// The messages of all protocols of a project.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// The protocols, in the order of the project file.
    pub protocols: Vec<ProtocolMessages>,
}

/// The messages and types of one protocol.
#[derive(Clone, Debug)]
pub struct ProtocolMessages {
    /// The protocol's name in the project file.
    pub name: String,
    /// Whether names and bodies are known beforehand.
    pub codec: Codec,
    /// The address patterns that speak it (`ws://*`); empty when it is the project's only one.
    pub hosts: Vec<String>,
    /// The structures that bodies and fields refer to.
    pub types: Vec<StructType>,
    /// The enums that fields refer to.
    pub enums: Vec<EnumType>,
    /// The fields around what is sent that scripts may give values to.
    pub header: Vec<String>,
    /// Whether other messages come first, under any names.
    pub open_first: bool,
    /// The messages, each name once.
    pub messages: Vec<Message>,
}

/// Whether a protocol's messages are declared in a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Every message and field is declared.
    Schema,
    /// The messages' names are declared, and bodies are anything.
    Named,
    /// A body is bytes, and a message's name is whatever the script says.
    Raw,
}

/// One message of a protocol.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its name as scripts write it.
    pub name: String,
    /// Who sends it.
    pub direction: Direction,
    /// What it carries.
    pub body: Body,
    /// What its reply carries, by the protocol's reply rule.
    pub reply: Body,
}

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The robot.
    Send,
    /// The server.
    Receive,
    /// Either, or nobody knows.
    Both,
}

/// What a message or a reply carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nobody knows: it is not checked.
    Unknown,
    /// No fields at all.
    Nothing,
    /// The fields of `types[n]` of the same protocol.
    Struct(usize),
}

/// A structure: named fields.
#[derive(Clone, Debug)]
pub struct StructType {
    /// The type's name in the schema.
    pub name: String,
    /// Its fields.
    pub fields: Vec<FieldType>,
}

/// An enum: names of numbers.
#[derive(Clone, Debug)]
pub struct EnumType {
    /// Its name in the schema.
    pub name: String,
    /// Its names.
    pub values: Vec<String>,
}

/// One field of a structure.
#[derive(Clone, Debug)]
pub struct FieldType {
    /// The field's name.
    pub name: String,
    /// What it holds.
    pub shape: Shape,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An integer.
    Integer,
    /// An integer or a fraction.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
    /// Bytes, a string in Lua.
    Binary,
    /// The fields of `types[n]` of the same protocol.
    Struct(usize),
    /// A name in `enums[n]` of the same protocol, or any integer.
    Enum(usize),
    /// A list.
    Array(Box<Shape>),
    /// A table by key.
    Map(Box<Shape>),
    /// Not checked.
    Any,
}

impl Messages {
    pub(crate) fn find_protocol(&self, name: &str) -> Option<usize> {
        self.protocols.iter().position(|protocol| protocol.name == name)
    }
}

impl ProtocolMessages {
    pub(crate) fn message(&self, name: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.name == name)
    }

    pub(crate) fn speaks_at(&self, address: &str) -> bool {
        self.hosts.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => address.starts_with(prefix),
            None => address == pattern,
        })
    }
}

impl StructType {
    pub(crate) fn field(&self, name: &str) -> Option<&FieldType> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Direction {
    pub(crate) fn allows(self, wanted: Direction) -> bool {
        self == Direction::Both || wanted == Direction::Both || self == wanted
    }
}

impl Shape {
    /// The shape in the words of an error.
    pub(crate) fn in_words(&self, protocol: &ProtocolMessages) -> String {
        match self {
            Shape::Integer => "an integer".into(),
            Shape::Number => "a number".into(),
            Shape::Boolean => "a boolean".into(),
            Shape::String => "a string".into(),
            Shape::Binary => "a string of bytes".into(),
            Shape::Struct(id) => match protocol.types.get(*id) {
                Some(ty) => format!("a table of `{}`", ty.name),
                None => "a table".into(),
            },
            Shape::Enum(id) => match protocol.enums.get(*id) {
                Some(ty) => format!("a name in the enum `{}`, or a number", ty.name),
                None => "a name or a number".into(),
            },
            Shape::Array(_) => "a list".into(),
            Shape::Map(_) => "a table by key".into(),
            Shape::Any => "anything".into(),
        }
    }
}
