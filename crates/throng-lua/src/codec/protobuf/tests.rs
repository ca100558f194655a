//! Messages through Lua tables and back, against the codec's own tree of values, and how much memory they take.

use super::super::raw::register_keys;
use super::*;
use proptest::prelude::*;
use throng_protobuf::{SourceFile, Value as Tree, encode_value};

const SCHEMA: &str = r#"
    syntax = "proto2";
    enum Kind { NONE = 0; ORC = 1; }
    message Leaf { optional string name = 1 [default = "a default that is longer than short strings of Lua are"]; }
    message All {
        optional int32 a = 1; optional int64 b = 2; optional uint32 c = 3; optional uint64 d = 4; optional sint64 e = 5;
        optional fixed64 f = 6; optional double g = 7; optional float h = 8; optional bool i = 9; optional string j = 10;
        optional bytes k = 11; optional Kind l = 12 [default = ORC]; optional Leaf m = 13; repeated int32 n = 14 [packed = true];
        repeated string o = 15; repeated All p = 16; map<string, int64> q = 17; map<int32, Leaf> r = 18;
        oneof which { Leaf s = 19; int32 t = 20; All v = 22; }
        repeated Kind u = 21; map<bool, string> w = 23; repeated Leaf x = 24;
    }
"#;

const EXTREMES: &str =
    "{ a = -2147483648, b = math.mininteger, c = 4294967295, d = -1, e = -5, f = math.mininteger,
    g = 0.1, h = 0.5, i = true, j = 'text', k = '\\0\\255', l = 'ORC', m = { name = 'x' }, n = { 1, -1, 300 },
    o = { '', 'b' }, p = { {}, { a = 1 } }, q = { x = 1, y = -2 }, r = { [-7] = { name = 'y' } }, t = 9,
    u = { 'NONE', 'ORC', 'NONE' }, w = { [true] = 'yes' } }";

struct Bench {
    lua: Lua,
    /// In a place of its own: its address is what its keys are found by.
    schema: Box<Schema>,
    keys: Table,
    ty: MessageId,
}

impl Bench {
    fn new() -> Bench {
        let schema =
            Box::new(Schema::compile(&[SourceFile { name: "t.proto", text: SCHEMA }]).expect("a schema"));
        let ty = schema.find_message("All").expect("All");
        let lua = Lua::new();
        let keys = keys(&lua, &schema).expect("keys");
        register_keys(&lua, &*schema, &keys).expect("room for keys");
        Bench { lua, schema, keys, ty }
    }

    fn encode(&self, source: &str) -> Result<Vec<u8>, String> {
        let table: Table = self.lua.load(source).eval().expect("valid Lua");
        let mut out = Vec::new();
        encode(&self.lua, &self.keys, &table, &self.schema, self.ty, &mut out).map(|()| out)
    }

    /// Both ways to encode and decode agree; the message as the schema's own tree.
    fn decode(&self, bytes: &[u8], defaults: Defaults) -> Result<Table, String> {
        let safely = decode(&self.lua, &self.keys, (&self.schema, self.ty), defaults, bytes);
        let mut pushed = None;
        // SAFETY: the test's state has no limit of memory; the function leaves what it pushed.
        let value: Value = unsafe {
            self.lua.exec_raw((), |state| {
                pushed = decode_onto(state, (&self.schema, self.ty), defaults, bytes);
                if pushed.is_none() {
                    assert_eq!(ffi::lua_gettop(state), 0);
                    ffi::lua_pushnil(state);
                }
            })
        }
        .expect("no error");
        assert_eq!(pushed, safely.as_ref().ok().map(|(_, unknown)| *unknown));
        if let Ok((safely, _)) = &safely {
            assert_eq!(self.encoded_at(safely), self.encoded_at(&value), "both ways build the same");
        }
        safely.map(|(value, _)| value.as_table().expect("a table").clone())
    }

    /// Without maps of several entries, whose order is anyone's, the bytes are the same each time.
    fn encoded_at(&self, value: &Value) -> Option<usize> {
        let mut out = Vec::new();
        let mut fits = false;
        // SAFETY: the function leaves nothing and raises nothing.
        unsafe {
            self.lua
                .exec_raw::<()>(value, |state| {
                    fits = encode_at(state, 1, &self.schema, self.ty, &mut out).is_ok();
                    ffi::lua_settop(state, 0);
                })
                .expect("no error");
        }
        fits.then_some(out.len())
    }
}

#[test]
fn fields_that_the_schema_does_not_know_are_counted() {
    let bench = Bench::new();
    // 40 is none of the message's, and 9 none of the nested one's.
    for (bytes, wanted) in
        [(&b"\x08\x01"[..], 0), (b"\xc0\x02\x07\x08\x01", 1), (b"\x6a\x02\x48\x01\xc0\x02\x07", 2)]
    {
        let decoded = decode(&bench.lua, &bench.keys, (&bench.schema, bench.ty), Defaults::Leave, bytes);
        assert_eq!(decoded.unwrap().1, wanted, "{bytes:?}");
        bench.decode(bytes, Defaults::Leave).unwrap();
    }
}

#[test]
fn every_type_goes_through_a_table_and_back() {
    let bench = Bench::new();
    let bytes = bench.encode(EXTREMES).unwrap();
    let table = bench.decode(&bytes, Defaults::Leave).unwrap();
    let check: mlua::Function = bench
        .lua
        .load(
            "local function same(a, b) \
               if type(a) ~= 'table' then return a == b and math.type(a) == math.type(b) end \
               for k, v in pairs(a) do if not same(v, b[k]) then return false end end \
               for k in pairs(b) do if a[k] == nil then return false end end \
               return true \
             end return same",
        )
        .eval()
        .unwrap();
    let expected: Table = bench.lua.load(EXTREMES).eval().unwrap();
    assert!(check.call::<bool>((expected, table)).unwrap());
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    let bench = Bench::new();
    let error = |source: &str| bench.encode(source).unwrap_err();
    assert_eq!(error("{ a = 'x' }"), "All.a is not an integer (it is a string)");
    assert!(error("{ a = 2147483648 }").starts_with("All.a cannot hold 2147483648"));
    assert_eq!(error("{ l = 'ORK' }"), "All.l has no value `ORK` in Kind, did you mean `ORC`?");
    assert_eq!(error("{ u = { 'ORC', {} } }"), "All.u[2] is not an enum's name or number (it is a table)");
    assert!(error("{ s = {}, t = 1 }").contains("which"));
    assert!(error("{ m = 5 }").starts_with("All.m is not"));
    assert!(error("(function() local t = {} t.p = { t } return t end)()").contains("nests more than"));
    assert!(bench.decode(b"\x0a", Defaults::Leave).is_err());
}

#[test]
fn absent_fields_are_told_as_wanted() {
    let bench = Bench::new();
    let count = |defaults| bench.decode(b"", defaults).unwrap().pairs::<Value, Value>().count();
    assert_eq!(count(Defaults::Leave), 0);
    assert_eq!(count(Defaults::Scalars), 1, "proto2 tells the defaults that are written");
    assert_eq!(count(Defaults::All), 9, "and five arrays and three maps");
    assert_eq!(bench.decode(b"", Defaults::Scalars).unwrap().get::<String>("l").unwrap(), "ORC");
}

#[test]
fn parts_of_a_field_come_together_and_of_a_oneof_the_last_counts() {
    let bench = Bench::new();
    let parts = bench.decode(b"\x70\x01\x08\x05\x72\x02\x02\x03\x98\x01\x00", Defaults::Leave);
    assert!(parts.is_err(), "a message is no number");
    let bytes = b"\x70\x01\x08\x05\x72\x02\x02\x03\x9a\x01\x00\xa0\x01\x07\x6a\x03\x0a\x01x\x6a\x00";
    let table = bench.decode(bytes, Defaults::Leave).unwrap();
    assert_eq!(table.get::<Vec<i64>>("n").unwrap(), [1, 2, 3]);
    assert_eq!((table.get::<Value>("s").unwrap(), table.get::<i64>("t").unwrap()), (Value::Nil, 7));
    assert_eq!(table.get::<Table>("m").unwrap().get::<String>("name").unwrap(), "x");
}

/// Bytes that take as much memory as such a message can.
fn greedy() -> Vec<Vec<u8>> {
    let repeated = |part: &[u8]| part.repeat(600);
    vec![
        Vec::new(),
        b"\x08\x01".to_vec(),
        repeated(b"\x82\x01\x00"),
        repeated(b"\x82\x01\x00\x08\x01"),
        repeated(b"\x9a\x01\x00\xb2\x01\x00"),
        repeated(b"\xc2\x01\x00"),
        repeated(b"\x7a\x00"),
        repeated(b"\x7a\x00\x08\x01"),
        repeated(b"\x70\x01"),
        repeated(b"\x70\x01\x08\x01"),
        repeated(b"\x92\x01\x00"),
        (0..100_u8).flat_map(|key| [0x92, 1, 2, 8, key]).collect(),
        (0..100_u8).flat_map(|key| [0x92, 1, 4, 8, key, 0x12, 0]).collect(),
        (0..100_u8).flat_map(|key| [0x8a, 1, 3, 0x0a, 1, key]).collect(),
        (0..100_u8).flat_map(|key| [0x7a, 2, b'a', key]).collect(),
        [&[0x72, 0xd8, 4][..], &[1; 600]].concat(),
        [&[0xaa, 1, 0xd8, 4][..], &[1; 600]].concat(),
        [&[0x7a, 0xd8, 4][..], &[b'x'; 600]].concat(),
    ]
}

#[test]
fn no_message_takes_more_memory_than_was_said() {
    let bench = Bench::new();
    let largest = bench.schema.messages().iter().map(|message| message.fields.len()).max().unwrap();
    let extent = Extent { fields: largest, bytes: 60 };
    for bytes in greedy() {
        for defaults in [Defaults::Leave, Defaults::Scalars, Defaults::All] {
            bench.lua.gc_collect().unwrap();
            bench.lua.gc_stop();
            let before = bench.lua.used_memory();
            let built = decode(&bench.lua, &bench.keys, (&bench.schema, bench.ty), defaults, &bytes);
            let taken = bench.lua.used_memory() - before;
            bench.lua.gc_restart();
            assert!(built.is_ok(), "{built:?}");
            let most = most_bytes(extent, defaults, bytes.len());
            assert!(taken < most, "{taken} of {most} for {} bytes, {defaults:?}", bytes.len());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let bench = Bench::new();
        let known = throng_protobuf::decode_value(&bench.schema, bench.ty, &bytes);
        prop_assert_eq!(bench.decode(&bytes, Defaults::All).is_ok(), known.is_ok());
    }

    #[test]
    fn what_others_write_is_read(b: i64, d: u64, g in -1e9..1e9_f64, j: String, n in prop::collection::vec(any::<i32>(), 0..9)) {
        let bench = Bench::new();
        let numbers = n.iter().map(|each| Tree::Integer((*each).into())).collect();
        let tree = Tree::message([
            ("b", b.into()), ("d", Tree::Unsigned(d)), ("g", g.into()), ("j", j.as_str().into()), ("n", Tree::Array(numbers)),
        ]);
        let mut bytes = Vec::new();
        encode_value(&bench.schema, bench.ty, &tree, &mut bytes).unwrap();
        let table = bench.decode(&bytes, Defaults::All).unwrap();
        prop_assert_eq!(table.get::<i64>("b").unwrap(), b);
        prop_assert_eq!(table.get::<i64>("d").unwrap(), d.cast_signed());
        prop_assert_eq!(table.get::<f64>("g").unwrap(), g);
        prop_assert_eq!(table.get::<String>("j").unwrap(), j);
        prop_assert_eq!(table.get::<Vec<i32>>("n").unwrap(), n);
        let mut again = Vec::new();
        encode(&bench.lua, &bench.keys, &bench.decode(&bytes, Defaults::Leave).unwrap(), &bench.schema, bench.ty, &mut again).unwrap();
        prop_assert_eq!(again, bytes);
    }
}
