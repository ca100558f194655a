//! Ciphers, trailers, handshakes and documents, seen by a server that looks at the bytes.

use super::project;

#[test]
fn a_cipher_holds_from_the_next_frame_on() {
    project(
        "function a:start()
           local c = self.robot:connect('c', 'tcp://h:7000')
           self.plain = c:request('x', 'open')
           c:cipher {
             send = throng.crypto.rc4_stream('key'), receive = throng.crypto.rc4_stream('key'), covers = 'all',
           }
           self.first = c:request('x', 'hello')
           self.second = c:request('x', 'again')
           self.refused = select(2, pcall(c.cipher, c, { send = throng.crypto.rc4_stream('key') }))
           local stream = throng.crypto.rc4_stream('key')
           c:cipher { send = stream, covers = 'all' }
           self.twice = select(2, pcall(c.cipher, c, { receive = stream, covers = 'all' }))
         end",
    )
    .test(
        "local server, got = world:server('tcp://h:7000', { protocol = 'stream' }), {}
         server:on_bytes(function(bytes)
           got[#got + 1] = bytes
           return bytes
         end)
         local robot = world:robot()
         world:advance(1)
         local a = robot.mods.a
         assert(a.plain == 'open' and a.first == 'hello' and a.second == 'again', tostring(a.first))
         assert(got[1] == 'open\\n' and got[2] == throng.crypto.rc4('key', 'hello\\n'))
         assert(tostring(a.refused):find('cover all') and tostring(a.twice):find('has this stream already'))",
    )
    .passes();
}

#[test]
fn a_gate_has_a_handshake_sessions_behind_its_bodies_and_a_no() {
    project(
        "function a:start()
           local g = self.robot:connect('g', 'tcp://h:7001')
           self.hello = g:request('hello', 'user@server')
           self.reply = g:request('ask', 'abc')
           local ok, err = g:try_request('ask', 'no', { quiet = true })
           self.kind, self.code = err.kind, err.code
           g:try_request('ask', 'no')
         end",
    )
    .test(
        "local server, got = world:server('tcp://h:7001', { protocol = 'stream' }), {}
         server:on_bytes(function(bytes)
           got[#got + 1] = bytes
           local body = string.unpack('>s2', bytes)
           if #got == 1 then return string.pack('>s2', '200 OK') end
           local text, session = body:sub(1, -5), string.unpack('>I4', body, #body - 3)
           return string.pack('>s2', text .. string.pack('>BI4', text == 'no' and 0 or 1, session))
         end)
         local robot = world:robot()
         world:advance(1)
         local a = robot.mods.a
         assert(a.hello == '200 OK' and a.reply == 'abc', tostring(a.hello))
         assert(a.kind == 'rejected' and a.code == 0)
         local failures = world:failures()
         assert(#failures == 1 and failures[1].kind == 'rejected' and failures[1].count == 1 and failures[1].name == 'ask')
         assert(got[1] == string.pack('>s2', 'user@server'))
         assert(got[2] == string.pack('>s2', 'abc' .. string.pack('>I4', 1)))",
    )
    .passes();
}

#[test]
fn documents_are_read_and_what_is_none_is_counted() {
    project(
        "function a:start()
           local j = self.robot:connect('j', 'ws://h:8800')
           self.reply = j:request('login', { name = 'ann', list = { 1, 2 } })
           self.big = j:request('big').big
           j:send('end')
         end
         a:on('*', function(self, msg) self.pushed = msg.text end)",
    )
    .test(
        "local server = world:server('ws://h:8800')
         server:on('login', function(msg, client)
           client:push('notice', { text = msg.name .. #msg.list })
           return { gold = 10, items = {}, none = throng.json.null }
         end)
         server:on('big', function() return { big = string.rep('x', 100000) } end)
         local heard
         server:on('end', function(msg) heard = msg.cmd end)
         local robot = world:robot()
         world:advance(1)
         local a = robot.mods.a
         assert(robot.ready and a.reply.gold == 10 and a.reply.none == nil and #a.big == 100000)
         assert(a.pushed == 'ann2' and heard == 'end')",
    )
    .passes();
}

#[test]
fn a_server_speaks_what_comes_first_with_headers_and_trailers_both_ways() {
    project(
        "function a:start()
           local g = self.robot:connect('g', 'tcp://h:7001')
           self.hello = g:request('hello', 'user@server')
           self.reply = g:request('ask', 'abc')
           local ok, err = g:try_request('ask', 'no', { quiet = true })
           self.kind, self.code = err.kind, err.code
         end",
    )
    .test(
        "local server, got = world:server('tcp://h:7001'), {}
         local ok, err = pcall(server.on, server, 'message', function() end)
         assert(not ok and tostring(err):find('use on_message'), err)
         server:on_first(function(msg, client, name, header)
           assert(header == nil)
           got[#got + 1] = msg
           return '200 OK'
         end)
         server:on_message(function(msg, client, name, header)
           got[#got + 1] = msg .. header.session
           return msg, { header = { ok = msg == 'no' and 0 or 1 } }
         end)
         local robot = world:robot()
         world:advance(1)
         local a = robot.mods.a
         assert(a.hello == '200 OK' and a.reply == 'abc', tostring(a.hello))
         assert(a.kind == 'rejected' and a.code == 0)
         assert(table.concat(got, ' ') == 'user@server abc1 no2', table.concat(got, ' '))",
    )
    .passes();
}

#[test]
fn fields_around_a_message_are_the_script_s_to_give_and_the_server_s_to_see() {
    project(
        "function a:start()
           local s = self.robot:connect('s', 'tcp://h:7002')
           self.reply = s:request('Login', 'x', { header = { version = 3, player = 70000 } })
           s:send('Chat', 'hi', { header = { version = 4.0 } })
           s:send('Chat', 'hi')
           local function refused(header)
             return tostring(select(2, pcall(s.request, s, 'Login', 'x', { header = header })))
           end
           self.unknown, self.large = refused { versoin = 1 }, refused { version = 256 }
           self.own, self.word = refused { seq = 1 }, refused { version = 'x' }
         end
         a:on('Notice', { header = true }, function(self, msg, _, header) self.heard = msg .. header.player end)",
    )
    .test(
        "local server, got = world:server('tcp://h:7002'), {}
         local function keep(msg, client, name, header)
           got[#got + 1] = name .. header.version .. ':' .. header.player
         end
         server:on('Login', function(msg, client, name, header)
           keep(msg, client, name, header)
           client:push('Notice', 'note', { delay = '1ms', header = { player = 9 } })
           return 'welcome'
         end)
         server:on('Chat', keep)
         local robot = world:robot()
         world:advance(1)
         local a = robot.mods.a
         assert(a.reply == 'welcome' and a.heard == 'note9', tostring(a.heard))
         assert(table.concat(got, ' ') == 'Login3:70000 Chat4:0 Chat0:0', table.concat(got, ' '))
         assert(a.unknown:find(\"unknown header field 'versoin'; did you mean 'version'?\", 1, true), a.unknown)
         assert(a.large:find('256 does not fit `version`, which is u8', 1, true), a.large)
         assert(a.own:find('`seq` is the session', 1, true), a.own)
         assert(a.word:find('whole number', 1, true), a.word)",
    )
    .passes();
}
