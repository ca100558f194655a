//! `throng.protobuf`: schemas of texts, messages to bytes and back, and what is said about mistakes.

use crate::world::{World, plan};

const SCHEMA: &str = "local schema = throng.protobuf.parse [[
  syntax = 'proto3'; package game;
  enum Kind { NONE = 0; ORC = 1; }
  message Unit { string name = 1; Kind kind = 2; map<string, int64> items = 3; repeated Unit pets = 4; uint64 id = 5; }
]]
";

fn robot(start: &str) -> World {
    let mut world = plan(&format!(
        "{SCHEMA}
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

#[track_caller]
fn refuses(call: &str, text: &str) {
    let told = robot(&format!("print(pcall(function() {call} end))")).told();
    assert!(told[0].starts_with("false\tmods/a.lua:") && told[0].contains(text), "{told:?}");
}

#[test]
fn messages_go_to_bytes_and_back() {
    plays(
        "local unit = { name = 'Grom', kind = 'ORC', items = { axe = 2 }, pets = { { name = 'wolf', kind = 7 } }, id = -1 }
         local bytes = schema:encode('game.Unit', unit)
         local back, unknown = schema:decode('Unit', bytes)
         assert(back.name == 'Grom' and back.kind == 'ORC' and back.items.axe == 2 and back.id == -1)
         assert(back.pets[1].kind == 7 and unknown == 0)
         assert(schema:encode('Unit') == '' and schema:decode('Unit', '').name == '')
         assert(select(2, schema:decode('Unit', '\\x48\\x01\\x22\\x02\\x48\\x01')) == 2)
         assert(schema:encode('Unit', { name = 'x' }) == '\\x0a\\x01x')",
    );
}

#[test]
fn the_same_text_is_one_schema_however_often_it_is_parsed() {
    plays(
        "for i = 1, 1000 do
           throng.protobuf.parse \"syntax = 'proto3'; message M { int32 x = 1; }\"
         end",
    );
}

#[test]
fn mistakes_are_told_where_they_are() {
    refuses("schema:encode('Uint', {})", "did you mean `game.Unit`");
    refuses("schema:encode('Unit', { kind = 'ORK' })", "ORC");
    refuses("schema:encode('Unit', { name = {} })", "Unit.name");
    refuses("schema:encode('Unit', 5)", "table of its fields");
    refuses("schema:decode('Unit', '\\x0a\\x05x')", "Unit");
    refuses("schema:decode('Unit', 5)", "string of bytes");
    refuses("schema.encode('Unit', {})", "with a colon");
    refuses("throng.protobuf.parse 'message'", "schema.proto");
    refuses("throng.protobuf.of('shop')", "unknown protocol 'shop'");
    refuses(
        "for i = 1, 100 do throng.protobuf.parse('syntax = \"proto3\"; message M' .. i .. ' {}') end",
        "at file level",
    );
}
