//! Servers of protocols with messages.

use super::project;

/// A mod that logs in over WebSocket, then echoes once a second.
const PLAYER: &str = "
function a:start()
  local game = self.robot:connect('game', throng.host)
  self.value = game:request('LoginRequest', { Name = 'bob', Password = 'pw' }).MyValue
end
a:task('echo', function(self) self.text = self.robot.game:request('EchoRequest', { Text = 'hi' }).Text end)
a:on('KickNotify', function(self, msg) self.kicked = msg.Reason end)
function a:closed(connection, why) self.why = why.kind end
";

const SERVER: &str = "
local server = world:server('ws://127.0.0.1:8765')
server:on('LoginRequest', function(msg) return { MyValue = #msg.Name } end)
server:on('EchoRequest', function(msg) return { Text = msg.Text .. '!' } end)
local robot = world:robot()
";

#[test]
fn handlers_answer_requests_with_a_reply_s_fields() {
    project(PLAYER)
        .test(&format!(
            "{SERVER} world:advance('3500ms')
             assert(robot.ready and robot.mods.a.value == 3 and robot.mods.a.text == 'hi!')
             assert(server:count('LoginRequest') == 1 and server:count('EchoRequest') >= 3)
             assert(server:count() == server:count('LoginRequest') + server:count('EchoRequest'))
             assert(server:received('LoginRequest')[1].Password == 'pw' and #server:received() == server:count())
             assert(server:count('Note') == 0 and #server:received('Note') == 0)"
        ))
        .passes();
}

#[test]
fn pushes_go_to_all_clients_or_to_one() {
    project(PLAYER)
        .test(&format!(
            "{SERVER} local other = world:robot()
             world:advance('1s')
             assert(server:push('KickNotify', {{ Reason = 'all' }}) == 2)
             world:advance(0)
             assert(robot.mods.a.kicked == 'all' and other.mods.a.kicked == 'all')
             local clients = server:clients()
             assert(#clients == 2 and clients[1] == server:clients()[1] and clients[1].id ~= clients[2].id)
             clients[2]:push('KickNotify', {{ Reason = 'one' }}, '50ms')
             world:advance('49ms')
             assert(robot.mods.a.kicked == 'all' and other.mods.a.kicked == 'all')
             world:advance('1ms')
             assert((robot.mods.a.kicked == 'one') ~= (other.mods.a.kicked == 'one'))"
        ))
        .passes();
}

#[test]
fn a_reply_can_be_delayed_to_the_millisecond() {
    project(
        "function a:start()
           local game = self.robot:connect('game', throng.host)
           game:request('LoginRequest', {})
           self.at = throng.now()
           local reply, err = game:try_request('EchoRequest', {})
           self.err = err
           self.after = throng.now()
         end",
    )
    .test(
        "local server = world:server('ws://127.0.0.1:8765')
         server:on('LoginRequest', function() return {}, '250ms' end)
         server:on('EchoRequest', function() return {}, 5 end)
         local robot = world:robot()
         world:advance('10s')
         assert(robot.mods.a.at == 0.25, robot.mods.a.at)
         assert(robot.mods.a.err.kind == 'timeout' and robot.mods.a.after == 2.25)",
    )
    .passes();
}

#[test]
fn a_client_is_answered_later_by_name_or_the_oldest_first() {
    project(
        "function a:start()
           local game = self.robot:connect('game', throng.host)
           self.done = {}
           self.robot:all(
             function() self.value = game:request('LoginRequest', {}).MyValue; self.login = throng.now() end,
             function() self.text = game:request('EchoRequest', {}).Text; self.echo = throng.now() end)
         end",
    )
    .test(
        "local server, client = world:server('ws://127.0.0.1:8765'), nil
         server:on('LoginRequest', function(msg, c) client = c end)
         server:on('EchoRequest', function() end)
         local robot = world:robot()
         world:advance('100ms')
         client:reply('EchoRequest', { Text = 'late' })
         world:advance('100ms')
         client:reply({ MyValue = 9 }, '200ms')
         world:advance('1s')
         assert(robot.mods.a.echo == 0.1 and robot.mods.a.text == 'late')
         assert(robot.mods.a.login == 0.4 and robot.mods.a.value == 9)
         local ok, err = pcall(client.reply, client, {})
         assert(not ok and err:find('waits for no reply'))",
    )
    .passes();
}

#[test]
fn nil_and_false_are_no_answer() {
    project(
        "function a:start()
           local game = self.robot:connect('game', throng.host)
           self.robot:all(function() self.one = select(2, game:try_request('LoginRequest', {})) end,
             function() self.two = select(2, game:try_request('EchoRequest', {})) end)
         end",
    )
    .test(
        "local server = world:server('ws://127.0.0.1:8765')
         local client
         server:on('LoginRequest', function() return false end)
         server:on('EchoRequest', function(_, c) client = c return nil end)
         local robot = world:robot()
         world:advance('1s')
         assert(not robot.ready and not pcall(client.reply, client, 'LoginRequest', {}))
         world:advance('2s')
         assert(robot.ready and robot.mods.a.one.kind == 'timeout' and robot.mods.a.two.kind == 'timeout')",
    )
    .passes();
}

#[test]
fn on_message_hears_what_has_no_handler() {
    project("function a:start() local g = self.robot:connect('game', throng.host) g:send('Note', { n = 3 }) g:send('EchoRequest', {}) end")
        .test(
            "local server, heard = world:server(throng.host), {}
             server:on('EchoRequest', function() end)
             server:on_message(function(msg, client, name) heard[#heard + 1] = name .. msg.n end)
             world:robot()
             world:advance(1)
             assert(#heard == 1 and heard[1] == 'Note3')",
        )
        .passes();
}

#[test]
fn rpc_servers_answer_sessions_by_protocol_name() {
    project(
        "function a:start()
           local battle = self.robot:connect('battle', 'tcp://127.0.0.1:8767')
           self.welcome = battle:request('handshake').msg
           battle:send('set', { what = 'k', value = 'v' })
           self.result = battle:request('get', { what = 'k' }).result
           battle:request('set', { what = 'k', value = 'w' })
           battle:request('save')
           self.saved = true
         end
         a:on('heartbeat', function(self) self.beats = (self.beats or 0) + 1 end)
         a:on('moved', function(self, msg) self.moved = msg.id end)",
    )
    .test(
        "local battle, values = world:server('tcp://127.0.0.1:8767'), {}
         battle:on('handshake', function() return { msg = 'welcome' } end)
         battle:on('set', function(msg) values[msg.what] = msg.value end)
         battle:on('get', function(msg) return { result = values[msg.what] } end)
         battle:on('save', function() return {} end)
         local robot = world:robot()
         world:advance('1s')
         battle:push('heartbeat')
         battle:push('moved', { id = 5 })
         world:advance('1s')
         local a = robot.mods.a
         assert(robot.ready and a.welcome == 'welcome' and a.result == 'v' and a.saved and a.beats == 1 and a.moved == 5)
         assert(values.k == 'w' and battle:count('set') == 2)",
    )
    .passes();
}

#[test]
fn names_are_checked_against_the_protocol() {
    let refused = |line: &str, message: &str| {
        let body = format!(
            "local server = world:server(throng.host)\nlocal battle = world:server('tcp://h:8767')\n{line}"
        );
        project("").test(&body).fails_at(3, message);
    };
    refused("server:on('LoginReqest', function() end)", "did you mean 'LoginRequest'?");
    refused("server:push('KickNotfy', {})", "did you mean 'KickNotify'?");
    refused("server:count('Ehco')", "unknown message 'Ehco'");
    refused("battle:on('heartbeat', function() end)", "'heartbeat' is sent by servers, not by robots");
    refused("battle:push('get', {})", "'get' is sent by robots, not by servers");
    refused("server:on('Note')", "on wants a function, not nil");
    refused("server.on('Note', function() end)", "write server:on(...), with a colon");
    refused("world:server('tcp://h:8767')", "there is a server at this address already");
    refused("world:server('quic://h:1')", "'quic' is not a scheme");
    refused("world:server('tcp://h:1', { protocol = 'gmae' })", "did you mean 'game'?");
    refused("world:server('ws://h:1', { protocol = 'stream' })", "a stream is not spoken over WebSocket");
}

#[test]
fn a_handler_s_error_fails_the_test_at_its_line() {
    project(PLAYER)
        .test(&format!(
            "{SERVER}\nserver:on('EchoRequest', function()\n  return nil + 1\nend)\nworld:advance('9s')"
        ))
        .fails_at(8, "attempt to perform arithmetic on a nil value");
    project(PLAYER)
        .test(&format!(
            "{SERVER}\nserver:on('EchoRequest', function() return {{ Text = 5 }} end)\nworld:advance('9s')"
        ))
        .fails()
        .message
        .contains("EchoResponse.Text")
        .then_some(())
        .expect("the field is named");
}

#[test]
fn a_server_ends_connections_in_order_or_resets_them() {
    let check = |end: &str, why: &str| {
        project(PLAYER)
            .test(&format!(
                "{SERVER} local ended = 0
                 server:on_close(function() ended = ended + 1 end)
                 world:advance('1s')
                 local client = server:clients()[1]
                 assert(client:is_open() and robot.connections.game and #robot.connections == 1)
                 {end}
                 world:advance(0)
                 assert(not client:is_open() and #server:clients() == 0 and ended == 1)
                 assert(robot.mods.a.why == '{why}', robot.mods.a.why)
                 assert(not robot.connections.game and #robot.connections == 0)
                 client:push('KickNotify', {{}})"
            ))
            .passes();
    };
    check("client:close()", "server");
    check("client:close(1001)", "server");
    check("server:close()", "server");
    check("client:reset()", "reset");
}

#[test]
fn a_failure_has_the_code_that_its_connection_was_closed_with() {
    project(
        "function a:start()
           local game = self.robot:connect('game', throng.host)
           self.asked = select(2, game:try_request('LoginRequest', {}))
           self.waited = select(2, pcall(game.expect, game, 'KickNotify'))
           self.robot:connect('game', throng.host)
           self.waited = select(2, pcall(self.robot.game.expect, self.robot.game, 'KickNotify'))
           self.none = select(2, self.robot:connect('game', throng.host):try_request('LoginRequest', {}))
         end",
    )
    .test(
        "local server = world:server('ws://127.0.0.1:8765')
         server:on('LoginRequest', function() end)
         local robot = world:robot()
         world:advance('100ms')
         server:close(4001)
         world:advance('100ms')
         server:close(4002)
         world:advance('3s')
         local a = robot.mods.a
         assert(a.asked.kind == 'closed' and a.asked.code == 4001, a.asked.code)
         assert(a.waited.code == 4002 and a.none.kind == 'timeout' and a.none.code == nil)",
    )
    .passes();
}

#[test]
fn an_address_that_is_none_is_on_the_timeline() {
    let failure = project("function a:start() self.robot:connect('game', 'gopher://127.0.0.1:70') end")
        .test("world:server('ws://127.0.0.1:8765') world:robot() world:advance('1s') error('look')")
        .fails();
    let told = |event: &crate::testing::TestEvent| event.text.starts_with("unreachable of connect:");
    assert!(failure.last.iter().any(told), "{failure:#?}");
}

#[test]
fn the_name_of_a_connection_cannot_be_assigned() {
    project(
        "function a:start()
           local game = self.robot:connect('game', throng.host)
           self.refused = select(2, pcall(function() self.robot.game = 5 end))
           self.same = self.robot.game == game and self.robot.connections.game == game
           for name, connection in pairs(self.robot.connections) do self.found = name end
           game:close()
           self.gone = select(2, pcall(function() return self.robot.game end))
         end",
    )
    .test(
        "world:server('ws://127.0.0.1:8765')
         local robot = world:robot()
         world:advance('1s')
         local a = robot.mods.a
         local wanted = \"mods/a.lua:3: 'game' of a robot cannot be set: it is a connection; put what is yours in self\"
         assert(a.refused == wanted, a.refused)
         assert(a.same and a.found == 'game' and a.gone.kind == 'not_connected')",
    )
    .passes();
}

#[test]
fn a_server_can_refuse_and_accept_again() {
    project(
        "function a:start()
           local options = { retry = { first = '1s', max = '1s', tries = 20 } }
           self.robot:connect('game', throng.host, options)
           self.up = throng.now()
         end",
    )
    .test(
        "local server, connects = world:server(throng.host), 0
         server:on_connect(function(client) connects = connects + 1 end)
         server:refuse()
         local robot = world:robot()
         world:advance('5s')
         assert(robot.state == 'starting' and connects == 0)
         server:accept()
         world:advance('2s')
         assert(robot.ready and connects == 1 and robot.mods.a.up > 5)
         server:refuse()
         robot:restart()
         world:advance('5s')
         assert(not robot.ready)
         for _, failure in ipairs(world:failures()) do assert(failure.kind == 'refused', failure.kind) end",
    )
    .passes();
    let refused = project("function a:start() self.robot:connect('game', 'tcp://127.0.0.1:7000') end").test(
        "local robot = world:robot()
         world:server('tcp://127.0.0.1:7000'):refuse()
         world:advance(1)
         assert(robot.state == 'failed' and world:failures()[1].kind == 'refused')",
    );
    refused.passes();
}

#[test]
fn addresses_with_tls_are_served_like_those_without() {
    let connect = "local server = world:server('wss://127.0.0.1/play')
         server:on('LoginRequest', function(msg) return { MyValue = #msg.Name } end)
         local robot = world:robot()
         world:advance('1s')
         assert(robot.ready and robot.mods.a.value == 3 and server:count('LoginRequest') == 1)";
    project(&PLAYER.replace("throng.host", "'wss://127.0.0.1:443/play'")).test(connect).passes();
    let mut by_default = project(&PLAYER.replace("throng.host", "'10.0.0.9:8767'"));
    by_default.settings.tls_by_default = true;
    by_default.test(&connect.replace("wss://127.0.0.1/play", "10.0.0.9:8767")).passes();
}
