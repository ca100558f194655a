//! `require "sproto"`: the reference's own library from Lua, on bytes that the reference made.

use crate::world::{World, plan};
use std::time::Duration;

/// The schema of the vectors below.
const SCHEMA: &str = "local text = [[
.Pos { x 0 : integer y 1 : integer z 2 : double }
.Item { id 0 : integer name 1 : string }
.All { hp 0 : integer name 1 : string alive 2 : boolean gold 3 : integer(2) pos 4 : Pos stats 5 : *integer
    path 6 : *Pos items 7 : *Item(id) speed 8 : double }
.package { type 0 : integer session 1 : integer ud 2 : string }
.Req { a 0 : integer b 1 : *string }
echo 1 { request { text 0 : string } response { text 0 : string n 1 : integer } }
ask 2 { response { ok 0 : boolean } }
ack 3 { response nil }
fire 4 { }
push 7 { request Req }
]] ";

const SETUP: &str = "local sproto = require 'sproto'
local c = throng.crypto
local sp = sproto.parse(text)
local function same(what, found, wanted)
  if found ~= wanted then print(what, found, wanted) end
end
local function hex(bytes) return c.hex(bytes) end
";

fn robot(start: &str) -> World {
    let mut world = plan(&format!(
        "{SCHEMA}{SETUP}
         function a:start()
           {start}
           print 'done'
         end"
    ))
    .echo();
    world.advance(1);
    world
}

#[track_caller]
fn plays(start: &str) {
    robot(start).expect(&["done"]);
}

/// That `call` raises an error with the caller's file and `text`.
#[track_caller]
fn refuses(call: &str, text: &str) {
    let told = robot(&format!("print(pcall(function() {call} end))")).told();
    assert!(told[0].starts_with("false\tmods/a.lua:") && told[0].contains(text), "{told:?}");
}

#[test]
fn messages_have_the_bytes_of_the_reference() {
    plays(
        "same('hp', hex(sp:encode('All', { hp = 0 })), '01000200')
         same('double', hex(sp:encode('All', { speed = 0.1 })), '02000f000000080000009a9999999999b93f')
         same('empty', hex(sp:encode('All', {})), '0000')
         local body = { hp = -5, name = 'a', alive = true, gold = 1.25, pos = { x = 1, z = 0.5 }, stats = { 1, 2 },
           path = { {}, { y = 3 } }, items = { [7] = { id = 7, name = 'key' } } }
         local bytes = sp:encode('All', body)
         local back, used = sp:decode('All', bytes .. 'what follows')
         same('used', used, #bytes)
         same('hp', back.hp, -5) same('name', back.name, 'a') same('alive', back.alive, true)
         same('gold', back.gold, 1.25) same('pos', back.pos.x + back.pos.z, 1.5) same('stats', #back.stats, 2)
         same('path', back.path[2].y, 3) same('items', back.items[7].name, 'key')
         same('packed', sp:pdecode('All', sp:pencode('All', body)).items[7].name, 'key')",
    );
}

#[test]
fn what_is_done_again_is_the_same() {
    plays(
        "local other = sproto.parse '.All { name 0 : string }'
         local zero = c.from_hex '01000200'
         for i = 1, 3 do
           same('encode', hex(sp:encode('All', { hp = 0 })), '01000200')
           same('the other', hex(other:encode('All', { name = 'a' })), '010000000100000061')
           same('nothing', hex(sp:encode('All')), '0000')
           same('pencode', hex(sp:pencode('All', { hp = 300 })), hex(sproto.pack(sp:encode('All', { hp = 300 }))))
           local back, used = sp:decode('All', zero .. 'what follows')
           same('hp', back.hp, 0) same('used', used, 4)
           back, used = sp:pdecode('All', sproto.pack(zero))
           same('packed hp', back.hp, 0) same('packed used', used, 4)
           same('name', other:decode('All', other:encode('All', { name = 'a' })).name, 'a')
         end",
    );
}

#[test]
fn what_is_done_wrong_again_is_told_the_same() {
    for (call, text) in [
        ("sp:encode('All', { hp = 'x' })", "All.hp is not an integer (it is a string)"),
        ("sp:pencode('All', { hp = 'x' })", "All.hp is not an integer (it is a string)"),
        ("sp:encode('All', 5)", "All is a table of its fields"),
        ("sp:encode('Al', {})", "unknown type 'Al'"),
        ("sp:encode(nil, {})", "wanted the name of a type"),
        ("sp:decode('All', '\\1\\0')", "the message's header is cut short"),
        ("sp:decode('All', {})", "wanted a message as a string of bytes"),
        ("sp:pdecode('All', '\\xff')", "in the middle of a word"),
        ("sp:pdecode('All', 5)", "wanted what it unpacks as a string of bytes"),
        ("sp.encode({}, 'All', {})", "with a colon"),
    ] {
        let used = "sp:encode('All', {}) sp:decode('All', sp:encode('All', {})) sp:pdecode('All', sp:pencode('All', {}))";
        refuses(&format!("{used} {call}"), text);
        refuses(&format!("pcall(function() {call} end) {call}"), text);
    }
}

#[test]
fn packing_has_the_bytes_of_the_reference() {
    plays(
        "for plain, packed in pairs {
           ['445d5ad2'] = '0f445d5ad2', ['1cc78c0cbea89d3df3'] = 'ff001cc78c0cbea89d3d01f3', [''] = '',
         } do
           same('pack', hex(sproto.pack(c.from_hex(plain))), packed)
           same('unpack', hex(sproto.unpack(c.from_hex(packed))):sub(1, #plain), plain)
         end",
    );
    refuses("sproto.unpack('\\xff')", "in the middle of a word");
}

#[test]
fn calls_have_the_bytes_of_the_reference() {
    plays(
        "local client, server = sp:host 'package', sp:host()
         local request = client:attach(sp)
         local bytes = request('echo', { text = 'hi' }, 1)
         same('request', hex(bytes), '5502040401c4026869')
         local kind, name, args, respond, ud = server:dispatch(bytes)
         same('kind', kind, 'REQUEST') same('name', name, 'echo') same('text', args.text, 'hi') same('ud', ud, nil)
         bytes = respond { text = 'hi', n = 2 }
         same('response', hex(bytes), '5502010402140602036869')
         local kind, session, result = client:dispatch(bytes)
         same('kind', kind, 'RESPONSE') same('session', session, 1) same('n', result.n, 2)
         same('once', pcall(client.dispatch, client, bytes), false)

         bytes = request('echo', { text = 'hi' })
         same('no session', hex(bytes), '1501040131026869')
         same('no response', (select(4, server:dispatch(bytes))), nil)

         bytes = request('echo', { text = 'hi' }, 32767, 'alpha')
         same('ud', hex(bytes), '0503043104ff7ff105616c706823610102066869')
         local _, _, _, respond, ud = server:dispatch(bytes)
         same('ud', ud, 'alpha')
         bytes = respond({ text = 'hi', n = 2 }, 'bravo')
         same('its ud', hex(bytes), '0503013104ff7ff10562726176a36f020602186869')
         same('its ud', (select(4, client:dispatch(bytes))), 'bravo')

         same('bare', hex(request 'ask'), '050106')
         local _, name, args, respond = server:dispatch(request('ack', nil, 5))
         same('ack', name, 'ack') same('nothing', args, nil)
         local kind, session, result = client:dispatch(respond())
         same('ack', kind .. session, 'RESPONSE5') same('nothing', result, nil)",
    );
    let dispatch = |hex: &str| format!("sp:host():dispatch(c.from_hex '{hex}')");
    refuses(&dispatch("1d02204e04"), "no protocol has the tag 9999");
    refuses(&dispatch("1502010c"), "no request waits for session");
    refuses(&dispatch("00"), "neither a type nor a session");
    refuses("sp:host():attach(sp)('fire', { a = 1 })", "'fire' takes nothing");
    refuses("sp:host():attach(sp)('eco', {})", "did you mean 'echo'?");
}

#[test]
fn schemas_travel_as_bundles_and_are_made_once() {
    plays(
        "local bundle = require('sprotoparser').parse(text)
         local loaded = sproto.new(bundle)
         same('echo', loaded:queryproto('echo').tag, 1)
         same('bytes', hex(loaded:encode('Item', { id = 3 })), hex(sp:encode('Item', { id = 3 })))
         for i = 1, 1000 do sproto.parse(text) end
         same('type', sp:exist_type 'Item' and not sp:exist_type 'Itme', true)
         same('protocol', sp:exist_proto 'push' and sp:exist_proto(7) and not sp:exist_proto 'pull', true)
         same('request', sp:queryproto('push').request, 'Req')
         same('confirm', sp:queryproto('ack').response, true)
         local bytes, tag = sp:request_encode('echo', { text = 'x' })
         same('tag', tag, 1)
         local args, name = sp:request_decode(1, bytes)
         same('args', name .. args.text, 'echox')
         same('response', sp:response_decode('ask', sp:response_encode('ask', { ok = true })).ok, true)",
    );
    refuses(
        "for i = 1, 300 do sproto.parse('.T' .. i .. ' { a 0 : integer }') end",
        "no more than 256 schemas",
    );
    refuses("sproto.parse '.T { a 0 integer }'", "schema:1");
    refuses("sproto.new 'no bundle'", "bundle");
}

#[test]
fn defaults_are_those_of_the_reference() {
    plays(
        "local all = sp:default 'All'
         same('hp', all.hp, 0) same('name', all.name, '') same('alive', all.alive, false)
         same('gold', math.type(all.gold), 'float') same('pos', all.pos.__type, 'Pos')
         same('stats', all.stats.__array, 0) same('path', all.path.__array, 'Pos')
         same('items', all.items.__array, 'Item')
         same('echo', sp:default('echo', 'RESPONSE').n, 0) same('none', sp:default('fire', 'REQUEST'), nil)",
    );
}

#[test]
fn what_is_wrong_is_said_where_it_was_written() {
    refuses("sp:encode('All', { hp = 'abc' })", "All.hp");
    refuses("sp:encode('Al', {})", "unknown type 'Al'; did you mean 'All'?");
    refuses("sp:decode('All', '\\1')", "cut short");
    refuses("sp.encode('All', {})", "with a colon");
    refuses("sp:host 'packge'", "no type 'packge'");
}

#[test]
fn a_host_that_robots_would_share_is_refused() {
    let file = format!(
        "{SCHEMA}{SETUP} local ok, why = pcall(sp.host, sp)
         function a:start() print(ok, (why:match 'put it in self')) end"
    );
    let mut world = plan(&file).echo();
    world.advance(1);
    world.expect(&["false\tput it in self"]);
}

/// What went well of the vectors, by kind.
const WELL: &str = "bundle-error 15, decode 175, decode-error 178, decode-unsafe 5, default 46, encode 329, \
    encode-error 31, pack 92, protocol-query 13, rpc 34, rpc-dispatch 6, rpc-error 9, schema-error 69, schema-ok 80, \
    too deep 4, unpack 43, unpack-error 15";

/// Vectors whose results are the reference's mistakes, and how they are refused.
const REFUSED: [(&str, usize); 3] =
    [("a double of 4 bytes", 3), ("a data block of 42949672", 8), ("more than 9 digits after the point", 1)];

#[test]
fn the_vectors_of_the_reference_hold_from_lua() {
    let vectors = include_str!("../../../throng-sproto/tests/data/vectors.jsonl");
    let lines: String = vectors.lines().map(|line| format!("[=====[{line}]=====],\n")).collect();
    let mut plan = plan(
        "local check, lines = require 'conformance', require 'vectors'
         function a:start()
           local wrong, well = check(lines)
           for _, why in ipairs(wrong) do print(why) end
           local kinds = {}
           for kind, count in pairs(well) do kinds[#kinds + 1] = kind .. ' ' .. count end
           table.sort(kinds)
           print(table.concat(kinds, ', '))
         end",
    )
    .file("lib/conformance.lua", include_str!("sproto/conformance.lua"))
    .file("lib/vectors.lua", &format!("return {{\n{lines}}}"));
    plan.change = Box::new(|project| {
        project.limits.deadline = Duration::from_secs(60);
        project.limits.memory = 1 << 30;
        project.limits.memory_per_resume = 1 << 30;
    });
    let mut world = plan.echo();
    world.advance(1);
    let told = world.told();
    let (well, wrong) = told.split_last().expect("the robot says how it went");
    assert_eq!(well, WELL, "{wrong:#?}");
    for (why, count) in REFUSED {
        assert_eq!(wrong.iter().filter(|line| line.contains(why)).count(), count, "{why}: {wrong:#?}");
    }
    assert_eq!(wrong.len(), REFUSED.iter().map(|(_, count)| count).sum::<usize>(), "{wrong:#?}");
}
