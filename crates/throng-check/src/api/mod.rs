//! The one table of names that scripts can use. The rules look names up in it, and the editor definitions are
//! written from it, so that neither can know a name the other does not.

mod classes;
mod globals;
mod libraries;
mod options;
mod protobuf;
mod sproto;
mod testing;

pub use classes::CLASSES;
pub use globals::{GLOBALS, LIBRARIES, OLD, REMOVED, RESERVED_CONNECTION_NAMES};
pub use options::OPTIONS;

/// A kind of object, or a table of functions.
#[derive(Debug)]
pub struct Class {
    /// Its identity in the checker.
    pub id: ClassId,
    /// Its name in editor annotations.
    pub name: &'static str,
    /// What it is, in one line.
    pub doc: &'static str,
    /// What it has.
    pub members: &'static [Member],
}

/// The classes of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClassId {
    /// The global `throng`.
    Throng,
    /// `throng.log`.
    Log,
    /// `throng.run`.
    Run,
    /// `throng.http`.
    Http,
    /// What a web server answered.
    HttpResponse,
    /// What a robot asks a test's web server.
    HttpQuestion,
    /// `throng.json`.
    Json,
    /// `throng.msgpack`.
    Msgpack,
    /// `throng.crypto`.
    Crypto,
    /// skynet's login set.
    Skynet,
    /// A cipher that goes on from call to call.
    CipherStream,
    /// `throng.sproto`.
    Sproto,
    /// A schema of `throng.sproto`.
    SprotoSchema,
    /// One end of a connection, for a schema of `throng.sproto`.
    SprotoHost,
    /// `throng.protobuf`.
    Protobuf,
    /// A schema of `throng.protobuf`.
    ProtobufSchema,
    /// `throng.options`.
    Options,
    /// `self.robot`.
    Robot,
    /// `self.robot.mods`.
    Mods,
    /// `self.robot.connections`.
    Connections,
    /// A connection with messages.
    Connection,
    /// A connection without framing.
    Stream,
    /// What `watch` returns.
    Watch,
    /// What `every` returns.
    Timer,
    /// What `spawn` returns.
    Spawned,
    /// A mod: its class and its object.
    Mod,
    /// What the file of a protocol returns.
    Protocol,
    /// Why a connection ended.
    CloseReason,
    /// What a failed call raises.
    Error,
    /// A test's world.
    World,
    /// A fake server of a test.
    Server,
    /// A connection, seen from a fake server.
    Client,
    /// A robot under test.
    TestRobot,
}

/// A field, a function or a method.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub what: What,
    /// What it does, in one line.
    pub doc: &'static str,
}

/// What a member is.
#[derive(Debug)]
pub enum What {
    /// A value, with its type in editor annotations.
    Field(&'static str),
    /// A field that holds an object of the API.
    Object(ClassId),
    /// Called with a dot.
    Function(Signature),
    /// Called with a colon.
    Method(Signature),
    /// A function that a mod may define, with its annotation.
    Callback(&'static str),
}

/// How a function is called.
#[derive(Debug)]
pub struct Signature {
    /// Its parameters, without `self`.
    pub parameters: &'static [Parameter],
    /// The annotations of what it returns, `type name`.
    pub returns: &'static [&'static str],
    /// The object it returns, where that is one of the API.
    pub gives: Option<ClassId>,
    /// It may wait, so that it cannot be called where Lua cannot wait.
    pub blocks: bool,
}

/// One parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// It may be left out.
    pub optional: bool,
}

/// What a parameter or an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Any,
    /// A string.
    Text,
    /// A number.
    Number,
    /// A number that is not negative.
    Weight,
    /// An integer.
    Integer,
    /// A boolean.
    Boolean,
    /// Seconds, or a string with a unit.
    Duration,
    /// A pause between tasks.
    Wait,
    /// How a test's server sends a message: a delay, or a table of it and fields of the header.
    How,
    /// A list of strings.
    Texts,
    /// A function with its annotation.
    Function(&'static str),
    /// A table.
    Table,
    /// The name of a message to send.
    Message,
    /// The name of a pushed message.
    Push,
    /// The name of a pushed message, or a list of them.
    Pushes,
    /// A message's body.
    Body,
    /// A table of named options.
    Options(OptionsId),
}

/// The tables of named options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OptionsId {
    /// Of `throng.mod`.
    Mod,
    /// Of `mod:task`.
    Task,
    /// Of `mod:sequence`.
    Sequence,
    /// Of `mod:on`.
    On,
    /// Of `robot:connect`.
    Connect,
    /// `retry` of `robot:connect`.
    Retry,
    /// Of `connection:request`.
    Request,
    /// Of `connection:send`.
    Send,
    /// How a test's server sends a message.
    How,
    /// Of `connection:watch`.
    Watch,
    /// Of `connection:expect`.
    Expect,
    /// Of `throng.http`.
    Http,
    /// Of `every`.
    Every,
    /// `connection:cipher`.
    Cipher,
    /// Of a stream's reads.
    Read,
    /// `wait`.
    Wait,
    /// Of `world:server`.
    Server,
}

/// A table of named options.
#[derive(Debug)]
pub struct OptionSet {
    /// Its identity.
    pub id: OptionsId,
    /// Its name in editor annotations.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [OptionKey],
}

/// One key of a table of options.
#[derive(Debug)]
pub struct OptionKey {
    /// The key.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it does, in one line.
    pub doc: &'static str,
}

impl ClassId {
    /// The class's entry in the table.
    pub fn class(self) -> &'static Class {
        CLASSES.iter().find(|class| class.id == self).expect("every class id has an entry, a test sees to it")
    }
}

impl Class {
    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

impl OptionsId {
    /// The set's entry in the table.
    pub fn set(self) -> &'static OptionSet {
        OPTIONS
            .iter()
            .find(|set| set.id == self)
            .expect("every option set id has an entry, a test sees to it")
    }
}

impl Member {
    /// How it is called, where it can be.
    pub fn signature(&self) -> Option<&Signature> {
        match &self.what {
            What::Function(signature) | What::Method(signature) => Some(signature),
            _ => None,
        }
    }
}

pub(crate) fn is_known_global(name: &str) -> bool {
    GLOBALS.contains(&name)
        || removed(name).is_some()
        || LIBRARIES.iter().any(|(library, _)| *library == name)
}

pub(crate) fn library(name: &str) -> Option<&'static [&'static str]> {
    LIBRARIES.iter().find(|(library, _)| *library == name).map(|(_, members)| *members)
}

/// What to use instead of something that is kept from scripts, alone or with its library.
pub(crate) fn instead_of_removed(path: &str) -> Option<&'static str> {
    if path == "debug.traceback" {
        return None;
    }
    let library = path.split('.').next().unwrap_or(path);
    removed(path).or_else(|| removed(library))
}

fn removed(path: &str) -> Option<&'static str> {
    REMOVED.iter().find(|(gone, _)| *gone == path).map(|(_, alternative)| *alternative)
}

/// What Lua 5.4 has instead of something older.
pub(crate) fn instead_of_old(path: &str) -> Option<&'static str> {
    OLD.iter().find(|(gone, _)| *gone == path).map(|(_, alternative)| *alternative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_and_option_set_has_an_entry() {
        for class in CLASSES {
            assert_eq!(class.id.class().name, class.name);
            for member in class.members {
                if let What::Object(id) = member.what {
                    id.class();
                }
                for parameter in member.signature().map_or(&[][..], |signature| signature.parameters) {
                    if let Kind::Options(id) = parameter.kind {
                        id.set();
                    }
                }
            }
        }
        for set in OPTIONS {
            assert_eq!(set.id.set().name, set.name);
        }
    }

    #[test]
    fn no_name_stands_twice() {
        for class in CLASSES {
            let mut names: Vec<&str> = class.members.iter().map(|member| member.name).collect();
            names.sort_unstable();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{}", class.name);
        }
    }
}
