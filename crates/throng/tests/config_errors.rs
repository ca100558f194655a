//! Wrong settings: what a user reads for each mistake.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use throng::config::{Config, FlagValue, Overrides, SourceText};
use throng::templates::TEMPLATES;

/// A project's folder with mods and two schemas, one of them broken.
fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["mods", "protos/game", "protos/broken", "protos/empty"] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
    }
    let game = "\
.Msg { Name 0 : string Bin 1 : binary }
.Ping {}
.EchoRequest { Text 0 : string }
.EchoResponse { Text 0 : string }
.package { type 0 : integer session 1 : integer }
";
    fs::write(dir.path().join("protos/game/game.sproto"), game).unwrap();
    fs::write(dir.path().join("protos/broken/bad.sproto"), "# a comment\n.Msg { Name zero : string }\n")
        .unwrap();
    fs::create_dir_all(dir.path().join("protocols")).unwrap();
    let whole = "framing = print, frame = print, head = print, encode = print, decode = print";
    for (name, text) in [
        ("whole", format!("return {{ {whole} }}\n")),
        ("framing", "return { framing = print, frame = print }\n".to_owned()),
        ("unframed", "return { framing = print }\n".to_owned()),
        ("frame", "return { frame = print }\n".to_owned()),
        ("decode", "return { decode = print }\n".to_owned()),
        ("misspelt", "local p = {}\nfunction p.framming() end\nreturn p\n".to_owned()),
        ("syntax", "local p = {\nreturn p\n".to_owned()),
        ("nothing", String::new()),
    ] {
        fs::write(dir.path().join(format!("protocols/{name}.lua")), text).unwrap();
    }
    dir
}

fn errors_of(root: &Path, toml: &str, overrides: &Overrides) -> String {
    let source = SourceText { name: "throng.toml".to_owned(), text: toml.to_owned() };
    let errors = Config::parse(root, source, overrides).expect_err(toml).to_string();
    errors.replace(&format!("{}/", root.display()), "")
}

/// All cases of a group in one snapshot, each with the errors it causes.
#[track_caller]
fn check(group: &str, cases: &[(&str, &str)]) {
    let dir = project();
    let shown: Vec<String> = cases
        .iter()
        .map(|(title, toml)| format!("## {title}\n\n{}", errors_of(dir.path(), toml, &Overrides::default())))
        .collect();
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!(group, shown.join("\n"));
    });
}

#[test]
fn mistakes_about_limits() {
    let sproto = "codec = \"sproto\"\nschema = \"protos/game\"\npackage = \"package\"\n";
    let json = "codec = \"json\"\nreply = \"fifo\"\n";
    let raw = "codec = \"raw\"\nreply = \"fifo\"\n";
    let with = |codec: &str, more: &str| format!("[protocols.game]\n{codec}{more}\n");
    check(
        "limits",
        &[
            ("deeper than Sproto goes", &with(sproto, "max_depth = 65")),
            ("deeper than documents go", &with(json, "max_depth = 128")),
            ("no depth at all", &with(json, "max_depth = 0")),
            ("the depth of bytes", &with(raw, "max_depth = 5")),
            ("nothing is unpacked", &with(json, "max_unpacked = \"1MB\"")),
            ("a handshake that no server can keep to", &with(raw, "max_handshake = 255")),
            ("a handshake without end", &with(raw, "max_handshake = \"2MB\"")),
            ("neither skipped nor closed", &with(json, "on_malformed = \"closed\"")),
            ("a key that is almost right", &with(json, "on_malforned = \"close\"")),
        ],
    );
}

#[test]
fn mistakes_in_the_text_itself() {
    check(
        "syntax",
        &[
            ("a value is missing", "[load]\nrobots =\n"),
            ("a text is not closed", "[target]\nhost = \"ws://127.0.0.1\n"),
            ("a key stands twice", "[load]\nrobots = 1\nrobots = 2\n"),
            ("a section stands twice", "[load]\n[robot]\n[load]\n"),
        ],
    );
}

#[test]
fn names_that_do_not_exist() {
    check(
        "unknown",
        &[
            ("a section", "[laod]\nrobots = 5\n"),
            ("a section that comes to nothing near", "[warehouse]\n"),
            ("a key", "[load]\nrobot = 500\n"),
            ("a key of another unit", "[load]\nduration = \"10m\"\n"),
            ("a setting that is not there", "[load]\nusers = 100\n"),
            ("a key at the top", "robots = 5\n"),
            ("a key in an inline table", "[load]\nstages = [{ robots = 5, over = \"1m\", rate = 5 }]\n"),
            ("a section that is a value", "load = 5\n"),
        ],
    );
}

#[test]
fn mistakes_in_target_and_load() {
    check(
        "load",
        &[
            ("a text for a number", "[load]\nrobots = \"many\"\n"),
            ("no robots", "[load]\nrobots = 0\n"),
            ("half a robot", "[load]\nrobots = 1.5\n"),
            ("a share above the whole", "[generator]\ncpu = \"120%\"\nshare = \"much\"\nlag = 1\n"),
            ("a rate of nothing", "[load]\nspawn_rate = 0\n"),
            ("a negative rate", "[load]\nspawn_rate = -5\n"),
            ("a duration with a wrong unit", "[load]\nrun_time = \"10min\"\n"),
            ("a duration of the wrong type", "[load]\nrun_time = true\n"),
            ("a run of no time", "[load]\nrun_time = 0\n"),
            ("an hour before a day", "[load]\nrun_time = \"1h1d\"\n"),
            ("stages beside robots", "[load]\nrobots = 5\nstages = [{ robots = 5, over = \"1m\" }]\n"),
            ("stages without a robot", "[load]\nstages = [{ robots = 0, over = \"1m\" }]\n"),
            ("a stage without its length", "[load]\nstages = [{ robots = 5 }]\n"),
            (
                "a stage's name of two words",
                "[load]\nstages = [{ robots = 5, over = 1, name = \"prime time\" }]\n",
            ),
            (
                "a stage's name that is taken",
                "[load]\nstages = [{ robots = 5, over = 1, name = \"storm\" }]\n",
            ),
            ("no stages", "[load]\nstages = []\n"),
            ("a stage with two lengths", "[load]\nstages = [{ robots = 5, over = 1, spawn_rate = 5 }]\n"),
            ("arrivals beside stages", "[load]\narrivals = 5\nstages = [{ robots = 5, over = 1 }]\n"),
            ("arrivals without a rate", "[load]\narrivals = 0\n"),
            ("stages of arrivals that never come", "[load]\narrivals = [{ rate = 0, over = 5 }]\n"),
            ("robots for a rate", "[load]\narrivals = [{ robots = 5, over = 5 }]\n"),
            ("a spawn rate beside arrivals", "[load]\narrivals = 5\nspawn_rate = 5\n"),
            ("a spacing that is not there", "[load]\narrivals = 5\nspacing = \"poison\"\n"),
            ("a session of robots that stay", "[load]\nrobots = 5\nsession = 5\n"),
            ("a session of no time", "[load]\nonline = 5\nsession = 0\n"),
            ("a session of two kinds", "[load]\nonline = 5\nsession = { constant = 1, exponential = 2 }\n"),
            ("a session from long to short", "[load]\nonline = 5\nsession = { between = [5, 1] }\n"),
            ("a most of robots that are counted", "[load]\nonline = 5\nmax_robots = 9\n"),
            ("a storm without a time", "[[load.storms]]\ndrop = 0.5\n"),
            ("a storm of nobody", "[[load.storms]]\nat = 5\ndrop = 0\n"),
            ("a storm of more than all", "[[load.storms]]\nat = 5\ndrop = \"130%\"\n"),
            ("a storm as no storm comes", "[[load.storms]]\nat = 5\ndrop = 1\nhow = \"cabel\"\n"),
            ("a shape that is not there", "[load]\nshape = \"shapes/evning.lua\"\n"),
            ("a shape beside robots", "[load]\nshape = \"protocols/nothing.lua\"\nrobots = 5\n"),
            ("a share beside robots of its own", "[scenarios.whale]\nshare = 0.2\nrobots = 20\n"),
            ("a share of nothing", "[scenarios.whale]\nshare = 0\n"),
            ("a session of a share of robots that stay", "[scenarios.whale]\nsession = 5\n"),
            ("robots of the run that nobody plays", "[load]\nrobots = 5\n[scenarios.whale]\nrobots = 20\n"),
            ("a scenario of two words", "[scenarios.\"big whale\"]\nrobots = 20\n"),
            ("a key that scenarios do not have", "[scenarios.whale]\nshape = \"a.lua\"\n"),
            ("a task rate of a scenario that is none", "[scenarios.whale]\ntask_rate = 0\n"),
            ("a rate that no clock tells apart", "[load]\narrivals = 1e12\n"),
            ("a spacing alone", "[load]\nspacing = \"even\"\n"),
            ("a name for a local address", "[load]\nlocal_addresses = [\"10.0.0.5\", \"eth0\"]\n"),
            ("a negative seed", "[load]\nseed = -1\n"),
            ("an address without scheme", "[target]\nhost = \"127.0.0.1:8765\"\n"),
            ("a scheme that is not there yet", "[target]\nhost = \"quic://127.0.0.1:8765\"\n"),
            ("an allowed target as an address", "[target]\nallow = [\"ws://game.example.com\"]\n"),
        ],
    );
}

#[test]
fn mistakes_in_what_a_network_sees() {
    check(
        "network",
        &[
            ("a range of nothing", "[target]\nproxy_protocol = { from = \"10.0.0.0/33\" }\n"),
            ("a client by name", "[target]\nproxy_protocol = { from = \"game.test\" }\n"),
            ("a proxy without clients", "[target]\nproxy_protocol = { hosts = \"tcp://*\" }\n"),
            ("a proxy that is no table", "[target]\nproxy_protocol = true\n"),
            (
                "hosts of a proxy without scheme",
                "[target]\nproxy_protocol = { from = \"10.0.0.0/8\", hosts = \"game.test\" }\n",
            ),
            ("a word for a yes or no", "[tcp]\nnodelay = \"yes\"\n"),
            ("a time for probes", "[tcp]\nkeepalive = \"30s\"\n"),
            ("parts of a second before a probe", "[tcp]\nkeepalive = { idle = \"1500ms\" }\n"),
            ("too long a time between probes", "[tcp]\nkeepalive = { interval = \"10h\" }\n"),
            ("too many probes", "[tcp]\nkeepalive = { count = 200 }\n"),
            ("a key that probes do not have", "[tcp]\nkeepalive = { idel = 5 }\n"),
            ("too small a buffer", "[tcp]\nsend_buffer = 100\n"),
            ("a buffer with a wrong unit", "[tcp]\nreceive_buffer = \"1 box\"\n"),
            ("too long a farewell", "[tcp]\nlinger = \"2h\"\n"),
            ("a key that sockets do not have", "[tcp]\nno_delay = true\n"),
        ],
    );
}

#[test]
fn mistakes_in_robot() {
    check(
        "robot",
        &[
            ("a folder that does not exist", "[robot]\nmods = \"mod\"\n"),
            ("a file for a folder", "[robot]\nlib = \"protos/game/game.sproto\"\n"),
            ("a choice that does not exist", "[robot]\non_error = \"restrat\"\n"),
            ("a wait that goes backwards", "[robot]\nwait = { between = [5, 1] }\n"),
            ("a wait between one", "[robot]\nwait = { between = [5] }\n"),
            ("two kinds of wait", "[robot]\nwait = { constant = 1, pacing = 2 }\n"),
            ("an unknown kind of wait", "[robot]\nwait = { betwen = [1, 5] }\n"),
            ("late without a pace", "[robot]\nwait = { constant = 1, late = \"skip\" }\n"),
            ("a late that is none", "[robot]\nwait = { pacing = 1, late = \"catchup\" }\n"),
            ("a throughput of nothing", "[robot]\nwait = { throughput = 0 }\n"),
            ("too little memory", "[robot]\nscript_memory = \"64KB\"\n"),
            ("a size with a wrong unit", "[robot]\nscript_memory = \"64 apples\"\n"),
            ("a text for a yes or no", "[robot]\nmanual_ready = \"yes\"\n"),
        ],
    );
}

#[test]
fn mistakes_in_protocols() {
    const ENVELOPE: &str = "envelope = { type = \"Msg\", name = \"Name\", body = \"Bin\" }";
    let sproto =
        |rest: &str| format!("[protocols.game]\ncodec = \"sproto\"\nschema = \"protos/game\"\n{rest}\n");
    let raw = |rest: &str| format!("[protocols.line]\ncodec = \"raw\"\nreply = \"fifo\"\n{rest}\n");
    check(
        "protocols",
        &[
            ("no codec", "[protocols.game]\nreply = \"fifo\"\n"),
            ("an unknown codec", "[protocols.game]\ncodec = \"sprotto\"\n"),
            (
                "a codec of messages without numbers or an envelope",
                "[protocols.game]\ncodec = \"protobuf\"\n",
            ),
            ("a missing schema", "[protocols.game]\ncodec = \"sproto\"\nreply = \"fifo\"\n"),
            (
                "a schema that does not exist",
                &format!(
                    "[protocols.game]\ncodec = \"sproto\"\nschema = \"protos/gaem\"\n{ENVELOPE}\nreply = \"fifo\"\n"
                ),
            ),
            (
                "a schema with a mistake",
                &format!(
                    "[protocols.game]\ncodec = \"sproto\"\nschema = \"protos/broken\"\n{ENVELOPE}\nreply = \"fifo\"\n"
                ),
            ),
            (
                "a folder without schemas",
                &format!(
                    "[protocols.game]\ncodec = \"sproto\"\nschema = \"protos/empty\"\n{ENVELOPE}\nreply = \"fifo\"\n"
                ),
            ),
            ("neither envelope nor package", &sproto("reply = \"none\"")),
            (
                "an envelope without a body",
                &sproto("envelope = { type = \"Msg\", name = \"Name\" }\nreply = \"fifo\""),
            ),
            ("no reply rule", &sproto(ENVELOPE)),
            ("a session in an envelope", &sproto(&format!("{ENVELOPE}\nreply = \"session\""))),
            ("an unknown reply rule", &sproto(&format!("{ENVELOPE}\nreply = \"lifo\""))),
            ("two stars in a pattern", &sproto(&format!("{ENVELOPE}\nreply = {{ \"*a*\" = \"*b\" }}"))),
            (
                "a heartbeat without a pulse",
                &sproto(&format!("{ENVELOPE}\nreply = \"fifo\"\nheartbeat = {{ send = \"Ping\" }}")),
            ),
            ("a schema for raw bytes", &raw("schema = \"protos/game\"")),
            (
                "names for raw bytes",
                "[protocols.line]\ncodec = \"raw\"\nreply = { \"*Request\" = \"*Response\" }\n",
            ),
            ("an unknown length", &raw("framing = { length = \"u16\" }")),
            ("two kinds of framing", &raw("framing = { length = \"u8\", fixed = 5 }")),
            ("a framing that cannot work", &raw("framing = { length = \"varint\", offset = 2 }")),
            ("a maximum of the wrong kind", &raw("framing = { length = \"u16be\", max = \"64KBit\" }")),
            ("an unknown framing key", &raw("framing = { lenght = \"u16be\" }")),
            ("a stream without framing", &raw("hosts = \"tcp://*\"")),
            ("messages on a stream", &raw("hosts = \"tcp://*\"\nframing = \"message\"")),
            ("hosts without a scheme", &raw("hosts = \"127.0.0.1:*\"")),
            ("a reserved name", "[protocols.stream]\ncodec = \"raw\"\nreply = \"fifo\"\n"),
            (
                "two protocols for the same hosts",
                "[protocols.a]\nhosts = \"ws://*\"\ncodec = \"raw\"\nreply = \"fifo\"\n\
                 [protocols.b]\nhosts = [\"ws://*\"]\ncodec = \"raw\"\nreply = \"none\"\n",
            ),
            (
                "an envelope type that is not in the schema",
                &sproto("envelope = { type = \"Mgs\", name = \"Name\", body = \"Bin\" }\nreply = \"fifo\""),
            ),
            (
                "an envelope field that is not in the type",
                &sproto("envelope = { type = \"Msg\", name = \"Nam\", body = \"Bin\" }\nreply = \"fifo\""),
            ),
            (
                "a reply that is not in the schema",
                &sproto(&format!("{ENVELOPE}\nreply = {{ \"EchoRequest\" = \"EchoRespnse\" }}")),
            ),
            (
                "a heartbeat that is not in the schema",
                &sproto(&format!(
                    "{ENVELOPE}\nreply = \"fifo\"\nheartbeat = {{ send = \"Pong\", every = 5 }}"
                )),
            ),
            ("a heartbeat of raw bytes that are none", &raw("heartbeat = { send = '\\xZZ', every = 5 }")),
            ("a package that is not in the schema", &sproto("package = \"pakcage\"")),
            ("a close that is no choice", &raw("on_close = \"retry\"")),
        ],
    );
}

#[test]
fn mistakes_in_protocols_in_lua() {
    let with = |file: &str, more: &str| {
        format!("[protocols.p]\nhosts = \"tcp://*\"\nlua = \"protocols/{file}.lua\"\n{more}\n")
    };
    let cases = [
        ("there is no file", with("none", "reply = \"fifo\"")),
        ("it cannot be read as Lua", with("syntax", "reply = \"fifo\"")),
        ("it returns nothing", with("nothing", "reply = \"fifo\"")),
        ("a function is misspelt", with("misspelt", "reply = \"fifo\"")),
        ("a codec beside its own", with("whole", "codec = \"json\"\nreply = \"fifo\"")),
        ("a framing beside its own", with("whole", "framing = { length = \"u16be\" }\nreply = \"fifo\"")),
        ("no reply rule", with("whole", "")),
        ("no codec beside a framing", with("framing", "reply = \"fifo\"")),
        ("nothing makes frames", with("unframed", "codec = \"raw\"\nreply = \"fifo\"")),
        (
            "frames that nothing cuts",
            with("frame", "codec = \"raw\"\nframing = { fixed = 4 }\nreply = \"fifo\""),
        ),
        ("sessions without a head", with("decode", "framing = { fixed = 4 }\nreply = \"session\"")),
        ("names without a head", with("decode", "framing = { fixed = 4 }\nreply = { \"A\" = \"B\" }")),
        ("no framing on a stream", with("decode", "reply = \"fifo\"")),
        (
            "another beginning",
            with("whole", "reply = \"fifo\"\nfirst = { codec = \"raw\", reply = \"fifo\" }"),
        ),
        ("a field beside a head", with("whole", "reply = { trailer = \"s\" }\ntrailer = [\"s:u8\"]")),
        ("no path", "[protocols.p]\nlua = 5\ncodec = \"raw\"\nreply = \"fifo\"\n".to_owned()),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(title, toml)| (*title, toml.as_str())).collect();
    check("own", &cases);
}

#[test]
fn mistakes_in_headers_and_documents() {
    let shop = |rest: &str| {
        format!(
            "[protocols.shop]\nhosts = \"tcp://*\"\ncodec = \"raw\"\nreply = {{ header = \"seq\" }}\n{rest}\n"
        )
    };
    let header = |rest: &str| {
        shop(&format!("framing = {{ header = [\"len:u16be\", \"id:u16be\", \"seq:u32be\"] }}\n{rest}"))
    };
    check(
        "headers",
        &[
            ("a field without a type", &shop("framing = { header = [\"len\", \"seq:u8\"] }")),
            ("a type that does not exist", &shop("framing = { header = [\"len:u12be\", \"seq:u8\"] }")),
            ("a header without a length", &shop("framing = { header = [\"seq:u8\"] }")),
            ("a reply field that does not exist", &shop("framing = { header = [\"len:u8\", \"sec:u8\"] }")),
            ("two fields of one name", &header("trailer = [\"seq:u8\"]")),
            (
                "numbers without a field",
                &shop("framing = { header = [\"len:u8\", \"seq:u8\"] }\nids = { A = 1 }"),
            ),
            ("a number twice", &header("ids = { A = 1, B = 1 }")),
            ("a number that does not fit", &header("ids = { A = 1, B = 70000 }")),
            ("a flag that does not fit", &header("compress = { zlib = { flag = \"id:0x10000\" } }")),
            ("an unknown compression", &header("compress = { gzip = {} }")),
            ("an error without a field", &header("error = { field = \"code\" }")),
            (
                "a comparison that is none",
                "[protocols.gate]\nhosts = \"tcp://*\"\nframing = { length = \"u8\" }\ncodec = \"raw\"\n\
                 trailer = [\"ok:u8\", \"seq:u8\"]\nreply = { trailer = \"seq\", failed = \"ok is 0\" }\n",
            ),
            (
                "one key for two things",
                "[protocols.a]\ncodec = \"json\"\njson = { name = \"a\", body = \"a\" }\nreply = \"fifo\"\n",
            ),
            (
                "fifo beside a session",
                "[protocols.a]\ncodec = \"json\"\njson = { session = \"a\" }\nreply = \"fifo\"\n",
            ),
            ("keys of another codec", &header("json = { name = \"a\" }")),
            ("a handshake that cannot be", &header("first = { codec = \"raw\", reply = \"session\" }")),
        ],
    );
}

#[test]
fn mistakes_in_tasks_options_thresholds_and_redaction() {
    check(
        "rest",
        &[
            ("a task without its mod", "[tasks]\nchat = 3\n"),
            ("a rate of nothing", "[tasks]\n\"role.chat\" = { rate = 0 }\n[load]\ntask_rate = -1\n"),
            ("an unknown key of a task", "[tasks]\nrole.chat = { rates = 5 }\n"),
            ("a negative weight", "[tasks]\n\"role.chat\" = -1\n"),
            ("a weight that is a text", "[tasks]\nrole.chat = \"often\"\n"),
            ("an option without a default", "[options]\nmy_level = { help = \"level\" }\n"),
            ("an option with an unknown key", "[options]\nmy_level = { default = 1, helf = \"level\" }\n"),
            ("an option that is a list", "[options]\nmy_level = [1, 2]\n"),
            ("an option that is a flag of throng", "[options]\nspawn_rate = 5\n"),
            ("an option that is no name in Lua", "[options]\nMy-Level = 5\n"),
            ("a threshold that is a number", "[thresholds]\n\"request.Echo.p99\" = 50\n"),
            ("a threshold on nothing", "[thresholds]\n\"reqest.Echo.p99\" = \"< 50ms\"\n"),
            ("a threshold on a phase that there is not", "[thresholds]\n\"errors.rate@hodl\" = \"< 1%\"\n"),
            (
                "a threshold on a stage that is named otherwise",
                "[load]\nstages = [{ robots = 5, over = 1, name = \"evening\" }]\n\
                 [thresholds]\n\"errors.rate@evenig\" = \"< 1%\"\n\"errors.rate@evening\" = \"< 1%\"\n",
            ),
            (
                "a threshold that ends a run without a condition",
                "[thresholds]\n\"errors.rate\" = { abort_after = \"30s\" }\n",
            ),
            (
                "a threshold that ends a run after something else than a time",
                "[thresholds]\n\"errors.rate\" = { must = \"< 5%\", abort_after = \"soon\" }\n",
            ),
            (
                "a threshold with an unknown key",
                "[thresholds]\n\"errors.rate\" = { must = \"< 5%\", abort_aftr = \"30s\" }\n",
            ),
            (
                "a condition in a table that cannot be read",
                "[thresholds]\n\"errors.rate\" = { must = \"5%\", abort_after = \"30s\" }\n",
            ),
            ("a threshold without a comparison", "[thresholds]\n\"request.Echo.p99\" = \"50ms\"\n"),
            ("a tolerance above all", "[baseline]\ntolerance = \"150%\"\n"),
            ("a field pattern that is a number", "[redact]\nfields = [\"card\", 7]\n"),
            ("an address to be scraped at without a port", "[export]\nprometheus = \"127.0.0.1\"\n"),
            ("an address to be scraped at that is a name", "[export]\nprometheus = \"example.com:9464\"\n"),
            ("a collector without a scheme", "[export]\notlp = \"localhost:4318\"\n"),
            ("a collector without an address", "[export.otlp]\nevery = \"10s\"\n"),
            (
                "a collector by gRPC",
                "[export]\notlp = { endpoint = \"http://x:4317\", protocol = \"grpc\" }\n",
            ),
            (
                "a header that can be none",
                "[export.otlp]\nendpoint = \"http://x\"\nheaders = { \"a b\" = \"c\" }\n",
            ),
            ("pushes without an end", "[export.otlp]\nendpoint = \"http://x\"\nevery = 0\nevry = 1\n"),
        ],
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    check(
        "many",
        &[(
            "five mistakes",
            "[load]\nrobots = \"five\"\nspawn_rte = 5\nrun_time = \"1x\"\n\n[robot]\nwait = -1\n\n[targt]\nhost = \"\"\n",
        )],
    );
}

#[test]
fn mistakes_in_flags_and_variables_name_them() {
    let flag = |path: &str, flag: &str, text: &str| FlagValue {
        path: path.to_owned(),
        flag: flag.to_owned(),
        text: text.to_owned(),
    };
    let variables = [
        ("THRONG_LOAD_RUN_TIME", "soon"),
        ("THRONG_LOAD_ROBOT", "5"),
        ("THRONG_ROBOT_WAIT", "{ between = [5, 1] }"),
        ("THRONG_LAOD_SEED", "5"),
        ("THRONG_RELEASE_NOTES", "not ours"),
    ];
    let overrides = Overrides {
        flags: vec![flag("load.robots", "--robots", "many"), flag("options.my_level", "--my-level", "high")],
        variables: BTreeMap::from(variables.map(|(name, value)| (name.to_owned(), value.to_owned()))),
    };
    let dir = project();
    let errors = errors_of(dir.path(), "[load]\nrobots = 5\n[options]\nmy_level = 1\n", &overrides);
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("layers", errors);
    });
}

#[test]
fn folders_that_are_no_project_are_told_what_they_lack() {
    let dir = tempfile::tempdir().unwrap();
    let load = |name: &str| {
        let error = Config::load(&dir.path().join(name), &Overrides::default()).unwrap_err();
        error.to_string().replace(&dir.path().display().to_string(), "FOLDER")
    };
    fs::create_dir_all(dir.path().join("with_mods/mods")).unwrap();
    fs::create_dir_all(dir.path().join("empty")).unwrap();
    fs::create_dir_all(dir.path().join("without_mods")).unwrap();
    fs::write(dir.path().join("without_mods/throng.toml"), "").unwrap();
    let shown = ["nowhere", "empty", "with_mods", "without_mods"].map(load).join("\n");
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("folders", shown);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A settings file with a piece replaced is read, or refused with a text that can be shown.
    #[test]
    fn no_settings_make_it_panic(template in 0usize..3, at in 0usize..3000, cut in 0usize..40, put in "[\\PC\n\t]{0,12}") {
        let files = TEMPLATES[template].files;
        let (_, toml) = files.iter().find(|(name, _)| *name == "throng.toml").unwrap();
        let chars: Vec<char> = toml.chars().collect();
        let start = at.min(chars.len());
        let end = (start + cut).min(chars.len());
        let text: String = chars[..start].iter().copied().chain(put.chars()).chain(chars[end..].iter().copied()).collect();
        let source = SourceText { name: "throng.toml".to_owned(), text };
        if let Err(errors) = Config::parse(Path::new("nowhere"), source, &Overrides::default()) {
            prop_assert!(errors.to_string().starts_with("error: "));
        }
    }
}
