//! Connections: opened, replaced, lost, closed.

use crate::world::{frame, plan};
use throng_metrics::FailureKind;

#[test]
fn a_connection_is_closed_and_its_name_is_free() {
    let mut world = plan(
        "function a:start()
             local game = self.robot:connect('game', 'tcp://127.0.0.1:4000')
             game:close()
             print(game.is_open, game.name, pcall(function() return self.robot.game end))
             local again = self.robot:connect('game', 'tcp://127.0.0.1:4000')
             print(again ~= game, again.is_open, self.robot.game == again)
             print(select(2, game:try_request('EchoRequest', {})).kind)
         end",
    )
    .echo();
    world.advance(1);
    let told = world.told();
    assert!(
        told[0].starts_with("false\tgame\tfalse\t") && told[0].contains("no open connection"),
        "{told:?}"
    );
    assert_eq!(told[1], "true\ttrue\ttrue");
    assert!(told[2] == "closed" || told[2] == "not_connected", "{told:?}");
}

#[test]
fn a_lost_connection_fails_its_waiters_and_tells_the_mods() {
    let mut world = plan(
        "function a:start()
             local game = self.robot:connect('game', 'tcp://127.0.0.1:4000')
             local _, err = game:try_request('SlowRequest', {})
             print(err.kind, err.connection)
         end
         function a:closed(connection, why) print('closed', connection.name, why.kind, connection.is_open) end",
    )
    .serve(|peer, _, _| peer.close());
    world.advance(100);
    world.expect(&["closed\tgame", "closed\tgame\thalf_closed\tfalse"]);
}

#[test]
fn a_refused_connection_is_tried_again() {
    let mut world = plan(
        "function a:start()
             local ok, err = pcall(self.robot.connect, self.robot, 'game', 'tcp://127.0.0.1:9', { protocol = 'raw', retry = { first = '100ms', tries = 3 } })
             print(ok, err.kind, throng.now() > 0.1)
         end",
    )
    .echo();
    world.advance(2000);
    world.expect(&["false\trefused\ttrue"]);
    assert!(world.failures(FailureKind::Refused) >= 1);
}

#[test]
fn a_timer_of_a_connection_ends_with_it() {
    let mut world = plan(
        "function a:start()
             local game = self.robot:connect('game', 'tcp://127.0.0.1:4000')
             game:every('100ms', function() print('beat') end)
             self.robot:sleep('250ms')
             game:drop()
             self.robot:sleep(5)
             print('end')
         end",
    )
    .echo();
    world.advance(6000);
    world.expect(&["beat", "beat", "end"]);
}

#[test]
fn a_robot_has_any_number_of_connections() {
    let mut world = plan(
        "function a:start()
             for _, name in ipairs { 'x', 'y', 'z' } do self.robot:connect(name, 'tcp://127.0.0.1:4000') end
             local names = {}
             for name, connection in pairs(self.robot.connections) do names[#names + 1] = name .. tostring(connection.is_open) end
             table.sort(names)
             print(table.concat(names, ' '))
             print(self.robot.y:request('EchoRequest', { Text = 'y' }).Text)
         end",
    )
    .echo();
    world.advance(1);
    world.expect(&["xtrue ytrue ztrue", "y"]);
}

#[test]
fn what_is_sent_on_an_ended_connection_fails_under_its_name() {
    let mut world = plan(
        "function a:start()
             local game = self.robot:connect('game', 'tcp://127.0.0.1:4000')
             game:request('EchoRequest', {})
             game:close()
             print(pcall(game.request, game, 'EchoRequest', {}))
             local _, err = game:try_request('EchoRequest', {})
             print(err.kind, err.name, err.connection, err.where)
             print(pcall(game.send, game, 'EchoRequest', {}))
             print(select(2, pcall(game.every, game, 1, print)).kind, select(2, pcall(game.watch, game, 'Note')).kind)
         end",
    )
    .echo();
    world.advance(1);
    world.expect(&[
        "false\tmods/a.lua:5: EchoRequest on game: the connection has ended",
        "closed\tEchoRequest\tgame\tmods/a.lua:6",
        "false\tmods/a.lua:8: EchoRequest on game: the connection has ended",
        "closed\tclosed",
    ]);
    assert_eq!(world.failures(FailureKind::Closed), 5, "each counted once");
}

#[test]
fn what_goes_wrong_on_a_connection_without_measures_is_told_and_not_counted() {
    let mut world = plan(
        "function a:start()
             local game = self.robot:connect('game', 'tcp://127.0.0.1:4000', { measured = false })
             local _, err = game:try_request('EchoRequest', { Text = 5 })
             print(err.kind)
             print(select(2, pcall(game.send, game, 'Note', { n = 'x' })).kind)
             print(select(2, pcall(game.expect, game, 'Note', { timeout = '10ms' })).kind)
             self.robot:sleep(1)
             game:close()
             print(select(2, pcall(game.send, game, 'Note', {})).kind, select(2, pcall(game.watch, game, 'Note')).kind)
             print(select(2, pcall(game.every, game, 1, print)).kind)
         end
         a:on('Kick', function() print('not to be seen') end)",
    )
    .serve(|_, _, _| ());
    world.advance(100);
    world.server().bytes(&broken_kick());
    world.advance(2_000);
    world.expect(&["encode", "encode", "timeout", "closed\tclosed", "closed"]);
    let counted: Vec<_> = world.totals.failures().iter().map(|group| group.message.to_string()).collect();
    assert!(counted.is_empty(), "{counted:?}");
}

/// A message of the schema whose body is none.
fn broken_kick() -> Vec<u8> {
    frame(&[&[2, 0, 0, 0, 0, 0], &b"\x04\0\0\0Kick"[..], &[2, 0, 0, 0, 9, 9]].concat())
}

#[test]
fn a_connection_takes_no_fields_and_is_open_is_none_to_call() {
    let mut world = plan(
        "function a:start()
             local game = self.robot:connect('game', 'tcp://127.0.0.1:4000')
             print(game.is_open, game.nothing, tostring(game), pcall(function() game.level = 5 end))
             print(pcall(function() return game:is_open() end))
         end",
    )
    .echo();
    world.advance(1);
    world.expect(&[
        "true\tnil\tconnection game\tfalse\tmods/a.lua:3: a connection has no field of its own for 'level': put it in self",
        "false\tmods/a.lua:4: attempt to call a boolean value (method 'is_open')",
    ]);
}
