//! Load models as they reach a server: arrivals, an online count, storms, shapes, scenarios.

use throng_demo::ServerKind;

use crate::play::{GAME, Project, settings};
use crate::report::Report;
use crate::servers::Server;

/// Robots that log in and stay.
const PLAYER: &str = "local player = throng.mod()
    function player:start() self.robot:connect('game', throng.host) end
    player:task('play', { wait = '50ms' }, function(self) self.robot.game:request('EchoRequest', { Text = 'here' }) end)
    return player\n";

fn project(server: &Server, load: &str) -> Project {
    let toml =
        settings(&server.url(), 1, GAME).replace("robots = 1\nspawn_rate = 1000\nrun_time = \"2m\"", load);
    Project::new(&toml, PLAYER)
}

fn arrivals(report: &Report) -> [u64; 3] {
    ["due", "started", "dropped"].map(|field| report.number(&format!("/arrivals/0/{field}")))
}

#[test]
fn robots_arrive_at_their_rate_and_leave_after_their_session() {
    let server = Server::start(ServerKind::Game, &[]);
    let load = "arrivals = 50\nspacing = \"even\"\nsession = \"400ms\"\nrun_time = \"2s\"";
    let played = project(&server, load).run(&["--shards", "2"]);
    let report = played.passed();
    // The first comes at once, and the run ends a moment after its two seconds, or later on a busy machine.
    let [due, started, dropped] = arrivals(report);
    assert!((100..=300).contains(&due), "{due}");
    assert_eq!((started, dropped), (due, 0));
    assert_eq!(report.number("/robots/started"), due);
    assert_eq!(report.number("/robots/planned"), 20);
    // 50 a second that stay 0.4 s each, and are many at once where time stood still for a while.
    assert!((15..=80).contains(&report.number("/robots/peak")), "{}", report.value()["robots"]);
    assert!(report.value()["generator"]["lag_by_source"]["spawn"]["p50"].is_u64());
    assert!(played.said().contains("Arrivals"), "{}", played.stdout);
}

#[test]
fn arrivals_that_find_no_room_are_counted_and_said() {
    let server = Server::start(ServerKind::Game, &[]);
    let load = "arrivals = 40\nspacing = \"even\"\nmax_robots = 10\nrun_time = \"1s\"\n";
    let played = project(&server, load).run(&[]);
    let report = played.passed();
    let [due, started, dropped] = arrivals(report);
    assert!((40..=200).contains(&due), "{due}");
    assert_eq!((started, dropped), (10, due - 10));
    assert!(played.said().contains("turned away: as many robots as"), "{}", played.stdout);
}

#[test]
fn a_number_of_players_is_held_by_new_ones() {
    let server = Server::start(ServerKind::Game, &[]);
    let played = project(&server, "robots = 1").run(&[
        "--online",
        "20",
        "--session",
        "300ms",
        "-r",
        "1000",
        "-t",
        "2s",
    ]);
    let report = played.passed();
    let started = report.number("/robots/started");
    // 20 robots that stay 0.3 s each, six times over at the most, and the time between one and the next.
    assert!((40..=400).contains(&started), "{started}");
    assert_eq!(report.number("/robots/peak"), 20);
    assert_eq!(report.number("/robots/stopped"), started);
}

#[test]
fn a_storm_takes_connections_and_says_how_long_it_took_until_everyone_was_back() {
    let server = Server::start(ServerKind::Game, &[]);
    let load = "robots = 40\nspawn_rate = 1000\nrun_time = \"9s\"\n\
                storms = [{ at = \"3s\", drop = 0.5 }, { at = \"6s\", drop = \"25%\", how = \"close\" }]";
    let project = project(&server, load);
    let toml = std::fs::read_to_string(project.path().join("throng.toml")).unwrap();
    let project = project.file("throng.toml", &toml.replace("on_close = \"call\"", "on_close = \"restart\""));
    let played = project.run(&[]);
    let report = played.passed();
    let storm = |number: usize| report.value()["storms"][number].clone();
    assert_eq!([storm(0)["there"].as_u64(), storm(0)["hit"].as_u64()], [Some(40), Some(20)]);
    assert_eq!([storm(1)["there"].as_u64(), storm(1)["hit"].as_u64()], [Some(40), Some(10)]);
    for storm in [storm(0), storm(1)] {
        assert_eq!(storm["back"], storm["hit"]);
        // A pause of 50 to 100 ms, or twice that where a robot was hit again, and a login.
        let recovery = storm["recovery_us"].as_u64().unwrap();
        assert!((40_000..3_000_000).contains(&recovery), "{storm}");
    }
    assert_eq!(report.ended("game")["storm"], 30);
    assert_eq!(report.number("/robots/restarts"), 30);
    assert_eq!(report.number("/errors/count"), 0);
    assert!(played.said().contains("Storms"), "{}", played.stdout);
}

/// A run of robots without a server, whose number a shape says.
fn shaped(shape: &str, args: &[&str]) -> crate::play::Played {
    let toml = settings("ws://127.0.0.1:1", 1, GAME).replace(
        "robots = 1\nspawn_rate = 1000\nrun_time = \"2m\"",
        "shape = \"shapes/evening.lua\"\nrun_time = \"1m\"",
    );
    let player = "local player = throng.mod()
        function player:start() throng.check('begun', true) end
        return player\n";
    Project::new(&toml, player).file("shapes/evening.lua", shape).run(args)
}

#[test]
fn a_shape_in_lua_says_how_many_robots_there_are_and_ends_the_run() {
    let played = shaped(
        "local peak = 30
         return function(run_time)
           print('asked at ' .. math.floor(run_time))
           if run_time < 2 then return peak, 1000 end
           if run_time < 3 then return 10, 1000 end
         end",
        &[],
    );
    let report = played.passed();
    let robots =
        ["planned", "started", "peak", "stopped"].map(|field| report.number(&format!("/robots/{field}")));
    assert_eq!(robots, [30, 30, 30, 30]);
    let took = report.value()["duration_s"].as_f64().unwrap();
    assert!((2.9..30.0).contains(&took), "{took}");
    // Once a second; a second that a busy machine slept through is not asked for.
    let asked = played.stderr.matches("asked at").count();
    assert!((3..=4).contains(&asked), "{}", played.stderr);
}

#[test]
fn a_shape_that_fails_is_told_with_its_line() {
    let played = shaped("return function(run_time)\n  return run_time.robots, 1\nend", &[]);
    assert_eq!(played.code, Some(2), "{}", played.stderr);
    assert!(played.stderr.contains("shapes/evening.lua:2: attempt to index a number"), "{}", played.stderr);
    let later =
        "return function(run_time)\n  if run_time < 1 then return 3, 10 end\n  while true do end\nend";
    let played = shaped(later, &[]);
    assert_eq!(played.code, Some(3), "{}", played.stderr);
    assert!(
        played.report().reason().contains("shapes/evening.lua:3: cut off"),
        "{}",
        played.report().reason()
    );
    assert_eq!(played.report().number("/robots/stopped"), 3);
}

#[test]
fn a_robots_flag_beats_the_shape_in_the_file() {
    let played = shaped("error('not asked')", &["-u", "2", "-t", "300ms"]);
    assert_eq!(played.passed().number("/robots/started"), 2);
}

/// Two mods, robots of which one class has both.
fn classes(scenarios: &str) -> Project {
    let toml = settings("ws://127.0.0.1:1", 10, GAME).replace("wait = 0", "wait = \"20ms\"");
    let player = "local player = throng.mod()
        function player:start()
          throng.check('begun', true)
          throng.count(self.robot.scenario)
          local names = {}
          for name in pairs(self.robot.mods) do names[#names + 1] = name end
          table.sort(names)
          throng.count(self.robot.scenario .. ' has ' .. table.concat(names, ' and '))
        end
        player:task('chat', { tags = { 'talk' } }, function() end)
        player:task('walk', function() end)
        return player\n";
    let shop = "local shop = throng.mod()
        function shop:init() self.coins = 5 end
        shop:task('buy', function(self) self.coins = self.coins - 1 end)
        return shop\n";
    Project::new(&format!("{toml}{scenarios}"), player).file("mods/shop.lua", shop)
}

#[test]
fn scenarios_have_robots_mods_tasks_and_figures_of_their_own() {
    let scenarios = "[scenarios.casual]\nshare = 0.8\nmods = [\"player\"]\ntags = [\"talk\"]\n\
                     [scenarios.whale]\nshare = 0.2\ntasks = { \"player.chat\" = 0, \"player.walk\" = 0 }\n\
                     [scenarios.bot]\nrobots = 3\nmods = \"player\"\nwait = 1e6\n";
    let played = classes(scenarios).run(&["-t", "3s", "--shards", "2"]);
    let report = played.passed();
    let counters = ["casual", "whale", "bot", "casual has player", "whale has player and shop"];
    assert_eq!(counters.map(|name| report.counter(name)), [8, 2, 3, 8, 2]);
    let of = |number: usize, field: &str| report.value()["scenarios"][number][field].clone();
    for (number, (name, robots, task)) in
        [("casual", 8, Some("player.chat")), ("whale", 2, Some("shop.buy")), ("bot", 3, None)]
            .into_iter()
            .enumerate()
    {
        assert_eq!(of(number, "name"), name);
        assert_eq!(["planned", "started", "ready", "stopped"].map(|field| of(number, field)), [robots; 4]);
        let tasks: Vec<String> = of(number, "tasks")
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(tasks, Vec::from_iter(task));
    }
    assert!(played.said().contains("Scenarios"), "{}", played.stdout);
}

#[test]
fn a_mistake_in_a_scenario_is_told_with_its_line() {
    for (scenario, wanted) in [
        ("mods = [\"shopp\"]", "scenarios.whale.mods: unknown mod 'shopp'; did you mean 'shop'?"),
        (
            "tasks = { \"shop.by\" = 1 }",
            "scenarios.whale.tasks: unknown task 'shop.by'; did you mean 'shop.buy'?",
        ),
        (
            "mods = [\"player\"]\ntasks = { \"shop.buy\" = 1 }",
            "scenarios.whale.tasks: unknown task 'shop.buy'",
        ),
        ("tags = [\"tolk\"]", "scenarios.whale.tags: unknown tag 'tolk'"),
    ] {
        let played = classes(&format!("[scenarios.whale]\n{scenario}\n")).run(&["-t", "1s"]);
        assert_eq!(played.code, Some(2), "{}", played.stderr);
        assert!(
            played.stderr.contains("throng.toml:") && played.stderr.contains(wanted),
            "{wanted}: {}",
            played.stderr
        );
    }
}

#[test]
fn a_shape_names_scenarios() {
    let shape = "return function(run_time)
        if run_time < 1 then return 10, 1000 end
        if run_time < 2 then return 4, 1000, { 'whale' } end
      end";
    let project = classes("[scenarios.casual]\nshare = 0.8\n[scenarios.whale]\nshare = 0.2\n")
        .file("shapes/day.lua", shape);
    let toml = std::fs::read_to_string(project.path().join("throng.toml")).unwrap();
    let toml = toml.replace("robots = 10\nspawn_rate = 1000\n", "shape = \"shapes/day.lua\"\n");
    let played = project.file("throng.toml", &toml).run(&[]);
    let report = played.passed();
    let scenario =
        |number: usize, figure: &str| report.value()["scenarios"][number][figure].as_u64().unwrap();
    assert_eq!((scenario(0, "started"), scenario(1, "started")), (8, 4));
    assert_eq!((scenario(0, "planned"), scenario(1, "planned")), (8, 4));
}

#[test]
fn a_storm_behind_the_end_of_the_run_is_told() {
    let toml = settings("ws://127.0.0.1:1", 1, GAME)
        .replace("run_time = \"2m\"", "run_time = \"1s\"\nstorms = [{ at = \"3m\", drop = 0.5 }]");
    let player = "local player = throng.mod()
        player:task('play', function() throng.check('played', true) end)
        return player\n";
    let played = Project::new(&toml, player).run(&[]);
    let wanted = "the storm at 3m never comes: the run ends after 1s";
    assert!(played.stderr.contains(wanted), "{}", played.stderr);
    assert_eq!(played.report().value()["warnings"], serde_json::json!([wanted]));
}
