//! The load plan, weights, options and random streams, as they reach robots that really play.

use throng_demo::ServerKind;

use crate::play::{GAME, Project, once, settings};
use crate::report::Report;
use crate::servers::Server;

/// A mod without any connection that counts what robots do; the check is what succeeds.
fn offline(body: &str) -> String {
    format!("local player = throng.mod()\n{body}\nreturn player\n")
}

fn seconds(row: &serde_json::Value, figure: &str) -> f64 {
    row["value_us"][figure].as_f64().unwrap() / 1e6
}

#[test]
fn robots_begin_one_after_the_other_and_none_before_its_time() {
    let toml = settings("ws://127.0.0.1:1", 40, GAME);
    let player = offline(
        "local begun = throng.now
         function player:start() throng.record('born', begun()) throng.check('born', true) self.robot:stop() end",
    );
    let played = Project::new(&toml, &player).run(&["-r", "10"]);
    let report = played.passed();
    assert_eq!(report.number("/robots/started"), 40);
    let born = report.row("measures", "born");
    // The nth robot begins at n/10 s of a plan that itself begins when the project is loaded: late on a busy machine, and never
    // early. How exactly, is the engine's to show, in virtual time.
    let [first, middle, last] = ["min", "p50", "max"].map(|figure| seconds(born, figure));
    assert!(first < 2.0 && middle >= 1.89 && last >= 3.89, "{born}");
}

#[test]
fn phases_are_reported_apart_and_add_up_to_the_run() {
    let server = Server::start(ServerKind::Game, &[]);
    let toml = settings(&server.url(), 4, GAME).replace("wait = 0", "wait = \"10ms\"");
    let echoes = once("game:request('EchoRequest', { Text = 'x' })").replace("self.robot:stop()", "");
    let played = Project::new(&toml, &echoes).run(&["-r", "2", "-t", "6s"]);
    let report = played.passed();
    let phases = report.rows("phases");
    let names: Vec<_> = phases.iter().map(|phase| phase["name"].as_str().unwrap()).collect();
    assert!(matches!(names[..], ["ramp_up", "hold"] | ["ramp_up", "hold", "stop"]), "{names:?}");
    let sum =
        |figure: &str| -> u64 { phases.iter().map(|phase| phase[figure]["started"].as_u64().unwrap()).sum() };
    assert_eq!(sum("robots"), 4);
    let ok: u64 = phases
        .iter()
        .flat_map(|phase| phase["requests"].as_array().unwrap())
        .map(|row| row["ok"].as_u64().unwrap())
        .sum();
    assert_eq!(ok, report.books("EchoRequest").ok);
    assert!(phases[1]["requests"][0]["latency_us"]["p99"].is_u64(), "{}", phases[1]);
    assert!(played.stdout.contains("\nPhases "), "{}", played.stdout);
}

#[test]
fn the_wait_of_a_task_is_stronger_than_its_mods_and_that_than_the_robots() {
    let toml = settings("ws://127.0.0.1:1", 3, GAME).replace("wait = 0", "wait = \"20ms\"");
    let alone = |id: u32, options: &str, mod_options: &str| {
        format!(
            "local one = throng.mod {{ {mod_options} }}
             one:task('play', {{ {options} when = function(self) return self.robot.id == {id} end }}, function()
               throng.check('played', true)
             end)
             return one"
        )
    };
    let project = Project::new(&toml, &alone(0, "wait = '100ms',", "wait = '400ms'"))
        .file("mods/calm.lua", &alone(1, "", "wait = '400ms'"))
        .file("mods/plain.lua", &alone(2, "", ""));
    let played = project.run(&["-t", "4s"]);
    let report = played.passed();
    let count = |task: &str| report.row("tasks", task)["count"].as_u64().unwrap();
    let counts = [count("player.play"), count("calm.play"), count("plain.play")];
    // Each may be late on a busy machine, and so may the end; none is as rare as the next longer wait would have it.
    assert!((11..=60).contains(&counts[0]), "{counts:?}");
    assert!((2..=15).contains(&counts[1]), "{counts:?}");
    assert!(counts[2] >= 41, "{counts:?}");
}

#[test]
fn stages_ramp_up_hold_and_ramp_down() {
    let stages = "stages = [{ robots = 10, over = \"1s\" }, { robots = 10, over = \"1500ms\" }, \
                  { robots = 2, over = \"1s\" }, { robots = 2, over = \"500ms\" }]";
    let toml = settings("ws://127.0.0.1:1", 1, GAME)
        .replace("robots = 1\nspawn_rate = 1000\nrun_time = \"2m\"", stages);
    let player = offline(
        "function player:start() self.begun = throng.now() throng.check('begun', true) end
         function player:stop() throng.record('lived', throng.now() - self.begun) throng.count('stops') end",
    );
    let played = Project::new(&toml, &player).run(&[]);
    let report = played.passed();
    let robots = ["planned", "started", "ready", "peak", "stopped"]
        .map(|field| report.number(&format!("/robots/{field}")));
    assert_eq!(robots, [10, 10, 10, 10, 10]);
    assert_eq!(report.counter("stops"), 10);
    let lived = report.row("measures", "lived");
    // The first robots stay to the end, from 0.1 s to 4.0 s; the last to come is the first to go, from 1.0 s to 2.6 s. Either may be
    // a little late.
    assert!(seconds(lived, "max") > 3.0, "{lived}");
    assert!(seconds(lived, "max") > seconds(lived, "min") + 0.8, "{lived}");
    let duration = report.value()["duration_s"].as_f64().unwrap();
    assert!((4.0..30.0).contains(&duration), "{duration}");
}

#[test]
fn weights_share_out_the_tasks_and_zero_switches_one_off() {
    let toml =
        settings("ws://127.0.0.1:1", 4, GAME) + "[tasks]\n\"player.often\" = 3\n\"player.never\" = 0\n";
    let player = offline(
        "function player:init() self.left = 250 end
         local function play(name)
           player:task(name, function(self)
             throng.check(name, true)
             self.left = self.left - 1
             if self.left == 0 then self.robot:stop() end
             self.robot:sleep(0)
           end)
         end
         play 'often' play 'seldom' play 'never'",
    );
    let played = Project::new(&toml, &player).run(&["--seed", "7"]);
    let report = played.passed();
    let (often, seldom) = (report.check("often").0, report.check("seldom").0);
    assert_eq!(often + seldom, 1000);
    assert!((700..800).contains(&often), "{often} of 1000 at 3 to 1");
    assert_eq!(report.rows("checks").len(), 2, "the third is switched off");
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let toml = settings("ws://127.0.0.1:1", 1, GAME)
        + "[options]\none = { default = \"file\", help = \"first\" }\ntwo = \"file\"\nmy_level = 3\n";
    let player = offline(
        "function player:start()
           local o = throng.options
           throng.check(('%s %s %d %s'):format(o.one, o.two, o.my_level + 1, math.type(o.my_level)), true)
           self.robot:stop()
         end",
    );
    let project = Project::new(&toml, &player);
    assert_eq!(project.run(&[]).passed().check("file file 4 integer"), (1, 0));
    assert_eq!(
        project.run(&["--one", "flag", "--my-level=9"]).passed().check("flag file 10 integer"),
        (1, 0)
    );
    let mut command = project.command(&["--one", "flag"]);
    command.env("THRONG_OPTIONS_ONE", "env").env("THRONG_OPTIONS_TWO", "env").env("THRONG_LOAD_ROBOTS", "3");
    let played = project.played(crate::play::Running::start(command).wait());
    assert_eq!(played.passed().check("flag env 4 integer"), (3, 0));
}

/// The counters of a run: what each robot drew.
fn draws(report: &Report) -> Vec<String> {
    let mut draws: Vec<String> =
        report.rows("counters").iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    draws.sort();
    draws
}

#[test]
fn a_seed_repeats_every_robots_random_draws_whatever_the_shards() {
    let server = Server::start(ServerKind::Game, &[]);
    let toml = settings(&server.url(), 12, GAME);
    let project = Project::new(
        &toml,
        &once(
            "for i = 1, 3 do
               throng.count(('robot %d draws %d %.6f'):format(self.robot.id, math.random(1000000), math.random()))
               game:request('EchoRequest', { Text = 'x' })
             end",
        ),
    );
    let one = draws(project.run(&["--seed", "42", "--shards", "1"]).passed());
    assert_eq!(one.len(), 36, "each robot has a stream of its own: {one:?}");
    assert_eq!(draws(project.run(&["--seed", "42", "--shards", "1"]).passed()), one);
    assert_eq!(draws(project.run(&["--seed", "42", "--shards", "3"]).passed()), one);
    assert_ne!(draws(project.run(&["--seed", "43"]).passed()), one);
}

#[test]
fn robots_pause_as_their_waits_say() {
    let toml = settings("ws://127.0.0.1:1", 10, GAME).replace("wait = 0", "wait = { pacing = \"400ms\" }");
    let player = offline(
        "function player:init() self.times = 0 end
         player:task('paced', function(self)
           self.first = self.first or throng.now()
           self.times = self.times + 1
           throng.check('paced', true)
           if self.times == 8 then
             throng.record('eight', throng.now() - self.first)
             self.robot:stop()
           end
           self.robot:sleep('300ms')
         end)",
    );
    let played = Project::new(&toml, &player).run(&[]);
    let report = played.passed();
    assert_eq!(report.check("paced"), (80, 0));
    // Seven times 400 ms, of which the first may have been late; a pause between tasks would make it 4.9 s.
    let eight = report.row("measures", "eight");
    assert!(seconds(eight, "max") > 2.4 && seconds(eight, "min") < 4.6, "{eight}");
}

#[test]
fn rates_are_held_through_a_stall_and_measured_from_the_intended_starts() {
    let server = Server::start(ServerKind::Game, &["game.stall=after:3s,for:1s"]);
    let toml = settings(&server.url(), 20, GAME)
        .replace("[load]\n", "[load]\ntask_rate = 200\n")
        .replace("shards = 1\n", "shards = 2\n")
        + "[tasks]\n\"player.rare\" = { rate = 10 }\n[thresholds]\n\"request.EchoRequest.intended.max\" = \"> 400ms\"\n";
    let player = "local player = throng.mod()
         function player:start() self.robot:connect('game', throng.host) end
         player:task('often', function(self) self.robot.game:request('EchoRequest', { Text = 'x' }) end)
         player:task('rare', function(self) self.robot.game:request('EchoRequest', { Text = 'x' }, { as = 'rare' }) end)
         return player";
    let played = Project::new(&toml, player).run(&["-t", "6s"]);
    let report = played.passed();
    for (schedule, task, request, per_second) in
        [("task_rate", "player.often", "EchoRequest", 200), ("player.rare", "player.rare", "rare", 10)]
    {
        let row = report.row("schedules", schedule);
        let of = |field: &str| row[field].as_u64().unwrap();
        assert_eq!(of("due"), of("begun") + of("missed"), "{row}");
        // Slots come from the first robot on, whatever the server does, until the run ends, late as it may.
        assert!((3 * per_second..=10 * per_second).contains(&of("due")), "{row}");
        assert_eq!(report.books(request).count, of("begun"), "{row}");
        let work = report.row("tasks", task);
        assert!(work["intended_us"]["max"].as_u64() >= work["duration_us"]["max"].as_u64(), "{work}");
    }
}
