//! What tests have beside the API of mods: the world, its fake servers, and the robots in it.

use super::classes::{field, method, object, opt, p, takes};
use super::{Class, ClassId, Kind, OptionsId, Parameter};

const DELAY: Parameter = opt("delay", Kind::Duration);
const HOW: Parameter = opt("how", Kind::How);
const FIELDS: Parameter = opt("fields", Kind::Any);
const COUNT: &str = "integer count";
const OPEN: &str = "boolean open";
const ANSWER: Kind = Kind::Function(
    "fun(msg: any, client: throng.Client, name: string, header?: table<string, integer>): any, (throng.How|throng.Duration)?",
);
const CONNECTION: Kind = Kind::Function("fun(client: throng.Client)");

/// A test's world.
pub(super) const WORLD: Class = Class {
    id: ClassId::World,
    name: "throng.World",
    doc: "A test's world: its clock begins at 0 and moves when the test says so.",
    members: &[
        method(
            "server",
            takes(&[p("url", Kind::Text), opt("options", Kind::Options(OptionsId::Server))])
                .returning(&["throng.Server server"])
                .giving(ClassId::Server),
            "A fake server at this address.",
        ),
        method(
            "http",
            takes(&[
                p("url", Kind::Text),
                p("fn", Kind::Function("fun(request: throng.HttpQuestion): string|integer|table|nil")),
            ]),
            "A fake web server for all addresses that begin like this one.",
        ),
        method(
            "robot",
            takes(&[]).returning(&["throng.TestRobot robot"]).giving(ClassId::TestRobot),
            "One more robot, which begins when time passes.",
        ),
        method("advance", takes(&[p("time", Kind::Duration)]).blocking(), "Lets time pass."),
        method(
            "options",
            takes(&[p("values", Kind::Table)]).blocking(),
            "Other values of the project's `[options]`; comes first in a test.",
        ),
        method("now", takes(&[]).returning(&["number seconds"]), "Seconds since the test's beginning."),
        method(
            "errors",
            takes(&[]).returning(&["{ message: string, traceback: string, count: integer }[] errors"]),
            "The scripts' errors so far, which are expected now.",
        ),
        method(
            "failures",
            takes(&[])
                .returning(&["{ kind: string, name: string, message: string, count: integer }[] failures"]),
            "The failures so far.",
        ),
        method(
            "checks",
            takes(&[]).returning(&["table<string, { passed: integer, failed: integer }> checks"]),
            "The checks so far, by name.",
        ),
        method("log", takes(&[]).returning(&["string[] lines"]), "The lines logged so far."),
    ],
};

/// A fake server.
pub(super) const SERVER: Class = Class {
    id: ClassId::Server,
    name: "throng.Server",
    doc: "A fake server of a test.",
    members: &[
        field("url", "string", "Its address."),
        method(
            "on",
            takes(&[p("name", Kind::Message), p("fn", ANSWER)]),
            "Answers messages of this name by the fields that the function returns; nil is not yet, false is never.",
        ),
        method(
            "on_message",
            takes(&[p("fn", ANSWER)]),
            "The same for messages that have no handler of their own.",
        ),
        method(
            "on_first",
            takes(&[p("fn", ANSWER)]),
            "The same for messages that come before the protocol's own rules hold.",
        ),
        method(
            "on_bytes",
            takes(&[p(
                "fn",
                Kind::Function("fun(bytes: string, client: throng.Client): string?, throng.Duration?"),
            )]),
            "Makes it a stream, and answers bytes.",
        ),
        method("on_connect", takes(&[p("fn", CONNECTION)]), "Called when a connection is up."),
        method("on_close", takes(&[p("fn", CONNECTION)]), "Called when a connection has ended."),
        method(
            "count",
            takes(&[opt("name", Kind::Message)]).returning(&[COUNT]),
            "How many messages came, of this name or in all.",
        ),
        method(
            "received",
            takes(&[opt("name", Kind::Message)]).returning(&["any[] messages"]),
            "The messages that came, of this name or all.",
        ),
        method(
            "answers",
            takes(&[p("name", Kind::Push)]).returning(&["table[] answers"]),
            "What robots answered to this message, which `client:ask` asked with.",
        ),
        method(
            "clients",
            takes(&[]).returning(&["throng.Client[] clients"]),
            "The open connections, oldest first.",
        ),
        method(
            "push",
            takes(&[p("name", Kind::Push), FIELDS, HOW]).returning(&[COUNT]),
            "Sends a message to every open connection.",
        ),
        method(
            "write",
            takes(&[p("bytes", Kind::Text), DELAY]).returning(&[COUNT]),
            "Sends bytes to every open connection.",
        ),
        method("close", takes(&[opt("code", Kind::Integer)]), "Closes every connection in good order."),
        method("refuse", takes(&[]), "Refuses new connections."),
        method("accept", takes(&[]), "Accepts new connections again."),
    ],
};

/// A connection, seen from a fake server.
pub(super) const CLIENT: Class = Class {
    id: ClassId::Client,
    name: "throng.Client",
    doc: "A robot's connection, seen from a fake server.",
    members: &[
        field("id", "integer", "Its number, unique in the world."),
        method(
            "reply",
            takes(&[p("name", Kind::Any), FIELDS, HOW]),
            "Answers the oldest message that has no reply yet; with a name, the oldest of that name.",
        ),
        method("push", takes(&[p("name", Kind::Push), FIELDS, HOW]), "Sends a message."),
        method(
            "ask",
            takes(&[p("name", Kind::Push), FIELDS, HOW]),
            "Sends a message with a session, which a handler of the robot's answers by what it returns.",
        ),
        method("write", takes(&[p("bytes", Kind::Text), DELAY]), "Sends bytes."),
        method("close", takes(&[opt("code", Kind::Integer)]), "Closes it in good order."),
        method("reset", takes(&[]), "Ends it by a reset."),
        method("is_open", takes(&[]).returning(&[OPEN]), "Whether it is open."),
    ],
};

/// A robot under test.
pub(super) const ROBOT: Class = Class {
    id: ClassId::TestRobot,
    name: "throng.TestRobot",
    doc: "A robot under test: it is looked at, and plays by its mods alone.",
    members: &[
        field("id", "integer", "Its number."),
        field("name", "string", "Its name."),
        field("ready", "boolean", "Whether it is ready."),
        field(
            "state",
            "\"starting\"|\"ready\"|\"restarting\"|\"stopping\"|\"stopped\"|\"failed\"",
            "Where it is in its life.",
        ),
        object("mods", ClassId::Mods, "The objects of its mods by name."),
        field("connections", "table", "The names of its open connections, as a list and as keys."),
        method("restart", takes(&[]), "As the robot's own."),
        method("stop", takes(&[]), "As the robot's own."),
    ],
};
