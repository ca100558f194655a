//! The objects of the API and what they have.

use super::libraries::{CIPHER_STREAM, CRYPTO, HTTP, HTTP_QUESTION, HTTP_RESPONSE, JSON, MSGPACK, SKYNET};
use super::protobuf::{PROTOBUF, PROTOBUF_SCHEMA};
use super::sproto::{SPROTO, SPROTO_HOST, SPROTO_SCHEMA};
use super::testing::{CLIENT, ROBOT, SERVER, WORLD};
use super::{Class, ClassId, Kind, Member, OptionsId, Parameter, Signature, What};

pub(super) const fn field(name: &'static str, ty: &'static str, doc: &'static str) -> Member {
    Member { name, what: What::Field(ty), doc }
}

pub(super) const fn object(name: &'static str, id: ClassId, doc: &'static str) -> Member {
    Member { name, what: What::Object(id), doc }
}

const fn callback(name: &'static str, ty: &'static str, doc: &'static str) -> Member {
    Member { name, what: What::Callback(ty), doc }
}

pub(super) const fn function(name: &'static str, signature: Signature, doc: &'static str) -> Member {
    Member { name, what: What::Function(signature), doc }
}

pub(super) const fn method(name: &'static str, signature: Signature, doc: &'static str) -> Member {
    Member { name, what: What::Method(signature), doc }
}

pub(super) const fn takes(parameters: &'static [Parameter]) -> Signature {
    Signature { parameters, returns: &[], gives: None, blocks: false }
}

impl Signature {
    pub(super) const fn returning(mut self, returns: &'static [&'static str]) -> Signature {
        self.returns = returns;
        self
    }

    pub(super) const fn giving(mut self, class: ClassId) -> Signature {
        self.gives = Some(class);
        self
    }

    pub(super) const fn blocking(mut self) -> Signature {
        self.blocks = true;
        self
    }
}

pub(super) const fn p(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, optional: false }
}

pub(super) const fn opt(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, optional: true }
}

const HANDLER: Kind = Kind::Function("fun(self: throng.Mod, msg: table, connection: throng.Connection): any");
const TASK: Kind = Kind::Function("fun(self: throng.Mod)");
const BLOCK: Kind = Kind::Function("fun(): any");
const PLAIN: Kind = Kind::Function("fun()");
const READ_OPTIONS: Parameter = opt("options", Kind::Options(OptionsId::Read));
const EVERY: Signature =
    takes(&[p("interval", Kind::Duration), p("fn", PLAIN), opt("options", Kind::Options(OptionsId::Every))])
        .returning(&["throng.Timer timer"])
        .giving(ClassId::Timer);
const CLOSE: &str = "Closes it.";
const DROP: &str = "Ends it like a pulled cable, without a goodbye.";
const PASSAGE: Parameter = opt("...", Kind::Any);

/// All of them.
pub const CLASSES: &[Class] = &[
    Class {
        id: ClassId::Throng,
        name: "throng",
        doc: "The load tester's own functions.",
        members: &[
            field("version", "string", "The load tester's version."),
            field("host", "string", "The target's address, from `[target]` or `--host`."),
            object(
                "options",
                ClassId::Options,
                "The project's own options, from `[options]`, flags or environment.",
            ),
            object("log", ClassId::Log, "Writes to the log, with robot and mod in front."),
            object("http", ClassId::Http, "Requests to web servers."),
            object("json", ClassId::Json, "JSON made and read."),
            object("msgpack", ClassId::Msgpack, "MessagePack made and read."),
            object("crypto", ClassId::Crypto, "Digests, ciphers and text forms of bytes."),
            object("sproto", ClassId::Sproto, "Sproto made and read, under the reference's own names."),
            object("protobuf", ClassId::Protobuf, "Protocol Buffers made and read."),
            object("run", ClassId::Run, "What happens once a run, whatever the robots do."),
            function(
                "mod",
                takes(&[opt("options", Kind::Options(OptionsId::Mod))])
                    .returning(&["throng.Mod mod"])
                    .giving(ClassId::Mod),
                "A new mod, named after its file: one object per robot, for the robot's life.",
            ),
            function(
                "check",
                takes(&[p("name", Kind::Text), p("ok", Kind::Any)]).returning(&["boolean ok"]),
                "Counts a check that holds or does not; a task goes on either way.",
            ),
            function(
                "fail",
                takes(&[p("text", Kind::Text), opt("fields", Kind::Table)]),
                "Fails the task: raises an error that is counted once, with its fields as a sample.",
            ),
            function(
                "measure",
                takes(&[p("name", Kind::Text), p("fn", BLOCK)]).returning(&["any ..."]),
                "Measures how long a function takes, and returns what it returns.",
            ),
            function(
                "record",
                takes(&[p("name", Kind::Text), p("time", Kind::Duration)]),
                "Records a time that was measured elsewhere.",
            ),
            function("count", takes(&[p("name", Kind::Text), opt("n", Kind::Number)]), "Adds to a counter."),
            function(
                "group",
                takes(&[p("name", Kind::Text), p("fn", BLOCK)]).returning(&["any ..."]),
                "Runs a function as a group: its requests and checks are measured once more for the group.",
            ),
            function(
                "in_order",
                takes(&[p("name", Kind::Text), p("n", Kind::Number), opt("key", Kind::Any)])
                    .returning(&["boolean is_next"]),
                "Follows numbers that a server counts up: what is missing, doubled or late.",
            ),
            function(
                "delay",
                takes(&[
                    p("name", Kind::Text),
                    p("time", Kind::Number),
                    opt("unit", Kind::Text),
                    opt("clock", Kind::Any),
                ]),
                "Measures how long a message took that says when the server sent it.",
            ),
            function(
                "gap",
                takes(&[p("name", Kind::Text), opt("key", Kind::Any)]),
                "Measures the time since the robot came here last.",
            ),
            function("now", takes(&[]).returning(&["number seconds"]), "The monotonic clock."),
            function("time", takes(&[]).returning(&["number seconds"]), "The wall clock, since 1970."),
            function(
                "test",
                takes(&[p("name", Kind::Text), p("fn", Kind::Function("fun(world: throng.World)"))]),
                "A test of the project's mods; only in tests/.",
            ),
        ],
    },
    HTTP,
    HTTP_RESPONSE,
    HTTP_QUESTION,
    JSON,
    MSGPACK,
    CRYPTO,
    SKYNET,
    CIPHER_STREAM,
    SPROTO,
    SPROTO_SCHEMA,
    SPROTO_HOST,
    PROTOBUF,
    PROTOBUF_SCHEMA,
    Class {
        id: ClassId::Run,
        name: "throng.Run",
        doc: "What happens once a run, in a Lua state of its own that robots do not see.",
        members: &[
            function(
                "on_start",
                takes(&[p("fn", PLAIN)]),
                "Calls a function before the first robot; at file level. An error ends the run; it may not wait.",
            ),
            function(
                "on_stop",
                takes(&[p("fn", PLAIN)]),
                "Calls a function after the last robot, however the run ended; at file level. It may not wait.",
            ),
        ],
    },
    Class {
        id: ClassId::Log,
        name: "throng.Log",
        doc: "Writes to the log, with robot and mod in front.",
        members: &[
            function("debug", takes(&[PASSAGE]), "For the author of a mod."),
            function("info", takes(&[PASSAGE]), "Worth knowing."),
            function("warn", takes(&[PASSAGE]), "Worth a look."),
            function("error", takes(&[PASSAGE]), "Wrong, though the robot goes on."),
        ],
    },
    Class { id: ClassId::Options, name: "throng.Options", doc: "The project's own options.", members: &[] },
    Class {
        id: ClassId::Robot,
        name: "throng.Robot",
        doc: "A simulated player: its connections, timers and mods.",
        members: &[
            field("id", "integer", "Its number, unique in the run."),
            field("name", "string", "Its name."),
            field("scenario", "string?", "The scenario it plays; nothing in a run without scenarios."),
            object("mods", ClassId::Mods, "Its mods by name."),
            object("connections", ClassId::Connections, "Its connections by name."),
            method(
                "connect",
                takes(&[
                    p("name", Kind::Text),
                    p("url", Kind::Text),
                    opt("options", Kind::Options(OptionsId::Connect)),
                ])
                .returning(&["throng.Connection connection"])
                .giving(ClassId::Connection)
                .blocking(),
                "Opens a connection under a name; one that has this name already is replaced.",
            ),
            method("ready", takes(&[]), "The robot may do tasks from now on; twice is nothing."),
            method("restart", takes(&[]), "Starts over with new mod objects and connections; never returns."),
            method("stop", takes(&[]), "Ends the robot; never returns."),
            method("sleep", takes(&[p("time", Kind::Duration)]).blocking(), "Waits."),
            method("every", EVERY, "Calls a function again and again until it is cancelled."),
            method(
                "spawn",
                takes(&[p("fn", BLOCK)]).returning(&["throng.Spawned spawned"]).giving(ClassId::Spawned),
                "Runs a function beside the caller.",
            ),
            method(
                "all",
                takes(&[p("fn", BLOCK), opt("...", BLOCK)]).returning(&["any ..."]).blocking(),
                "Runs functions side by side and waits for all of them.",
            ),
        ],
    },
    Class { id: ClassId::Mods, name: "throng.Mods", doc: "A robot's mods by name.", members: &[] },
    Class {
        id: ClassId::Connections,
        name: "throng.Connections",
        doc: "A robot's connections by name.",
        members: &[],
    },
    Class {
        id: ClassId::Connection,
        name: "throng.Connection",
        doc: "One socket's life.",
        members: &[
            field("name", "string", "The name it was opened under."),
            method(
                "request",
                takes(&[
                    p("name", Kind::Message),
                    opt("body", Kind::Body),
                    opt("options", Kind::Options(OptionsId::Request)),
                ])
                .returning(&["table reply"])
                .blocking(),
                "Sends a message and waits for its reply; raises an error when none comes.",
            ),
            method(
                "try_request",
                takes(&[
                    p("name", Kind::Message),
                    opt("body", Kind::Body),
                    opt("options", Kind::Options(OptionsId::Request)),
                ])
                .returning(&["table? reply", "throng.Error? err"])
                .blocking(),
                "As `request`, but returns nil and the error.",
            ),
            method(
                "send",
                takes(&[
                    p("name", Kind::Message),
                    opt("body", Kind::Body),
                    opt("options", Kind::Options(OptionsId::Send)),
                ]),
                "Sends a message that has no reply; never waits.",
            ),
            method(
                "watch",
                takes(&[p("names", Kind::Pushes), opt("options", Kind::Options(OptionsId::Watch))])
                    .returning(&["throng.Watch watch"])
                    .giving(ClassId::Watch),
                "Keeps pushed messages from now on, to be asked for by `next`.",
            ),
            method(
                "expect",
                takes(&[p("names", Kind::Pushes), opt("options", Kind::Options(OptionsId::Expect))])
                    .returning(&["table msg", "string name"])
                    .blocking(),
                "Waits for a pushed message.",
            ),
            method("every", EVERY, "As `robot:every`; ends with the connection."),
            field("is_open", "boolean", "Whether it can be sent on."),
            method(
                "cipher",
                takes(&[p("options", Kind::Options(OptionsId::Cipher))]),
                "Encrypts what is sent and received, from the next frame on.",
            ),
            method("close", takes(&[]), CLOSE),
            method("drop", takes(&[]), DROP),
        ],
    },
    Class {
        id: ClassId::Stream,
        name: "throng.Stream",
        doc: "A connection of `protocol = \"stream\"`: bytes without framing.",
        members: &[
            field("name", "string", "The name it was opened under."),
            method(
                "read_line",
                takes(&[READ_OPTIONS]).returning(&["string line"]).blocking(),
                "Waits for a line and returns it without its line end.",
            ),
            method(
                "read_exactly",
                takes(&[p("count", Kind::Integer), READ_OPTIONS]).returning(&["string bytes"]).blocking(),
                "Waits for so many bytes.",
            ),
            method(
                "read_until",
                takes(&[p("bytes", Kind::Text), READ_OPTIONS]).returning(&["string bytes"]).blocking(),
                "Waits for these bytes and returns everything up to and with them.",
            ),
            method("write", takes(&[p("bytes", Kind::Text)]), "Sends bytes; never waits."),
            method("every", EVERY, "As `robot:every`; ends with the connection."),
            field("is_open", "boolean", "Whether it can be sent on."),
            method("close", takes(&[]), CLOSE),
            method("drop", takes(&[]), DROP),
        ],
    },
    Class {
        id: ClassId::Watch,
        name: "throng.Watch",
        doc: "Pushed messages that wait to be asked for.",
        members: &[
            method(
                "next",
                takes(&[opt("timeout", Kind::Duration), opt("options", Kind::Options(OptionsId::Expect))])
                    .returning(&["table msg", "string name"])
                    .blocking(),
                "The oldest message, or waits for one.",
            ),
            method("close", takes(&[]), "Keeps no more messages."),
        ],
    },
    Class {
        id: ClassId::Timer,
        name: "throng.Timer",
        doc: "A function that is called again and again.",
        members: &[method("cancel", takes(&[]), "Calls it no more.")],
    },
    Class {
        id: ClassId::Spawned,
        name: "throng.Spawned",
        doc: "A function that runs beside its caller.",
        members: &[
            method(
                "wait",
                takes(&[opt("timeout", Kind::Duration)]).returning(&["any ..."]).blocking(),
                "Waits until it has returned, and returns what it returned.",
            ),
            method("cancel", takes(&[]), "Ends it."),
        ],
    },
    Class {
        id: ClassId::Protocol,
        name: "throng.Protocol",
        doc: "What the file of a protocol in Lua returns: any of these functions.",
        members: &[
            callback(
                "state",
                "fun(): table",
                "Makes the table of a new connection, which the others get last.",
            ),
            callback(
                "framing",
                "fun(bytes: string, from: integer, state?: table): integer?, integer?, integer?",
                "Finds the frame that begins at `from`: the first and the last byte of its payload and where the next begins, or nil and how many bytes it has at least.",
            ),
            callback(
                "frame",
                "fun(payload: string, state?: table): string",
                "Makes the frame of a payload that is sent.",
            ),
            callback(
                "head",
                "fun(payload: string, state?: table): { name?: string, session?: integer, push?: boolean, body?: integer, error?: integer }?",
                "Says what a message is, and where its body begins.",
            ),
            callback(
                "encode",
                "fun(name: string, body: any, session?: integer, state?: table): string",
                "Makes the payload of a message that is sent.",
            ),
            callback(
                "decode",
                "fun(name: string, bytes: string, state?: table): any",
                "Makes a value of a body that came.",
            ),
            field("server", "throng.Protocol?", "What fake servers of tests do otherwise."),
        ],
    },
    Class {
        id: ClassId::Mod,
        name: "throng.Mod",
        doc: "A part of a robot's behaviour: its class at file level, its object as `self`.",
        members: &[
            object("robot", ClassId::Robot, "The robot it belongs to."),
            field("name", "string", "Its name."),
            field(
                "tasks",
                "table<string, fun(self: throng.Mod)>",
                "Tasks by name: `function role.tasks:chat() end`.",
            ),
            callback("init", "fun(self: throng.Mod)", "Sets the object's state; called before any `start`."),
            callback(
                "start",
                "fun(self: throng.Mod)",
                "Logs in; the robot is ready when every `start` returned.",
            ),
            callback("stop", "fun(self: throng.Mod)", "Called on the way out, with a time limit."),
            callback(
                "closed",
                "fun(self: throng.Mod, connection: throng.Connection, why: throng.CloseReason)",
                "Called when a connection has ended.",
            ),
            method(
                "on",
                takes(&[
                    p("name", Kind::Push),
                    opt("options", Kind::Options(OptionsId::On)),
                    p("fn", HANDLER),
                ]),
                "Calls a function for each pushed message of this name; what it returns answers a server that asked.",
            ),
            method(
                "task",
                takes(&[
                    p("name", Kind::Text),
                    opt("options", Kind::Options(OptionsId::Task)),
                    p("fn", TASK),
                ]),
                "Something a robot does again and again, picked by weight.",
            ),
            method(
                "sequence",
                takes(&[p("name", Kind::Text), p("options", Kind::Options(OptionsId::Sequence))]),
                "A task of several steps, each a method of the mod.",
            ),
        ],
    },
    Class {
        id: ClassId::CloseReason,
        name: "throng.CloseReason",
        doc: "Why a connection ended.",
        members: &[
            field(
                "kind",
                "\"server\"|\"half_closed\"|\"truncated\"|\"reset\"|\"timeout\"|\"protocol\"|\"replaced\"|\"self\"|\"dropped\"",
                "The kind of end.",
            ),
            field("name", "string", "The connection's name."),
            field("text", "string", "More, for people; may be empty."),
            field("code", "integer?", "The WebSocket close code, if there was one."),
        ],
    },
    Class {
        id: ClassId::Error,
        name: "throng.Error",
        doc: "What a failed call raises; `tostring` says it in words.",
        members: &[
            field("kind", "string", "What went wrong: `timeout`, `closed`, `refused` ..."),
            field("name", "string?", "The message's name."),
            field("connection", "string?", "The connection's name."),
            field("elapsed", "number?", "Seconds since the call."),
            field(
                "code",
                "integer?",
                "The WebSocket close code of a closed connection, or the server's own code.",
            ),
            field("message", "string", "All of it in words."),
            field("where", "string?", "File and line."),
            field("fields", "table?", "What `throng.fail` was given."),
        ],
    },
    WORLD,
    SERVER,
    CLIENT,
    ROBOT,
];
