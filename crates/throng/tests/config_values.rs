//! Right settings: what they become, and which layer holds.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use throng::config::{
    Config, FlagValue, Online, OptionValue, Overrides, Part, Place, Plan, Rates, SourceText, option_flags,
};
use throng_engine::{
    Keepalive, Late, Loss, OnError, ProxyProtocol, RateStage, RobotId, Spacing, Stage, Stay, Storm,
    TcpOptions, Wait,
};
use throng_export::{Encoding, Histograms};
use throng_wire::{CodecSpec, Conv, Framing, KcpSpec, OnClose, OnMalformed, ReplySpec, SprotoShape};

#[track_caller]
fn load(toml: &str, overrides: &Overrides) -> Config {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["mods", "protos"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let schema = ".Msg { Name 0 : string Bin 1 : binary }\n.EchoRequest {}\n.EchoResponse {}\n.LoginReuest {}\n\
                  .LoginRespone {}\n.package { type 0 : integer session 1 : integer }\n\
                  .Ping {}\nget 1 { response Ping }\n";
    fs::write(dir.path().join("protos/a.sproto"), schema).unwrap();
    let source = SourceText { name: "throng.toml".to_owned(), text: toml.to_owned() };
    match Config::parse(dir.path(), source, overrides) {
        Ok(config) => config,
        Err(errors) => panic!("{errors}"),
    }
}

fn file(toml: &str) -> Config {
    load(toml, &Overrides::default())
}

fn layers(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Overrides {
    let flag = |(path, text): &(&str, &str)| FlagValue {
        path: (*path).to_owned(),
        flag: format!("--{path}"),
        text: (*text).to_owned(),
    };
    Overrides {
        flags: flags.iter().map(flag).collect(),
        variables: BTreeMap::from_iter(
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())),
        ),
    }
}

fn robots(config: &Config) -> u64 {
    config.load.schedule().peak()
}

#[test]
fn an_empty_file_has_sensible_defaults() {
    let config = file("");
    assert_eq!(config.load.plan, Plan::Constant { robots: 1, spawn_rate: 100.0 });
    assert_eq!(config.load.run_time, None);
    assert_eq!(config.load.seed, None);
    assert_eq!(config.robot.wait, Wait::Constant(Duration::from_secs(1)));
    assert_eq!(config.robot.on_error, OnError::Continue);
    assert_eq!(config.robot.ready_timeout, Duration::from_secs(30));
    assert!(config.robot.mods.ends_with("mods") && config.robot.lib.ends_with("lib"));
    assert!(config.protocols.is_empty() && config.options.is_empty() && config.target.host.is_none());
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    const FILE: &str = "[load]\nrobots = 2\n";
    const VARIABLE: [(&str, &str); 1] = [("THRONG_LOAD_ROBOTS", "3")];
    const FLAG: [(&str, &str); 1] = [("load.robots", "4")];
    assert_eq!(robots(&file("")), 1);
    assert_eq!(robots(&file(FILE)), 2);
    assert_eq!(robots(&load(FILE, &layers(&[], &VARIABLE))), 3);
    assert_eq!(robots(&load("", &layers(&[], &VARIABLE))), 3);
    assert_eq!(robots(&load(FILE, &layers(&FLAG, &VARIABLE))), 4);
    assert_eq!(robots(&load(FILE, &layers(&FLAG, &[]))), 4);
}

#[test]
fn a_wrong_value_that_is_beaten_does_no_harm() {
    assert_eq!(robots(&load("[load]\nrobots = \"many\"\n", &layers(&[("load.robots", "4")], &[]))), 4);
}

#[test]
fn robots_from_a_stronger_layer_replace_the_files_stages() {
    const STAGES: &str = "[load]\nstages = [{ robots = 9, over = \"1m\" }]\n";
    assert_eq!(file(STAGES).load.plan, Plan::Stages(vec![Stage::new(9, Duration::from_secs(60))]));
    let flags = layers(&[("load.robots", "4"), ("load.spawn_rate", "0.5")], &[]);
    assert_eq!(load(STAGES, &flags).load.plan, Plan::Constant { robots: 4, spawn_rate: 0.5 });
    let stages = layers(
        &[],
        &[("THRONG_LOAD_STAGES", "[{ robots = 7, over = 1 }, { robots = 0, over = \"500ms\" }]")],
    );
    let load = load("[load]\nrobots = 3\n", &stages).load;
    assert_eq!((load.schedule().peak(), load.schedule().robots_at(Duration::from_secs(1))), (7, 7));
}

#[test]
fn stages_have_names() {
    let load = file("[load]\nstages = [{ robots = 9, over = 60, name = \"evening\" }]\n").load;
    assert_eq!(load.schedule().phase(Duration::from_secs(5)), "evening");
}

#[test]
fn a_stage_takes_a_time_or_as_long_as_its_robots_do_at_a_rate() {
    let stages = "[load]\nstages = [{ robots = 90, over = 10 }, { robots = 890, spawn_rate = 400, name = \"rush\" }]\n";
    let schedule = file(stages).load.schedule();
    assert_eq!(schedule.run_time(), Some(Duration::from_secs(12)));
    assert_eq!(schedule.robots_at(Duration::from_secs(11)), 490);
}

#[test]
fn robots_arrive_at_a_rate_and_stay_as_long_as_they_do() {
    let plan = file("[load]\narrivals = 2.5\n").load.plan;
    let arrivals =
        |rates, spacing, max_robots, session| Plan::Arrivals { rates, spacing, max_robots, session };
    assert_eq!(plan, arrivals(Rates::Held(2.5), Spacing::Poisson, 100_000, None));
    let config = file(
        "[load]\narrivals = [{ rate = 5, over = \"1m\", name = \"noon\" }, { rate = 0, over = 9 }]\n\
         spacing = \"even\"\nmax_robots = 70\nsession = { between = [1, \"1m\"] }\n",
    );
    let stage = |rate, over, name: Option<&str>| RateStage {
        rate,
        over: Duration::from_secs(over),
        name: name.map(Into::into),
    };
    let stages = Rates::Stages(vec![stage(5.0, 60, Some("noon")), stage(0.0, 9, None)]);
    let session = Stay::Between(Duration::from_secs(1), Duration::from_secs(60));
    assert_eq!(config.load.plan, arrivals(stages, Spacing::Even, 70, Some(session)));
    assert_eq!(config.load.schedule().run_time(), Some(Duration::from_secs(69)));
}

#[test]
fn a_number_of_robots_is_held_online() {
    let plan = file("[load]\nonline = 1000\nspawn_rate = 50\nsession = { exponential = \"5m\" }\n").load.plan;
    let session = Some(Stay::Exponential(Duration::from_secs(300)));
    assert_eq!(plan, Plan::Online { robots: Online::Held(1_000), spawn_rate: 50.0, session });
    let plan = file("[load]\nonline = [{ robots = 7, over = 1 }]\nsession = 5\n").load.plan;
    let robots = Online::Stages(vec![Stage::new(7, Duration::from_secs(1))]);
    let session = Some(Stay::Constant(Duration::from_secs(5)));
    assert_eq!(plan, Plan::Online { robots, spawn_rate: 100.0, session });
}

#[test]
fn storms_come_in_the_order_of_their_time() {
    let storms = file(
        "[load]\n[[load.storms]]\nat = \"5m\"\ndrop = \"30%\"\n\
         [[load.storms]]\nat = 20\ndrop = 1\nhow = \"close\"\n",
    );
    let storm = |id, at, drop, loss| Storm { id, at: Duration::from_secs(at), drop, loss };
    let wanted = [storm(1, 20, 1.0, Loss::Close), storm(2, 300, 0.3, Loss::Cable)];
    assert_eq!(storms.load.schedule().storms(), wanted);
    let variable = layers(&[], &[("THRONG_LOAD_STORMS", "[{ at = 1, drop = 0.5 }]")]);
    assert_eq!(load("", &variable).load.storms, [storm(1, 1, 0.5, Loss::Cable)]);
}

#[test]
fn scenarios_share_the_runs_robots_or_have_their_own() {
    const FILE: &str = "[load]\nonline = 100\nsession = 60\n\
        [scenarios.casual]\nshare = 3\nwait = 2\ntags = [\"chat\"]\n\
        [scenarios.whale]\nsession = 600\nmods = [\"role\", \"shop\"]\ntasks = { \"shop.buy\" = 5, \"shop.look\" = { rate = 2 } }\n\
        task_rate = 9\n\
        [scenarios.bot]\nrobots = 7\nspawn_rate = 2\n";
    let config = file(FILE);
    let [casual, whale, bot] = &config.scenarios[..] else { panic!("{:?}", config.scenarios) };
    assert_eq!(casual.part, Part::Share { share: 3.0, session: None });
    assert_eq!(
        (casual.wait, casual.tags.as_deref()),
        (Some(Wait::Constant(Duration::from_secs(2))), Some(&["chat".to_owned()][..]))
    );
    assert_eq!(
        whale.part,
        Part::Share { share: 1.0, session: Some(Stay::Constant(Duration::from_secs(600))) }
    );
    assert_eq!(
        (whale.mods.as_ref().map(Vec::len), &*whale.tasks[0].name, whale.tasks[0].weight),
        (Some(2), "shop.buy", Some(5.0))
    );
    assert_eq!((whale.task_rate, whale.tasks[1].rate, casual.task_rate), (Some(9.0), Some(2.0), None));
    assert_eq!(bot.part, Part::Own(Plan::Constant { robots: 7, spawn_rate: 2.0 }));
    assert_eq!(config.schedule().peaks(3), [75, 25, 7]);
    let more = layers(&[("load.online", "10")], &[("THRONG_SCENARIOS_BOT_ROBOTS", "9")]);
    assert_eq!(load(FILE, &more).schedule().peaks(3), [8, 2, 9], "ten robots, and not eleven");
    let fixed = load(FILE, &layers(&[("load.robots", "10")], &[]));
    assert_eq!(fixed.schedule().peaks(3), [8, 2, 7]);
    assert_eq!(fixed.scenarios[1].part, Part::Share { share: 1.0, session: None }, "as that of [load]");
}

#[test]
fn scenarios_of_their_own_leave_nothing_of_the_runs() {
    let config = file("[scenarios.a]\nrobots = 2\n[scenarios.b]\nstages = [{ robots = 3, over = 5 }]\n");
    assert_eq!((config.schedule().peak(), config.schedule().run_time()), (5, None));
}

#[test]
fn the_strongest_layer_says_which_load_it_is() {
    const FILE: &str = "[load]\narrivals = 5\nsession = 60\n";
    let plan = |flags: &[(&str, &str)]| load(FILE, &layers(flags, &[])).load.plan;
    assert_eq!(plan(&[("load.robots", "4")]), Plan::Constant { robots: 4, spawn_rate: 100.0 });
    assert!(matches!(
        plan(&[("load.arrivals", "7")]),
        Plan::Arrivals { rates: Rates::Held(7.0), session: Some(_), .. }
    ));
    assert!(matches!(plan(&[("load.online", "4")]), Plan::Online { session: Some(_), .. }));
    let stages = load(FILE, &layers(&[], &[("THRONG_LOAD_ARRIVALS", "[{ rate = 1, over = 1 }]")])).load.plan;
    assert!(matches!(stages, Plan::Arrivals { rates: Rates::Stages(_), .. }));
}

#[test]
fn variables_reach_every_kind_of_setting() {
    let overrides = layers(
        &[],
        &[
            ("THRONG_TARGET_HOST", "tcp://[::1]:9000"),
            ("THRONG_TARGET_ALLOW", "game.example.com, 203.0.113.0/24"),
            ("THRONG_LOAD_LOCAL_ADDRESSES", "127.0.0.2,127.0.0.3"),
            ("THRONG_LOAD_RUN_TIME", "90"),
            ("THRONG_ROBOT_WAIT", "{ exponential = 2 }"),
            ("THRONG_ROBOT_MANUAL_READY", "true"),
            ("THRONG_ROBOT_SCRIPT_MEMORY", "2MB"),
            ("THRONG_PROTOCOLS_LINE_ON_CLOSE", "call"),
            ("THRONG_PROTOCOLS_LINE_HEARTBEAT_EVERY", "2s"),
            ("THRONG_TASKS_ROLE_CHAT", "0"),
        ],
    );
    let config = load(
        "[protocols.line]\ncodec = \"sproto\"\nschema = \"protos\"\npackage = \"package\"\n\
         heartbeat = { send = \"get\", every = 9 }\n[tasks]\n\"role.chat\" = 3\n",
        &overrides,
    );
    assert_eq!(config.target.host.as_deref(), Some("tcp://[::1]:9000"));
    assert_eq!(config.target.allow, ["game.example.com", "203.0.113.0/24"]);
    assert_eq!(
        config.load.local_addresses,
        ["127.0.0.2", "127.0.0.3"].map(|text| text.parse::<IpAddr>().unwrap())
    );
    assert_eq!(config.load.run_time, Some(Duration::from_secs(90)));
    assert_eq!(config.robot.wait, Wait::Exponential(Duration::from_secs(2)));
    assert!(config.robot.manual_ready);
    assert_eq!(config.robot.script_memory, 2 << 20);
    assert_eq!(config.protocols[0].wire.on_close, OnClose::Call);
    assert_eq!(config.protocols[0].wire.heartbeat.as_ref().unwrap().every, Duration::from_secs(2));
    assert_eq!(config.tasks[0].weight, Some(0.0));
}

#[test]
fn a_heartbeat_of_raw_bytes_is_what_it_says() {
    let config = file(
        "[protocols.line]\nframing = { length = \"u8\" }\ncodec = \"raw\"\nreply = \"none\"\n\
         heartbeat = { send = 'PING\\x00\\\\', every = \"5s\" }\n",
    );
    let heartbeat = config.protocols[0].wire.heartbeat.as_ref().unwrap();
    assert_eq!((&*heartbeat.body, heartbeat.every), (&b"PING\0\\"[..], Duration::from_secs(5)));
}

#[test]
fn every_kind_of_wait_is_read() {
    let wait = |text: &str| file(&format!("[robot]\nwait = {text}\n")).robot.wait;
    let seconds = Duration::from_secs_f64;
    assert_eq!(wait("2.5"), Wait::Constant(seconds(2.5)));
    assert_eq!(wait("0"), Wait::Constant(Duration::ZERO));
    assert_eq!(wait("\"500ms\""), Wait::Constant(seconds(0.5)));
    assert_eq!(wait("{ constant = \"1m\" }"), Wait::Constant(seconds(60.0)));
    assert_eq!(wait("{ between = [1, \"5s\"] }"), Wait::Between(seconds(1.0), seconds(5.0)));
    assert_eq!(wait("{ exponential = 2 }"), Wait::Exponential(seconds(2.0)));
    assert_eq!(wait("{ pacing = 5 }"), Wait::Pacing(seconds(5.0), Late::CatchUp));
    assert_eq!(wait("{ throughput = 0.5 }"), Wait::Throughput(0.5, Late::CatchUp));
    assert_eq!(wait("{ pacing = 5, late = \"skip\" }"), Wait::Pacing(seconds(5.0), Late::Skip));
}

#[test]
fn every_kind_of_framing_is_read() {
    let framing = |text: &str| {
        let toml = format!("[protocols.p]\ncodec = \"raw\"\nreply = \"fifo\"\nframing = {text}\n");
        file(&toml).protocols.remove(0).spec.framing.unwrap()
    };
    let Framing::Length(length) =
        framing("{ length = \"u16be\", offset = 2, inclusive = true, max = \"4KB\" }")
    else {
        panic!("not a length framing");
    };
    assert_eq!(
        (length.width.to_string().as_str(), length.offset, length.inclusive, length.max),
        ("u16be", 2, true, 4096)
    );
    for width in ["u8", "u16be", "u16le", "u32be", "u32le", "varint"] {
        let framing = framing(&format!("{{ length = \"{width}\" }}"));
        assert!(matches!(framing, Framing::Length(length) if length.width.to_string() == width));
    }
    let Framing::Delimiter(delimiter) = framing("{ delimiter = \"\\r\\n\", max = 100 }") else {
        panic!("not a delimiter framing");
    };
    assert_eq!((delimiter.delimiter(), delimiter.max()), (&b"\r\n"[..], 100));
    assert!(matches!(framing("{ fixed = 16 }"), Framing::Fixed(16)));
    assert!(matches!(framing("\"message\""), Framing::Message));
}

#[test]
fn limits_of_messages_are_settings_with_defaults() {
    let text = "[protocols.game]\ncodec = \"sproto\"\nschema = \"protos\"\npackage = \"package\"\n";
    let limits = |more: &str| file(&format!("{text}{more}")).protocols[0].spec.clone();
    let blank = limits("");
    assert_eq!((blank.limits.depth, blank.limits.unpacked), (None, 16 << 20));
    assert_eq!((blank.websocket.max_handshake, blank.websocket.max_message), (16 << 10, 1 << 20));
    assert_eq!(blank.on_malformed, OnMalformed::Skip);
    let told = limits(
        "max_depth = 64\nmax_unpacked = \"1MB\"\nmax_handshake = 256\nmax_message = 1\non_malformed = \"close\"\n",
    );
    assert_eq!((told.limits.depth, told.limits.unpacked), (Some(64), 1 << 20));
    assert_eq!((told.websocket.max_handshake, told.websocket.max_message), (256, 1));
    assert_eq!(told.on_malformed, OnMalformed::Close);
}

#[test]
fn protocols_are_read_in_the_order_of_the_file() {
    let config = file(
        "[protocols.game]\nhosts = \"ws://*\"\ncodec = \"sproto\"\nschema = \"protos\"\n\
         envelope = { type = \"Msg\", name = \"Name\", body = \"Bin\" }\n\
         reply = { \"*Request\" = \"*Response\", \"LoginReuest\" = \"LoginRespone\" }\n\
         [protocols.battle]\nhosts = [\"tcp://*\", \"tcp://10.*\"]\nframing = { length = \"u16be\" }\ncodec = \"sproto\"\n\
         schema = { send = \"protos/a.sproto\", receive = \"protos\" }\npackage = \"package\"\non_close = \"ignore\"\n\
         request_timeout = \"3s\"\nmax_message = \"2MB\"\ntext = true\n",
    );
    let [game, battle] = &config.protocols[..] else { panic!("two protocols") };
    assert_eq!(game.name, "game");
    let shape = |codec: &CodecSpec| match codec {
        CodecSpec::Sproto(sproto) => sproto.shape.clone(),
        _ => panic!("not Sproto"),
    };
    assert!(matches!(shape(&game.spec.codec), SprotoShape::Envelope { body, .. } if body == "Bin"));
    let pairs = [("*Request", "*Response"), ("LoginReuest", "LoginRespone")];
    let pairs = pairs.map(|(request, reply)| (request.to_owned(), reply.to_owned()));
    assert_eq!(game.spec.reply, Some(ReplySpec::Name(pairs.to_vec())));
    assert_eq!((game.spec.on_close, game.spec.websocket.max_message), (OnClose::Restart, 1 << 20));
    assert!(matches!(shape(&battle.spec.codec), SprotoShape::Rpc { package } if package == "package"));
    assert!(matches!(battle.wire.reply, throng_wire::ReplyRule::Session));
    assert_eq!((battle.spec.on_close, battle.spec.websocket.max_message), (OnClose::Ignore, 2 << 20));
    assert!(battle.spec.websocket.text && !game.spec.websocket.text);
    assert_eq!(battle.spec.request_timeout, Duration::from_secs(3));
}

#[test]
fn task_names_may_be_written_with_and_without_quotes() {
    let config = file("[tasks]\n\"role.chat\" = 3\nhero.fight = 0.5\n");
    let tasks: Vec<_> =
        config.tasks.iter().map(|task| (task.name.as_str(), task.weight, task.rate)).collect();
    assert_eq!(tasks, [("role.chat", Some(3.0), None), ("hero.fight", Some(0.5), None)]);
}

#[test]
fn the_generator_s_bounds_are_times_and_shares() {
    use throng_metrics::GeneratorBounds;
    assert_eq!(file("").generator, GeneratorBounds::default());
    let config = file("[generator]\nlag_p99 = \"20ms\"\nshare = \"35%\"\nlongest_stall = 0.5\ncpu = 0.8\n");
    let wanted = GeneratorBounds {
        lag_p99_us: 20_000,
        share_of_latency: 0.35,
        longest_stall_us: 500_000,
        cpu_p90: 0.8,
        ..GeneratorBounds::default()
    };
    assert_eq!(config.generator, wanted);
}

#[test]
fn tasks_may_have_rates_each_or_together() {
    let config = file(
        "[load]\ntask_rate = 1000\n[tasks]\n\"role.chat\" = { rate = 20 }\nhero.fight = { rate = 0.5, weight = 0 }\n",
    );
    let tasks: Vec<_> =
        config.tasks.iter().map(|task| (task.name.as_str(), task.weight, task.rate)).collect();
    assert_eq!(tasks, [("role.chat", None, Some(20.0)), ("hero.fight", Some(0.0), Some(0.5))]);
    assert_eq!(config.load.task_rate, Some(1000.0));
    assert_eq!(config.engine_settings(1).task_rate, Some(1000.0));
}

#[test]
fn options_have_the_type_of_their_default_in_every_layer() {
    const TOML: &str =
        "[options]\nmy_level = { default = 1, help = \"level\" }\nfast = false\nname = \"x\"\nrate = 0.5\n";
    let values = |config: Config| config.options.into_iter().map(|option| option.value).collect::<Vec<_>>();
    let text = |text: &str| OptionValue::Text(text.to_owned());
    assert_eq!(
        values(file(TOML)),
        [OptionValue::Integer(1), OptionValue::Boolean(false), text("x"), OptionValue::Number(0.5)]
    );
    let overrides = layers(
        &[("options.my_level", "-3"), ("options.name", "[7]")],
        &[("THRONG_OPTIONS_MY_LEVEL", "9"), ("THRONG_OPTIONS_FAST", "true"), ("THRONG_OPTIONS_RATE", "2")],
    );
    let config = load(TOML, &overrides);
    assert_eq!(config.options[0].place, Place::Flag("--options.my_level".to_owned()));
    assert_eq!(config.options[1].place, Place::Variable("THRONG_OPTIONS_FAST".to_owned()));
    assert_eq!(config.options[0].help, "level");
    assert_eq!(
        values(config),
        [OptionValue::Integer(-3), OptionValue::Boolean(true), text("[7]"), OptionValue::Number(2.0)]
    );
}

#[test]
fn options_are_known_before_the_settings_are_read() {
    let flags = option_flags(
        "[load]\nrobots = \"wrong\"\n[options]\nmy_level = { default = 1, help = \"h\" }\nbad = []\n",
    );
    let [flag] = &flags[..] else { panic!("one option") };
    assert_eq!(
        (flag.flag().as_str(), &flag.default, flag.help.as_str()),
        ("my-level", &OptionValue::Integer(1), "h")
    );
    assert_eq!(option_flags("not toml ["), []);
}

#[test]
fn redaction_is_a_setting() {
    let config = file("[redact]\nfields = [\"Card*\"]\nshow = \"key\"\n");
    assert!(config.redaction.is_secret("card_number") && config.redaction.is_secret("password"));
    assert!(!config.redaction.is_secret("Key"));
}

#[test]
fn the_engine_is_told_what_the_settings_say() {
    let config = file(
        "[target]\nhost = \"tcp://127.0.0.1:9\"\n[load]\nstop_timeout = 2\nlocal_addresses = [\"127.0.0.2\"]\n\
         [robot]\non_error = \"stop\"\nready_timeout = 3\nwait = 4\n\
         [protocols.a]\nhosts = [\"ws://*\", \"ws://b:*\"]\ncodec = \"raw\"\nreply = \"none\"\n",
    );
    let settings = config.engine_settings(7);
    assert_eq!((settings.seed, settings.websocket_by_default, settings.on_error), (7, false, OnError::Stop));
    assert_eq!(settings.wait, Wait::Constant(Duration::from_secs(4)));
    assert_eq!(
        (settings.ready_timeout, settings.stop_timeout),
        (Duration::from_secs(3), Duration::from_secs(2))
    );
    assert_eq!(settings.local_addresses, ["127.0.0.2".parse::<IpAddr>().unwrap()]);
    assert_eq!(settings.protocols[0].hosts, ["ws://*", "ws://b:*"]);
    assert!(file("").engine_settings(0).websocket_by_default);
    for (host, wanted) in [("tls://a:1", (false, true)), ("wss://a", (true, true)), ("ws://a", (true, false))]
    {
        let settings = file(&format!("[target]\nhost = \"{host}\"\n")).engine_settings(0);
        assert_eq!((settings.websocket_by_default, settings.tls_by_default), wanted, "{host}");
    }
}

#[test]
fn sockets_are_told_what_the_settings_say() {
    assert_eq!(file("").engine_settings(0).tcp, TcpOptions::default());
    let toml = "[tcp]\nnodelay = false\nkeepalive = { idle = \"40s\", count = 4 }\nsend_buffer = \"64KB\"\n\
                receive_buffer = 32768\nlinger = 0\n";
    let keepalive = Keepalive { idle: Duration::from_secs(40), interval: Duration::from_secs(5), count: 4 };
    let wanted = TcpOptions {
        nodelay: false,
        keepalive: Some(keepalive),
        send_buffer: Some(64 << 10),
        receive_buffer: Some(32 << 10),
        linger: Duration::ZERO,
    };
    assert_eq!(file(toml).engine_settings(0).tcp, wanted);
    let keepalive = |toml: &str| file(toml).tcp.keepalive;
    assert_eq!(keepalive("[tcp]\nkeepalive = false\n"), None);
    assert_eq!(keepalive("[tcp]\nkeepalive = true\n"), Some(Keepalive::default()));
    let off = layers(&[], &[("THRONG_TCP_KEEPALIVE", "false")]);
    assert_eq!(load("", &off).tcp.keepalive, None);
    let count = layers(&[], &[("THRONG_TCP_KEEPALIVE_COUNT", "9")]);
    assert_eq!(load("", &count).tcp.keepalive.map(|probes| probes.count), Some(9));
}

#[test]
fn robots_show_clients_out_of_a_range() {
    let proxy = |toml: &str| file(toml).engine_settings(0).proxy_protocol;
    assert_eq!(proxy(""), None);
    let all = proxy("[target]\nproxy_protocol = { from = \"10.0.0.0/8\" }\n").unwrap();
    assert_eq!(all.client(RobotId(1)), "10.0.0.2".parse::<IpAddr>().unwrap());
    let hosts = "hosts = [\"tcp://a:*\", \"ws://*\"]";
    let some = proxy(&format!("[target]\nproxy_protocol = {{ from = \"2001:db8::/64\", {hosts} }}\n"));
    let hosts = vec!["tcp://a:*".to_owned(), "ws://*".to_owned()];
    assert_eq!(some, ProxyProtocol::new("2001:db8::/64", hosts).ok());
}

#[test]
fn without_settings_tls_checks_certificates() {
    assert!(!file("").tls.insecure);
    let config = file("[tls]\ninsecure = true\nserver_name = \"10.0.0.1\"\nmin_version = \"1.3\"\n");
    assert!(config.tls.insecure);
    assert!(config.tls.wire.server_name().is_some());
}

#[test]
fn headers_trailers_and_documents_are_read() {
    let config = file(
        "[protocols.shop]\nhosts = \"tcp://*\"\n\
         framing = { header = [\"len:u16be\", \"id:u16be\", \"seq:u32be\"], len_covers = \"all\", max = \"32KB\" }\n\
         codec = \"raw\"\nids = { Login = 1001, Move = 7 }\nreply = { header = \"seq\" }\n\
         compress = { lz4 = { above = \"1KB\", flag = \"id:0x8000\" } }\n\
         [protocols.gate]\nhosts = \"tcp://10.*\"\nframing = { length = \"u16be\" }\ncodec = \"raw\"\n\
         trailer = { send = [\"session:u32be\"], receive = [\"ok:u8\", \"session:u32be\"] }\n\
         reply = { trailer = \"session\", failed = \"ok == 0\" }\n\
         first = { codec = \"raw\", reply = \"fifo\", count = 2 }\n\
         [protocols.town]\nhosts = \"ws://*\"\ncodec = \"json\"\njson = { name = \"cmd\", session = \"seq\", body = \"data\" }\n\
         error = { field = \"code\", ok = 200 }\n\
         [protocols.frames]\nhosts = \"ws://10.*\"\nframing = { header = [\"id:u16le\"] }\ncodec = \"msgpack\"\n\
         ids = { Move = 1 }\nreply = { \"Move\" = \"Move\" }\n",
    );
    let [shop, gate, town, frames] = &config.protocols[..] else { panic!("four protocols") };
    let Some(Framing::Header(header)) = &shop.spec.framing else { panic!("no header") };
    assert_eq!((header.send.len(), header.max, header.covers), (3, 32 << 10, throng_wire::Covers::All));
    let compression = shop.spec.compression.as_ref().unwrap();
    assert_eq!((compression.above, compression.flag.clone()), (1024, Some(("id".to_owned(), 0x8000))));
    assert!(shop.wire.message("Login").is_some() && shop.wire.message("Logout").is_none());
    assert_eq!((gate.spec.trailer.send.len(), gate.spec.trailer.receive.len()), (1, 2));
    assert!(gate.spec.refusal.as_ref().unwrap().refused.holds(0));
    assert!(matches!(gate.wire.after(1).reply, throng_wire::ReplyRule::Fifo));
    assert!(matches!(gate.wire.after(2).reply, throng_wire::ReplyRule::Session));
    assert!(matches!(town.wire.reply, throng_wire::ReplyRule::Session));
    assert!(!town.spec.refusal.as_ref().unwrap().refused.holds(200));
    assert!(frames.wire.stream_channel().is_none() && frames.wire.has_fields());
}

#[test]
fn each_direction_may_have_numbers_of_its_own() {
    let config = file(
        "[protocols.shop]\nhosts = \"tcp://*\"\nframing = { header = [\"len:u16be\", \"id:u16be\"] }\ncodec = \"raw\"\n\
         reply = { Login = \"Welcome\" }\nids = { send = { Login = 1 }, receive = { Welcome = 1, Notice = 2 } }\n\
         [protocols.odd]\nhosts = \"tcp://10.*\"\nframing = { header = [\"len:u16be\", \"id:u16be\"] }\ncodec = \"raw\"\n\
         reply = \"none\"\nids = { send = 1, receive = 2 }\n",
    );
    let [shop, odd] = &config.protocols[..] else { panic!("two protocols") };
    let head = shop.wire.read(b"\0\0\0\x01", &mut Vec::new()).map(|head| head.message);
    assert_eq!(head, Ok(shop.wire.message("Welcome")));
    assert!(odd.wire.message("send").is_some(), "a message may be called so");
}

#[test]
fn http_has_limits_that_can_be_set() {
    let settings =
        file("[http]\nconcurrency = 8\nmax_response = \"1MB\"\ntimeout = \"3s\"\n").engine_settings(1).http;
    assert_eq!((settings.concurrency, settings.response_limit), (8, 1 << 20));
    assert_eq!(settings.timeout, Duration::from_secs(3));
    let usual = file("").engine_settings(1).http;
    assert_eq!(
        (usual.concurrency, usual.response_limit, usual.timeout),
        (256, 8 << 20, Duration::from_secs(10))
    );
}

#[test]
fn kcp_is_told_what_its_table_says() {
    let arena = |kcp: &str| {
        let text =
            format!("[protocols.arena]\nhosts = \"kcp://*\"\ncodec = \"raw\"\nreply = \"fifo\"\n{kcp}\n");
        *file(&text).protocols[0].wire.kcp()
    };
    assert_eq!(arena(""), KcpSpec::default());
    let all = "kcp = { nodelay = true, interval = \"10ms\", resend = 2, nc = true, window = [64, 256], \
               stream = false, mtu = 512, dead_link = 7, conv = \"robot\" }";
    let wanted = KcpSpec {
        nodelay: true,
        interval: Duration::from_millis(10),
        resend: 2,
        no_congestion: true,
        send_window: 64,
        receive_window: 256,
        mtu: 512,
        stream: false,
        dead_link: 7,
        conv: Conv::Robot,
    };
    assert_eq!(arena(all), wanted);
    assert_eq!(arena("kcp = { conv = 4294967295 }").conv, Conv::Number(u32::MAX));
}

#[test]
fn what_kcp_cannot_be_told_is_refused_at_its_line() {
    let wrong = |kcp: &str, wanted: &str| {
        let text = format!(
            "[protocols.arena]\nhosts = \"kcp://*\"\ncodec = \"raw\"\nreply = \"none\"\nkcp = {kcp}\n"
        );
        let dir = tempfile::tempdir().unwrap();
        let source = SourceText { name: "throng.toml".to_owned(), text };
        let error = Config::parse(dir.path(), source, &Overrides::default()).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains("throng.toml:5"), "{error}");
    };
    wrong("{ interval = \"0.1ms\" }", "a time from \"1ms\" to \"5s\"");
    wrong("{ window = [1] }", "two numbers of segments");
    wrong("{ window = [0, 128] }", "65535");
    wrong("{ mtu = 20 }", "65507");
    wrong("{ conv = \"login\" }", "\"random\", \"robot\", or a number");
    wrong("{ nodelai = true }", "nodelay");
    let text = "[protocols.arena]\nhosts = \"kcp://*\"\ncodec = \"raw\"\nreply = \"none\"\nkcp = { stream = true }\n";
    let source = SourceText { name: "throng.toml".to_owned(), text: text.to_owned() };
    let dir = tempfile::tempdir().unwrap();
    let error = Config::parse(dir.path(), source, &Overrides::default()).unwrap_err().to_string();
    assert!(error.contains("kcp://* is a stream"), "{error}");
}

#[test]
fn exporters_are_read_from_every_layer() {
    let exporters = |config: &Config| config.export.exporters.clone();
    assert!(exporters(&file("")).prometheus.is_none() && exporters(&file("")).otlp.is_none());
    let config = file("[export]\nprometheus = 9464\notlp = \"http://collector:4318\"\nlinger = 0\n");
    assert_eq!(exporters(&config).prometheus, Some("127.0.0.1:9464".parse().unwrap()));
    assert_eq!(exporters(&config).otlp.unwrap().endpoint.as_str(), "http://collector:4318/");
    assert_eq!(config.export.linger, Duration::ZERO);
    let toml = "[export.otlp]\nendpoint = \"http://collector:4318\"\nevery = \"2s\"\nheaders = { a = \"b\" }\n\
        protocol = \"http/json\"\nhistograms = \"explicit\"\nresource = { \"service.name\" = \"x\" }\n";
    let otlp =
        exporters(&load(toml, &layers(&[("export.otlp.endpoint", "https://other")], &[]))).otlp.unwrap();
    assert_eq!((otlp.endpoint.as_str(), otlp.every), ("https://other/", Duration::from_secs(2)));
    assert_eq!((otlp.encoding, otlp.histograms), (Encoding::Json, Histograms::Explicit));
    assert_eq!(otlp.resource, [("service.name".to_owned(), "x".to_owned())]);
    let secret = [("THRONG_EXPORT_OTLP_HEADERS", "{ authorization = \"Bearer x\" }")];
    let flag = [("export.otlp.endpoint", "http://[::1]:4318")];
    let otlp = exporters(&load("", &layers(&flag, &secret))).otlp.unwrap();
    assert_eq!(otlp.headers[0].1, "Bearer x");
    assert!(!format!("{otlp:?}").contains("Bearer"), "headers are secret");
}
