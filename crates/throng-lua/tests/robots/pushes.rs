//! Who hears of a message, and in which order.

use crate::world::plan;
use throng_metrics::FailureKind;

const START: &str = "function a:start() self.robot:connect('game', 'tcp://127.0.0.1:4000') ";

#[test]
fn handlers_hear_in_the_order_of_their_mods() {
    let mut world = plan(&format!(
        "{START} end
         a:on('Note', function(self, msg, connection) print('a', msg.n, connection == self.robot.game) end)
         function a.on:Kick(msg) print('kick', msg.n) end"
    ))
    .file(
        "mods/b.lua",
        "local b = throng.mod() b:on('Note', function(self, msg) print('b', msg.n) end) return b",
    )
    .serve(|_, _, _| ());
    world.advance(1);
    world.server().note(1);
    world.server().note(2);
    world.advance(2);
    world.expect(&["a\t1\ttrue", "b\t1", "a\t2\ttrue", "b\t2"]);
    let row = world.totals.pushes().find("game", "Note").map(|row| row.counts.clone()).expect("counted");
    assert_eq!((row.count, row.handled), (2, 2));
}

#[test]
fn a_handler_may_be_for_one_connection_only() {
    let mut world = plan(
        "function a:start()
             self.robot:connect('one', 'tcp://127.0.0.1:4000')
             self.robot:connect('two', 'tcp://127.0.0.1:4000')
         end
         a:on('Note', { connection = 'one' }, function(self, msg) print('one', msg.n) end)
         a:on('Note', { connection = 'two' }, function(self, msg) print('two', msg.n) end)
         a:on('*', function(self, msg, c) print('any', c.name) end)",
    )
    .serve(|_, _, _| ());
    world.advance(1);
    world.server().note(5);
    world.advance(2);
    world.expect(&["two\t5", "any\ttwo"]);
}

#[test]
fn pushes_that_no_one_listens_to_are_counted_and_not_decoded() {
    let mut world = plan(&format!("{START} end")).serve(|_, _, _| ());
    world.advance(1);
    world.server().note(1);
    world.advance(2);
    let row = world.totals.pushes().find("game", "Note").map(|row| row.counts.clone()).expect("counted");
    assert_eq!((row.count, row.handled), (1, 0));
}

#[test]
fn a_handler_that_blocks_runs_beside_the_next_push() {
    let mut world = plan(&format!(
        "{START} end
         a:on('Note', function(self, msg) print('begin', msg.n) self.robot:sleep(1) print('end', msg.n) end)"
    ))
    .serve(|_, _, _| ());
    world.advance(1);
    world.server().note(1);
    world.server().note(2);
    world.advance(2000);
    world.expect(&["begin\t1", "begin\t2", "end\t1", "end\t2"]);
}

#[test]
fn a_queue_handles_one_at_a_time() {
    let mut world = plan(&format!(
        "{START} end
         a:on('Note', {{ queue = true }}, function(self, msg) print('begin', msg.n) self.robot:sleep(1) print('end', msg.n) end)"
    ))
    .serve(|_, _, _| ());
    world.advance(1);
    world.server().note(1);
    world.server().note(2);
    world.advance(3000);
    world.expect(&["begin\t1", "end\t1", "begin\t2", "end\t2"]);
}

#[test]
fn beyond_sixty_four_handlers_pushes_are_dropped_and_counted() {
    let mut world = plan(&format!(
        "{START} end
         a:on('Note', function(self, msg) self.robot:sleep(1) throng.count('handled') end)"
    ))
    .serve(|_, _, _| ());
    world.advance(1);
    (0..70).for_each(|n| world.server().note(n));
    world.advance(2000);
    assert_eq!(world.totals.counters().find("", "handled").map(|row| row.counts.value), Some(64));
    assert_eq!(world.failures(FailureKind::Overflow), 6);
}

#[test]
fn a_watch_is_armed_before_it_is_asked() {
    let mut world = plan(&format!(
        "{START}
             local watch = self.robot.game:watch({{ 'Note', 'Kick' }}, {{ where = function(msg) return msg.n > 1 end }})
             self.robot:sleep(1)
             local m, name = watch:next()
             print(m.n, name, watch:next().n, throng.now())
             print(watch:next('5s').n, throng.now())
             print(select(2, pcall(watch.next, watch, 1)).kind)
             watch:close()
             print(select(2, pcall(watch.next, watch)).kind)
         end"
    ))
    .serve(|_, _, _| ());
    world.advance(1);
    (1..4).for_each(|n| world.server().note(n));
    world.advance(2000);
    world.server().note(9);
    world.advance(4000);
    world.expect(&["2\tNote\t3\t1.0", "9\t2.0", "timeout", "closed"]);
    assert_eq!(world.failures(FailureKind::Timeout), 1);
}

#[test]
fn of_two_expects_the_oldest_is_served_first() {
    let mut world = plan(&format!(
        "{START}
             local game = self.robot.game
             for i = 1, 2 do self.robot:spawn(function() print(i, game:expect('Note').n) end) end
             local watch = game:watch('Note')
             print('watch', watch:next().n, watch:next().n)
         end
         a:on('Note', function(self, msg) print('handler', msg.n) end)"
    ))
    .serve(|_, _, _| ());
    world.advance(1);
    world.server().note(10);
    world.server().note(20);
    world.advance(2);
    world.expect(&["1\t10", "handler\t10", "watch\t10\t20", "2\t20", "handler\t20"]);
}

#[test]
fn an_expect_that_times_out_is_counted_unless_it_is_quiet() {
    let mut world = plan(&format!(
        "{START}
             local ok, err = pcall(self.robot.game.expect, self.robot.game, 'Note', {{ timeout = 1 }})
             print(ok, err.kind, err.name, err.connection)
             print(pcall(self.robot.game.expect, self.robot.game, 'Note', {{ timeout = 1, quiet = true }}))
             print(pcall(self.robot.game.expect, self.robot.game, 'Notte'))
         end"
    ))
    .serve(|_, _, _| ());
    world.advance(3000);
    let told = world.told();
    assert_eq!(told[0], "false\ttimeout\tNote\tgame");
    assert!(told[2].contains("unknown message 'Notte'; did you mean 'Note'?"), "{told:?}");
    assert_eq!(world.failures(FailureKind::Timeout), 1);
}

#[test]
fn what_is_set_up_after_a_reply_hears_the_very_next_message() {
    let mut world = plan(&format!(
        "{START}
             local game = self.robot.game
             game:request('EchoRequest', {{}})
             print(game:expect('Note').n)
         end"
    ))
    .serve(|peer, _, _| {
        peer.echo("x");
        peer.note(7);
    });
    world.advance(1);
    world.expect(&["7"]);
}

#[test]
fn a_watch_of_a_connection_that_ends_fails_as_closed() {
    let mut world = plan(&format!(
        "{START}
             local ok, err = pcall(self.robot.game.expect, self.robot.game, 'Note')
             print(err.kind)
         end"
    ))
    .serve(|_, _, _| ());
    world.advance(1);
    world.server().close();
    world.advance(100);
    assert_eq!(world.told(), ["closed"]);
}

#[test]
fn a_handler_may_restart_its_robot() {
    let mut world = plan(&format!(
        "{START} print('start') end
         a:on('Kick', function(self) self.robot:restart() print('never') end)
         a:on('Note', function(self, msg) print('note', msg.n) end)"
    ))
    .serve(|_, _, _| ());
    world.advance(1);
    world.server().send("Kick", &throng_sproto::Value::structure([("n", 1.into())]));
    world.server().note(1);
    world.advance(10_000);
    world.expect(&["start", "start"]);
}

#[test]
fn a_push_that_does_not_fit_its_schema_is_counted() {
    let mut world = plan(&format!("{START} end a:on('Note', function(self, msg) print('never') end)"))
        .serve(|_, _, _| ());
    world.advance(1);
    let mut payload = vec![2, 0, 0, 0, 0, 0];
    payload.extend([4, 0, 0, 0]);
    payload.extend(b"Note");
    payload.extend([2, 0, 0, 0, 9, 9]);
    world.server().bytes(&crate::world::frame(&payload));
    world.advance(2);
    world.expect(&[]);
    assert_eq!(world.failures(FailureKind::Decode), 1);
}

#[test]
fn closing_a_watch_ends_the_wait_for_it() {
    let mut world = plan(&format!(
        "{START}
             local watch = self.robot.game:watch('Note')
             self.robot:spawn(function() print(select(2, pcall(watch.next, watch)).kind, throng.now()) end)
             self.robot:sleep(1)
             print(pcall(watch.next, watch, 5))
             watch:close()
         end"
    ))
    .serve(|_, _, _| ());
    world.advance(2000);
    let told = world.told();
    assert!(
        told[0].contains("mods/a.lua:5: another function waits for this watch's next message"),
        "{told:?}"
    );
    assert_eq!(told[1..], ["closed\t1.0"]);
}

#[test]
fn a_watch_whose_question_fails_or_closes_it_gets_nothing() {
    let mut world = plan(&format!(
        "{START}
             local game, watch = self.robot.game
             game:watch('Note', {{ where = function(msg) return msg.no.such end }})
             game:watch('Note', {{ where = function(msg) self.robot:sleep(1) end }})
             watch = game:watch('Note', {{ where = function(msg) watch:close() return true end }})
             print(game:expect('Note', {{ where = function(msg) return msg.n == 2 end }}).n)
         end"
    ))
    .serve(|_, _, _| ());
    world.advance(1);
    world.server().note(1);
    world.server().note(2);
    world.advance(2);
    assert_eq!(world.told(), ["2"]);
    world.expect_error("mods/a.lua:3: attempt to index a nil value (field 'no')", "mods/a.lua:3");
    world.expect_error("mods/a.lua:4: may not block here, in init, when, where", "mods/a.lua:4");
    assert_eq!(world.failures(FailureKind::Script), 4, "two questions, two messages, and nothing else");
}

#[test]
fn a_handler_that_fails_is_counted_and_the_next_hears() {
    let mut world = plan(&format!(
        "{START} end
         a:on('Note', function(self, msg) local x <close> = setmetatable({{}}, {{ __close = function() print('closed') end }}) error('no') end)
         a:on('*', function(self, msg) print('any', msg.n) end)"
    ))
    .serve(|_, _, _| ());
    world.advance(1);
    world.server().note(1);
    world.advance(2);
    assert_eq!(world.told(), ["closed", "any\t1"]);
    world.expect_error("mods/a.lua:2: no", "mods/a.lua:2: in function");
}

#[test]
fn a_queue_goes_on_after_an_error_and_ends_with_a_restart() {
    let mut world = plan(&format!(
        "{START} print('start') end
         a:on('Note', {{ queue = true }}, function(self, msg)
             print(msg.n)
             if msg.n == 1 then error('no') end
             if msg.n == 2 then self.robot:sleep(1) self.robot:restart() end
         end)"
    ))
    .serve(|_, _, _| ());
    world.advance(1);
    (1..5).for_each(|n| world.server().note(n));
    world.advance(5000);
    assert_eq!(world.told(), ["start", "1", "2", "start"]);
    assert_eq!(world.failures(FailureKind::Script), 1);
}
