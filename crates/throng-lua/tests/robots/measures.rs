//! Measures of what came before: numbers that a server counts up, times between pushes, delays.

use crate::world::plan;
use throng_metrics::FailureKind;
use throng_metrics::rows::OrderRow;

const START: &str = "function a:start() self.robot:connect('game', 'tcp://127.0.0.1:4000') ";

#[test]
fn numbers_of_a_server_are_followed_by_key() {
    let mut world = plan(
        "function a:start()
             local said = {}
             for _, n in ipairs { 5, 6, 9, 8, 8, 10.0 } do said[#said + 1] = tostring(throng.in_order('moves', n)) end
             print(table.concat(said, ' '))
             print(throng.in_order('moves', 1, 'arena'), throng.in_order('moves', 2, 'arena'), throng.in_order('moves', 1, 7))
         end",
    )
    .echo();
    world.want(2);
    world.advance(1);
    let lines = ["true true false false false true", "true\ttrue\ttrue"];
    world.expect(&[lines, lines].concat());
    let counts =
        world.totals.orders().find("", "moves").map(|row: &OrderRow| row.counts.clone()).expect("counted");
    assert_eq!((counts.count, counts.gaps, counts.skipped, counts.missing()), (18, 2, 4, 2));
    assert_eq!((counts.late, counts.doubled, counts.restarts), (2, 2, 0));
}

#[test]
fn pushes_have_gaps_and_delays_by_the_server_s_clock() {
    let mut world = plan(&format!(
        "{START} end
         a:on('Note', function(self, msg)
             throng.gap('note')
             throng.delay('note', msg.n, 'ms')
         end)"
    ))
    .serve(|_, _, _| ());
    // When the server sends, and which time it says: its clock is 5 s ahead, and the second note was held up for 30 ms.
    for (at, said) in [(100, 5_100), (230, 5_200), (300, 5_300), (400, 5_400)] {
        world.advance(at);
        world.server().note(said);
    }
    world.advance(1_500);
    let gap =
        world.totals.gaps().find("", "note").map(|row| row.gap().spread()).expect("measured").expect("some");
    assert_eq!((gap.min / 1_000, gap.max / 1_000), (70, 130));
    let row = world.totals.delays().find("game", "note").expect("measured");
    let delay = row.delay().spread().expect("some");
    assert_eq!((row.delay().count(), delay.min, delay.p50, delay.max / 1_000), (4, 0, 0, 30));
    let jitter = row.jitter().spread().expect("some");
    assert_eq!((row.jitter().count(), jitter.min, jitter.max / 1_000), (3, 0, 30));
    // Each look at what was measured ends a second, and the late note was alone in its own.
    assert_eq!(row.floor().max_us().map(|us| us / 1_000), Some(30));
}

#[test]
fn servers_count_time_in_units_of_their_own() {
    let mut world = plan(
        "function a:start()
             for _, at in ipairs { { 12.5, 's' }, { 12500, 'ms' }, { 12500000, 'us' }, { 12500000000, 'ns' }, { 1250, 'cs' } } do
                 throng.delay('all', at[1], at[2])
             end
             throng.delay('all', 12.5)
             throng.delay('all', 99, 's', 'another clock')
         end",
    )
    .echo();
    world.advance(1_500);
    let row = world.totals.delays().find("", "all").expect("measured");
    assert_eq!((row.delay().count(), row.delay().max_us(), row.counts.set), (7, Some(0), 0));
}

#[test]
fn requests_in_a_group_are_measured_in_it_and_among_all() {
    let mut world = plan(
        "function a:start()
             self.robot:connect('game', 'tcp://127.0.0.1:4000')
             local game = self.robot.game
             local function ask(options) game:request('EchoRequest', { Text = 'x' }, options) end
             ask()
             print(throng.group('fight', function()
                 ask()
                 self.robot:all(ask, function() throng.group('loot', ask) end)
                 self.robot:sleep(1)
                 return 'won', 2
             end))
             ask { group = 'shop' }
             print(pcall(throng.group, 'fight', function() ask { as = 'Special' } error('lost', 0) end))
             ask()
         end",
    )
    .echo();
    world.advance(5_000);
    world.expect(&["won\t2", "false\tlost"]);
    let counts =
        |group: &str, name: &str| world.totals.grouped().find(group, name).map_or(0, |row| row.counts.ok);
    assert_eq!((counts("fight", "game/EchoRequest"), counts("fight", "game/Special")), (2, 1));
    assert_eq!((counts("fight::loot", "game/EchoRequest"), counts("shop", "game/EchoRequest")), (1, 1));
    let all = |name: &str| world.totals.requests().find("game", name).map_or(0, |row| row.counts.ok);
    assert_eq!((all("EchoRequest"), all("Special"), world.totals.requests().len()), (6, 1, 2));
    let runs = world.totals.work(throng_metrics::WorkKind::Group);
    let fight = runs.find("", "fight").expect("it ran");
    assert_eq!((fight.counts.count, fight.counts.failed), (2, 1));
    assert!(fight.duration().max_us().is_some_and(|us| (1_000_000..1_100_000).contains(&us)));
    assert_eq!(runs.find("", "fight::loot").map(|row| row.counts.count), Some(1));
}

#[test]
fn a_robot_that_is_cut_short_leaves_no_group_behind() {
    let mut world = plan(
        "function a:start()
             self.robot:connect('game', 'tcp://127.0.0.1:4000')
         end
         a:task('play', { wait = '100ms' }, function(self)
             self.robot.game:request('EchoRequest', { Text = 'x' })
             throng.group('fight', function() self.robot:restart() end)
         end)",
    )
    .echo();
    world.advance(3_000);
    assert!(world.totals.requests().find("game", "EchoRequest").is_some_and(|row| row.counts.ok > 1));
    assert_eq!(world.totals.grouped().len(), 0, "a new life begins outside");
    assert_eq!(world.totals.work(throng_metrics::WorkKind::Group).len(), 0, "and no run came to an end");
}

#[test]
fn mistakes_name_what_was_wanted() {
    for (call, said) in [
        ("throng.in_order('a', 1.5)", "in_order wants a whole number, not a number"),
        ("throng.in_order('a', 'x')", "in_order wants a whole number, not a string"),
        ("throng.in_order('a', 1, {})", "in_order wants a text or a number as a key, not a table"),
        ("throng.in_order('', 1)", "in_order wants a name, not a string"),
        ("throng.delay('a', nil)", "delay wants a time as a number, not nil"),
        ("throng.delay('a', 0/0)", "delay wants a time as a number, not a number"),
        ("throng.delay('a', 1, 'mss')", "unknown unit 'mss'; did you mean 'ms'?"),
        ("throng.group('a')", "group wants a function, not nil"),
        ("throng.group('', print)", "group wants a name, not a string"),
        ("throng.gap(7)", "gap wants a name, not a number"),
    ] {
        let mut world = plan(&format!("function a:start() {call} end")).echo();
        world.advance(1);
        let groups = world.totals.failures();
        let message = &groups.iter().find(|group| group.kind == FailureKind::Script).expect(call).message;
        assert!(message.ends_with(said), "{call}: {message}");
    }
}
