//! The tables of named options.

use super::{Kind, OptionKey, OptionSet, OptionsId};

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> OptionKey {
    OptionKey { name, kind, doc }
}

const PUSH_FILTER: Kind = Kind::Function("fun(msg: table): boolean");
const CONDITION: Kind = Kind::Function("fun(self: throng.Mod): boolean");

// What several of them have.
const WEIGHT: OptionKey = key(
    "weight",
    Kind::Weight,
    "How often it is picked beside the others, 1 if not said; 0 switches it off.",
);
const RATE: OptionKey = key(
    "rate",
    Kind::Number,
    "So many a second over all robots, evenly, in place of being picked by weight.",
);
const WHEN: OptionKey = key("when", CONDITION, "It is picked only while this returns true.");
const TIMEOUT: OptionKey = key("timeout", Kind::Duration, "It fails when it takes longer.");
const TAGS: OptionKey = key("tags", Kind::Texts, "Names to pick tasks by on the command line.");
const QUIET: OptionKey = key("quiet", Kind::Boolean, "A failure that is expected is not reported.");
const HEADER: OptionKey =
    key("header", Kind::Table, "Values for fields of the header and trailer, by name; the others are 0.");

/// All of them.
pub const OPTIONS: &[OptionSet] = &[
    OptionSet {
        id: OptionsId::Mod,
        name: "throng.ModOptions",
        keys: &[
            key("needs", Kind::Texts, "The mods that start before this one."),
            key(
                "manual_ready",
                Kind::Boolean,
                "The robot is ready only when this mod calls `self.robot:ready()`.",
            ),
            key("wait", Kind::Wait, "The pause after each task of this mod."),
            key("tags", Kind::Texts, "Tags of all tasks of this mod."),
        ],
    },
    OptionSet {
        id: OptionsId::Task,
        name: "throng.TaskOptions",
        keys: &[WEIGHT, RATE, WHEN, TIMEOUT, key("wait", Kind::Wait, "The pause after it."), TAGS],
    },
    OptionSet {
        id: OptionsId::Sequence,
        name: "throng.SequenceOptions",
        keys: &[
            key("steps", Kind::Texts, "The methods to call, in order."),
            WEIGHT,
            RATE,
            WHEN,
            TIMEOUT,
            key("wait", Kind::Wait, "The pause between steps and after it."),
            TAGS,
        ],
    },
    OptionSet {
        id: OptionsId::On,
        name: "throng.OnOptions",
        keys: &[
            key("connection", Kind::Text, "Only messages of the connection of this name."),
            key(
                "header",
                Kind::Boolean,
                "The handler gets the fields of the message's header and trailer as a fourth argument.",
            ),
            key("queue", Kind::Boolean, "One at a time: the next waits until the handler has returned."),
        ],
    },
    OptionSet {
        id: OptionsId::Connect,
        name: "throng.ConnectOptions",
        keys: &[
            key(
                "protocol",
                Kind::Text,
                "The protocol's name in throng.toml, or `stream` for bytes without framing.",
            ),
            key("timeout", Kind::Duration, "How long one try may take."),
            key("retry", Kind::Options(OptionsId::Retry), "Try again, with back-off and jitter."),
            key("measured", Kind::Boolean, "`false` keeps its requests out of the report."),
            key("conv", Kind::Integer, "The number of a KCP conversation, such as a login gave."),
        ],
    },
    OptionSet {
        id: OptionsId::Retry,
        name: "throng.RetryOptions",
        keys: &[
            key("first", Kind::Duration, "The first pause; each further one is longer."),
            key("max", Kind::Duration, "The longest pause."),
            key("tries", Kind::Integer, "How often to try in all."),
        ],
    },
    OptionSet {
        id: OptionsId::Request,
        name: "throng.RequestOptions",
        keys: &[
            key("timeout", Kind::Duration, "How long to wait for the reply."),
            key("as", Kind::Text, "The name it is measured under."),
            key("group", Kind::Text, "A group that it is measured in too."),
            key("session", Kind::Any, "The session to send instead of the next one."),
            QUIET,
            HEADER,
        ],
    },
    OptionSet { id: OptionsId::Send, name: "throng.SendOptions", keys: &[HEADER] },
    OptionSet {
        id: OptionsId::How,
        name: "throng.How",
        keys: &[key("delay", Kind::Duration, "So much later."), HEADER],
    },
    OptionSet {
        id: OptionsId::Watch,
        name: "throng.WatchOptions",
        keys: &[key("where", PUSH_FILTER, "Only messages for which this returns true.")],
    },
    OptionSet {
        id: OptionsId::Expect,
        name: "throng.ExpectOptions",
        keys: &[
            key("timeout", Kind::Duration, "How long to wait."),
            key("where", PUSH_FILTER, "Only a message for which this returns true."),
            QUIET,
        ],
    },
    OptionSet {
        id: OptionsId::Http,
        name: "throng.HttpOptions",
        keys: &[
            key("headers", Kind::Table, "Headers by name; a list of values sends one several times."),
            key("query", Kind::Table, "What is added to the address, by name."),
            key("body", Kind::Any, "The body: a string of bytes, or a table as JSON."),
            key("json", Kind::Any, "A value that is sent as JSON."),
            key("form", Kind::Table, "Fields that are sent as a form."),
            TIMEOUT,
            key("name", Kind::Text, "What it is measured as; method and path if not said."),
            key("group", Kind::Text, "A group that it is measured in too."),
            key("redirects", Kind::Integer, "How many redirects are followed; 5 if not said."),
            key("cookies", Kind::Boolean, "False neither sends nor keeps the robot's cookies."),
            key("expect", Kind::Any, "A list of statuses from 400 on that are no failure."),
            QUIET,
        ],
    },
    OptionSet {
        id: OptionsId::Every,
        name: "throng.EveryOptions",
        keys: &[key("exact", Kind::Boolean, "Woken to the microsecond instead of the millisecond.")],
    },
    OptionSet {
        id: OptionsId::Cipher,
        name: "throng.CipherOptions",
        keys: &[
            key("send", Kind::Any, "The stream or function for what is sent; `false` ends it."),
            key("receive", Kind::Any, "The stream or function for what is received; `false` ends it."),
            key("covers", Kind::Text, "`body` or `all`: what of a frame is encrypted."),
        ],
    },
    OptionSet {
        id: OptionsId::Read,
        name: "throng.ReadOptions",
        keys: &[
            key("timeout", Kind::Duration, "How long to wait."),
            key("max", Kind::Any, "The most bytes to take."),
        ],
    },
    OptionSet {
        id: OptionsId::Wait,
        name: "throng.Wait",
        keys: &[
            key("constant", Kind::Duration, "Always this long."),
            key("between", Kind::Any, "A random time between two."),
            key("exponential", Kind::Duration, "Random around this mean, as independent arrivals are."),
            key("pacing", Kind::Duration, "From one start to the next, whatever the task took."),
            key("throughput", Kind::Number, "So many tasks a second."),
            key("late", Kind::Text, "With a pace: `catch_up`, or `skip` what a slow task left no time for."),
        ],
    },
    OptionSet {
        id: OptionsId::Server,
        name: "throng.ServerOptions",
        keys: &[key(
            "protocol",
            Kind::Text,
            "The protocol's name in throng.toml, or `stream`; that of the address if not said.",
        )],
    },
];
