//! What robots measure by themselves, from the script to the report and the thresholds.

use throng_demo::ServerKind;

use crate::play::{BATTLE, GAME, Project, once, settings};
use crate::servers::Server;

#[test]
fn order_delays_gaps_lives_and_reconnects_reach_the_report_and_the_thresholds() {
    let server = Server::start(ServerKind::Game, &[]);
    let thresholds = "[thresholds]\n\"order.numbers.missing\" = \"== 2\"\n\"order.numbers.doubled\" = \"== 2\"\n\
                      \"delay.clock.p50\" = \"< 1s\"\n\"gap.beat.p50\" = \"> 19ms\"\n\
                      \"connect.game.reconnects\" = \"== 4\"\n\"connect.game.lifetime.max\" = \"> 20ms\"\n\
                      \"robots.rate.min\" = \"> 0.1\"\n\"request.talk::EchoRequest.ok\" = \"== 6\"\n\
                      \"group.talk.failures\" = \"== 0\"\n";
    let body = "
        for _, n in ipairs { 1, 2, 4, 4 } do throng.in_order('numbers', n) end
        for round = 1, 3 do
            throng.delay('clock', throng.time())
            throng.gap('beat')
            throng.group('talk', function() game:request('EchoRequest', { Text = 'x' }) end)
            self.robot:sleep('25ms')
            if round < 3 then
                game:close()
                game = self.robot:connect('game', throng.host)
            end
        end";
    let toml = settings(&server.url(), 2, &format!("{GAME}{thresholds}"));
    let played = Project::new(&toml, &once(body)).run(&[]);
    let report = played.passed();
    let order = report.row("orders", "numbers");
    assert_eq!((&order["count"], &order["missing"], &order["gaps"]), (&8.into(), &2.into(), &2.into()));
    let delay = report.row("delays", "clock");
    assert_eq!((&delay["count"], &delay["clock_set"]), (&6.into(), &0.into()));
    assert_eq!(report.row("gaps", "beat")["count"], 4);
    let talk = report.row("groups", "talk");
    assert_eq!((&talk["count"], &talk["requests"][0]["name"]), (&6.into(), &"EchoRequest".into()));
    assert_eq!((&talk["requests"][0]["ok"], report.books("EchoRequest").ok), (&6.into(), 6));
    let game = report.row("connections", "game");
    assert_eq!((&game["opened"], &game["reconnects"]), (&6.into(), &4.into()));
    assert!(game["lifetime_us"]["min"].as_u64().unwrap() >= 20_000, "{game}");
    assert_eq!(report.number("/robots/rate_per_s/robots"), 2);
    for title in
        ["\nGroups ", "\nDelays ", "above the fastest", "\nGaps ", "\nOrder ", "4 reconnects, lifetime p50 "]
    {
        assert!(played.stdout.contains(title), "no {title:?} in:\n{}", played.stdout);
    }
}

#[test]
fn moves_that_the_battle_server_pushes_are_in_order_and_bounded_by_a_round_trip() {
    let server = Server::start(ServerKind::Battle, &[]);
    let player = "local player = throng.mod()
        function player:start()
            self.battle = self.robot:connect('battle', throng.host)
            self.battle:request('handshake', {})
            self.battle:request('join', { room = 1, name = self.robot.name })
        end
        player:on('moved', function(self, msg)
            throng.check('in order', throng.in_order('moves', msg.seq, msg.id))
            throng.delay('moves', throng.now(), 's', msg.id)
        end)
        player:task('move', { wait = '20ms' }, function(self)
            self.battle:send('move', { x = 1, y = 2 })
            self.battle:request('get', { what = 'hello' })
        end)
        return player";
    let played = Project::new(&settings(&server.url(), 3, BATTLE), player).run(&["-t", "4s"]);
    let report = played.report();
    let order = report.row("orders", "moves");
    assert!(order["count"].as_u64().unwrap() > 20, "{order}");
    assert_eq!((&order["missing"], &order["doubled"], &order["late"]), (&0.into(), &0.into(), &0.into()));
    let delay = report.row("delays", "moves");
    assert_eq!((&delay["connection"], &delay["count"]), (&"battle".into(), &order["count"]));
    assert!(delay["fastest_at_most_us"].as_u64().is_some_and(|us| us > 0), "{delay}");
}
