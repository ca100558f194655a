//! Servers of raw protocols and of streams.

use super::project;

#[test]
fn on_message_gets_and_returns_bytes_of_a_raw_protocol() {
    project(
        "function a:start()
           local line = self.robot:connect('line', 'tcp://127.0.0.1:7000')
           self.reply = line:request('login', 'LOGIN bob')
           self.second = line:request('time', 'TIME')
         end
         a:on('*', function(self, bytes) self.push = bytes end)",
    )
    .test(
        "local server = world:server('tcp://127.0.0.1:7000')
         server:on_message(function(bytes, client)
           if bytes == 'TIME' then return '12', '100ms' end
           return bytes:lower()
         end)
         local robot = world:robot()
         world:advance('50ms')
         assert(robot.mods.a.reply == 'login bob' and not robot.mods.a.second)
         world:advance('1s')
         assert(robot.mods.a.second == '12' and server:count() == 2 and server:received()[2] == 'TIME')
         local ok, err = pcall(server.on, server, 'login', function() end)
         assert(not ok and err:find('use on_message'))",
    )
    .passes();
}

#[test]
fn raw_messages_are_pushed_as_bytes() {
    project(
        "function a:start() self.robot:connect('b', 'ws://127.0.0.1:8799') end
         a:on('*', function(self, bytes) self.got = (self.got or '') .. bytes end)",
    )
    .test(
        "local server = world:server('ws://127.0.0.1:8799')
         local robot = world:robot()
         world:advance('1s')
         assert(server:push('\\0x') == 1)
         server:clients()[1]:push('y')
         server:clients()[1]:write('z')
         world:advance('1s')
         assert(robot.mods.a.got == '\\0xyz')",
    )
    .passes();
}

#[test]
fn streams_are_bytes_both_ways() {
    project(
        "function a:start()
           local s = self.robot:connect('s', 'tcp://127.0.0.1:6379', { protocol = 'stream' })
           s:write('PING\\r\\n')
           self.line = s:read_line()
           self.more = s:read_exactly(4)
         end",
    )
    .test(
        "local server = world:server('tcp://127.0.0.1:6379')
         server:on_bytes(function(bytes, client)
           client:write('1234', '300ms')
           return '+PO' .. #bytes .. '\\r\\n', '100ms'
         end)
         local robot = world:robot()
         world:advance('200ms')
         assert(robot.mods.a.line == '+PO6' and not robot.mods.a.more)
         world:advance('200ms')
         assert(robot.ready and robot.mods.a.more == '1234')
         assert(server:count() == 1 and server:received()[1] == 'PING\\r\\n' and server:write('x') == 1)",
    )
    .passes();
}

#[test]
fn on_bytes_makes_a_stream_of_an_address_that_has_a_protocol() {
    project("function a:start() self.robot:connect('s', 'tcp://h:7000', { protocol = 'stream' }):write('abc') end")
        .test(
            "local server, got = world:server('tcp://h:7000'), nil
             server:on_bytes(function(bytes) got = bytes end)
             world:robot()
             world:advance(1)
             assert(got == 'abc')
             local ok, err = pcall(server.push, server, 'Note', {})
             assert(not ok and err:find('a stream has no messages'))",
        )
        .passes();
    project("")
        .test("\nworld:server(throng.host):on_bytes(print)")
        .fails_at(2, "a stream is not spoken over WebSocket");
}

#[test]
fn names_resolve_to_this_machine_and_protocols_can_be_chosen() {
    project(
        "function a:start()
           self.reply = self.robot:connect('x', 'tcp://game.test:9000', { protocol = 'lines' }):request('x', 'hey')
         end",
    )
    .test(
        "world:server('tcp://game.test:9000', { protocol = 'lines' }):on_message(function(bytes) return bytes .. '?' end)
         local robot = world:robot()
         world:advance(1)
         assert(robot.mods.a.reply == 'hey?')",
    )
    .passes();
}
