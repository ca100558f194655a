//! Messages through Lua tables and back, against the codec's own tree of values.

use super::*;
use proptest::prelude::*;
use throng_sproto::{SourceFile, Value as Tree, encode_value};

const SCHEMA: &str = "
.Item { id 0 : integer name 1 : string }
.All { n 0 : integer f 1 : integer(2) d 2 : double b 3 : boolean s 4 : string bin 5 : binary list 6 : *integer
    words 7 : *string item 8 : Item items 9 : *Item deep 10 : All flags 11 : *boolean }
";

struct Bench {
    lua: Lua,
    codec: Codec,
    schema: Schema,
    ty: TypeId,
}

impl Bench {
    fn new() -> Bench {
        let schema = Schema::parse(&[SourceFile { name: "t.sproto", text: SCHEMA }]).expect("a schema");
        let ty = schema.type_id("All").expect("All");
        Bench { lua: Lua::new(), codec: Codec::default(), schema, ty }
    }

    fn decode(&self, bytes: &[u8]) -> Result<Value, String> {
        self.codec.decode_table(&self.lua, &self.schema, self.ty, bytes).map(|(value, _)| value)
    }

    fn encode(&self, body: &Value) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        self.codec.encode_table(&self.lua, &self.schema, self.ty, body, &mut out).map(|()| out)
    }

    fn encode_source(&self, source: &str) -> Result<Vec<u8>, String> {
        self.encode(&self.lua.load(source).eval().expect("valid Lua"))
    }
}

fn item() -> impl Strategy<Value = Tree> {
    (any::<i64>(), ".*")
        .prop_map(|(id, name)| Tree::structure([("id", id.into()), ("name", name.as_str().into())]))
}

fn flat() -> impl Strategy<Value = Vec<(&'static str, Tree)>> {
    let scalars = (any::<i64>(), -1_000_000..1_000_000_i64, -1e9..1e9_f64, any::<bool>(), ".*");
    let lists = (
        prop::collection::vec(any::<i64>(), 1..20),
        prop::collection::vec(".*", 1..5),
        prop::collection::vec(any::<bool>(), 1..5),
        prop::collection::vec(any::<u8>(), 0..50),
    );
    (scalars, lists, item(), prop::collection::vec(item(), 1..4)).prop_map(
        |((n, f, d, b, s), (list, words, flags, bin), item, items)| {
            vec![
                ("n", n.into()),
                ("f", Tree::Double(f as f64 / 100.0)),
                ("d", Tree::Double(d)),
                ("b", Tree::Boolean(b)),
                ("s", s.as_str().into()),
                ("bin", Tree::Binary(bin)),
                ("list", Tree::Array(list.into_iter().map(Tree::Integer).collect())),
                ("words", Tree::Array(words.iter().map(|word| word.as_str().into()).collect())),
                ("item", item),
                ("items", Tree::Array(items)),
                ("flags", Tree::Array(flags.into_iter().map(Tree::Boolean).collect())),
            ]
        },
    )
}

proptest! {
    #[test]
    fn what_was_decoded_encodes_to_the_same_bytes(fields in flat(), deep in flat(), kept in any::<u16>()) {
        let bench = Bench::new();
        let some = |fields: Vec<(&'static str, Tree)>, kept: u16| {
            fields.into_iter().enumerate().filter(move |(nth, _)| kept >> nth & 1 == 1).map(|(_, field)| field)
        };
        let deep = Tree::structure(some(deep, !kept));
        let tree = Tree::structure(some(fields, kept).chain([("deep", deep)]));
        let mut bytes = Vec::new();
        encode_value(&bench.schema, bench.ty, &tree, &mut bytes).expect("a message of the type");
        let table = bench.decode(&bytes).expect("bytes of the type");
        prop_assert_eq!(bench.encode(&table).expect("a table of the type"), bytes);
    }

    #[test]
    fn no_bytes_can_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bench = Bench::new();
        if let Ok(table) = bench.decode(&bytes) {
            prop_assert!(bench.encode(&table).is_ok());
        }
    }
}

#[test]
fn no_message_takes_more_memory_than_is_reckoned_with() {
    // One more than fills a table's places, which are a power of two.
    const FIELDS: usize = 257;
    const ELEMENTS: usize = 129;
    let fields: String = (0..FIELDS).map(|tag| format!("f{tag} {tag} : integer ")).collect();
    let text = format!(
        ".Empty {{ }} .Wide {{ {fields} }} .Pair {{ k 0 : integer v 1 : *integer }}
         .Keyed {{ k 0 : integer }} .Holder {{ lists 0 : *Empty }}
         .Top {{ empties 0 : *Empty wides 1 : *Wide flags 2 : *boolean texts 3 : *string
           holders 4 : *Holder pairs 5 : *Pair() keyed 6 : *Keyed(k) }}"
    );
    let schema = Schema::parse(&[SourceFile { name: "t.sproto", text: &text }]).expect("a schema");
    let ty = schema.type_id("Top").expect("Top");
    let bench = Bench { lua: Lua::new(), codec: Codec::default(), schema, ty };
    bench.decode(&[0, 0]).expect("an empty message");
    let wide = |fields: usize| {
        Tree::Struct((0..fields).map(|field| (format!("f{field}").into(), Tree::Integer(1))).collect())
    };
    let many = |value: Tree| Tree::Array(vec![value; ELEMENTS]);
    let keys = || (0..ELEMENTS as i64).map(Tree::Integer);
    let keyed = |key: Tree| (key.clone(), Tree::structure([("k", key)]));
    let mut cases = vec![
        ("empties", many(Tree::Struct(Vec::new()))),
        ("flags", many(true.into())),
        ("texts", many("a".into())),
        ("texts", Tree::Array(keys().map(|key| key.to_string().as_str().into()).collect())),
        ("holders", many(Tree::structure([("lists", Tree::Array(Vec::new()))]))),
        ("pairs", Tree::Map(keys().map(|key| (key, Tree::Array(Vec::new()))).collect())),
        ("keyed", Tree::Map(keys().map(keyed).collect())),
    ];
    cases.extend([1, 3, 9, 33, FIELDS].map(|fields| ("wides", many(wide(fields)))));
    for (field, value) in cases {
        let mut bytes = Vec::new();
        encode_value(&bench.schema, ty, &Tree::structure([(field, value)]), &mut bytes).expect("a message");
        bench.lua.gc_collect().expect("nothing is in the way");
        bench.lua.gc_stop();
        let before = bench.lua.used_memory();
        bench.decode(&bytes).expect("what was encoded");
        let grown = bench.lua.used_memory() - before;
        assert!(grown < bytes.len() * GROWTH, "{field}: {} bytes become {grown}", bytes.len());
        bench.lua.gc_restart();
    }
}

#[test]
fn tables_behind_a_metatable_are_read() {
    let bench = Bench::new();
    let behind = bench.encode_source(
        "return setmetatable({}, { __index = { n = 5, list = setmetatable({}, { __index = { 1 } }) } })",
    );
    assert_eq!(behind, bench.encode_source("return { n = 5, list = { 1 } }"));
    let own = bench.encode_source("return setmetatable({ n = 5 }, { __index = { b = true } })");
    assert_eq!(own, bench.encode_source("return { n = 5 }"), "what a table has of its own stands alone");
}

#[test]
fn wrong_values_are_named() {
    let bench = Bench::new();
    for (source, message) in [
        ("return { n = 'x' }", "All.n is not an integer (it is a string)"),
        ("return { n = 1.5 }", "All.n is not an integer (it is a number with a fraction)"),
        ("return { b = 1 }", "All.b is not a boolean (it is a number)"),
        ("return { list = { 1, 'x' } }", "All.list[2] is not an integer (it is a string)"),
        ("return { items = { { id = {} } } }", "Item.id is not an integer (it is a table)"),
        ("return { item = 5 }", "All.item is not a table of fields (it is a number)"),
        ("return { words = 'x' }", "All.words is not a list (it is a string)"),
        ("local t = {} t.deep = t return t", "the message nests more than 64 structs"),
        ("return 'x'", "All is a table of its fields, not a string"),
    ] {
        assert_eq!(bench.encode_source(source).expect_err(source), message);
    }
}
