use super::*;
use proptest::prelude::*;

fn lua() -> Lua {
    let lua = Lua::new();
    register(&lua).unwrap();
    let array = lua
        .create_function(|lua, table: mlua::Table| {
            assert!(mark_list(lua, &table)?);
            Ok(table)
        })
        .unwrap();
    lua.globals().set("array", array).unwrap();
    lua.globals().set("null", Value::NULL).unwrap();
    lua
}

fn encoded(lua: &Lua, form: DocumentForm, source: &str) -> Result<Vec<u8>, String> {
    let value: Value = lua.load(source).eval().unwrap();
    let mut out = b"before".to_vec();
    let encoded = encode(lua, form, &value, &mut out);
    assert!(out.starts_with(b"before"));
    if encoded.is_err() {
        assert_eq!(out.len(), 6, "nothing is left of what cannot be sent");
    }
    encoded.map(|()| out.split_off(6))
}

#[track_caller]
fn check(source: &str, expected: &str) {
    let encoded = encoded(&lua(), DocumentForm::Json, source).unwrap();
    assert_eq!(std::str::from_utf8(&encoded), Ok(expected));
}

#[track_caller]
fn refuses(source: &str, expected: &str) {
    assert_eq!(encoded(&lua(), DocumentForm::Json, source).unwrap_err(), expected);
}

/// What both ways to build say, as Lua source shows it.
#[track_caller]
fn shown(form: DocumentForm, document: &[u8]) -> Result<String, String> {
    let lua = lua();
    let show: mlua::Function = lua
        .load(
            "local function show(v) \
               if v == null then return 'null' end \
               if type(v) ~= 'table' then return math.type(v) == 'float' and string.format('%.17g', v) .. 'f' or string.format('%q', v) end \
               local keys, parts = {}, {} \
               for k in pairs(v) do keys[#keys + 1] = k end \
               table.sort(keys, function(a, b) return tostring(a) < tostring(b) end) \
               for i, k in ipairs(keys) do parts[i] = tostring(k) .. '=' .. show(v[k]) end \
               return (getmetatable(v) and 'list' or '') .. '{' .. table.concat(parts, ',') .. '}' \
             end return show",
        )
        .eval()
        .unwrap();
    let show = |value: Value| show.call::<mlua::LuaString>(value).unwrap().to_string_lossy();
    let safely = decode(&lua, form, document).map(show);
    let mut pushed = false;
    // SAFETY: the test's state has no limit of memory; the function leaves what it pushed.
    #[allow(unsafe_code)]
    let value: Value = unsafe {
        lua.exec_raw((), |state| {
            pushed = decode_onto(state, form, document);
            if !pushed {
                assert_eq!(mlua::ffi::lua_gettop(state), 0);
                mlua::ffi::lua_pushnil(state);
            }
        })
        .unwrap()
    };
    assert_eq!(pushed, safely.is_ok());
    if let Ok(safely) = &safely {
        assert_eq!(&show(value), safely, "both ways build the same");
    }
    safely
}

#[test]
fn tables_are_lists_or_maps_by_their_keys() {
    check("{ 1, 'a', true, null }", r#"[1,"a",true,null]"#);
    check("{ x = 1 }", r#"{"x":1}"#);
    check("{}", "{}");
    check("array {}", "[]");
    check("array { 1 }", "[1]");
    check("{ list = { { id = 1 } } }", r#"{"list":[{"id":1}]}"#);
    check("setmetatable({}, { __index = { x = 1 } })", r#"{"x":1}"#);
    check("'a\\n\"'", r#""a\n\"""#);
}

#[test]
fn numbers_keep_what_they_are() {
    check(
        "{ 1, 1.0, 10 / 2, 0.1, -0.0, 1e300, math.maxinteger, math.mininteger }",
        "[1,1,5,0.1,-0.0,1e+300,9223372036854775807,-9223372036854775808]",
    );
}

#[test]
fn what_cannot_be_sent_is_named_with_its_place() {
    refuses("{ a = { { b = print } } }", "a[1].b: a function cannot be JSON");
    refuses("print", "a function cannot be JSON");
    refuses("{ 1, x = 2 }", "it has fields and list elements");
    refuses("{ l = { [1] = 1, [3] = 3 } }", "l: a list with holes; use throng.json.null for them");
    refuses("{ x = 0 / 0 }", "x: JSON has no infinite number and no NaN");
    refuses("{ x = '\\xff' }", "x: a string that is not UTF-8 cannot be JSON");
    refuses("{ [true] = 1 }", "a key of JSON is a string");
    refuses("array { x = 1 }", "a list has the keys 1 to n and no others");
    let endless = encoded(&lua(), DocumentForm::Json, "(function() local t = {} t.t = t return t end)()");
    assert!(endless.unwrap_err().ends_with("it nests too deeply, or holds itself"));
}

#[test]
fn json_is_read_as_lua_has_it() {
    let shown = |text: &str| shown(DocumentForm::Json, text.as_bytes());
    assert_eq!(
        shown(r#"{"a":[1,null,2.5],"b":null,"c":{},"d":[],"é":"\u00e9"}"#).unwrap(),
        r#"{a={1=1,2=null,3=2.5f},c={},d=list{},é="é"}"#
    );
    assert_eq!(shown("9223372036854775807").unwrap(), "9223372036854775807");
    assert_eq!(shown("9223372036854775808").unwrap(), "9.2233720368547758e+18f");
    assert_eq!(shown("123456789012345678901234567890").unwrap(), "1.2345678901234568e+29f");
    assert_eq!(shown(r#"{"a":1,"a":2}"#).unwrap(), "{a=2}", "the last one counts");
    assert_eq!(shown("null").unwrap(), "nil");
    for wrong in ["{", "[1,]", "tru", "{} {}", "\"\\ud800\"", "1e999"] {
        assert!(shown(wrong).is_err(), "{wrong}");
    }
    let deep = |levels: usize| shown(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    assert!(deep(100).is_ok() && deep(100_000).is_err());
}

#[test]
fn msgpack_is_read_as_lua_has_it() {
    let shown = |bytes: &[u8]| shown(DocumentForm::Msgpack, bytes);
    let map = b"\x83\xa1a\x93\x01\xc0\xcb\x40\x04\0\0\0\0\0\0\xa1b\xc0\x07\xc4\x01\xff";
    assert_eq!(shown(map).unwrap(), "{7=\"\u{fffd}\",a={1=1,2=null,3=2.5f}}");
    assert!(shown(b"\xd6\xff\0\0\0\x01").unwrap().contains("type=-1"));
    assert_eq!(shown(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff").unwrap(), "1.8446744073709552e+19f");
    assert_eq!(shown(b"\x90").unwrap(), "list{}");
    for wrong in [
        &b"\x91"[..],
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc1",
        b"\x81\xc0\x01",
        b"\x01\x01",
        b"\x81\xcb\x7f\xf8\0\0\0\0\0\0\x01",
    ] {
        assert!(shown(wrong).is_err(), "{wrong:x?}");
    }
    assert!(shown(&[&[0x91; 200][..], b"\xc0"].concat()).is_err());
}

#[test]
fn msgpack_has_keys_of_any_kind() {
    let lua = lua();
    let bytes = encoded(&lua, DocumentForm::Msgpack, "{ [1001] = 'a' }").unwrap();
    assert_eq!(bytes, b"\x81\xcd\x03\xe9\xa1a");
    assert_eq!(encoded(&lua, DocumentForm::Msgpack, "{ 'a', 'b' }").unwrap(), b"\x92\xa1a\xa1b");
    assert_eq!(encoded(&lua, DocumentForm::Msgpack, "'\\xff'").unwrap(), b"\xc4\x01\xff");
    assert!(encoded(&lua, DocumentForm::Msgpack, "{ [true] = 1 }").is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = shown(DocumentForm::Msgpack, &bytes);
        let _ = shown(DocumentForm::Json, &bytes);
    }

    #[test]
    fn what_is_written_is_read(numbers in prop::collection::vec(any::<i64>(), 0..5), fraction: f64, text: String) {
        let lua = lua();
        let table = lua.create_table().unwrap();
        table.set("numbers", numbers.clone()).unwrap();
        table.set("text", &*text).unwrap();
        if fraction.is_finite() {
            table.set("fraction", fraction).unwrap();
        }
        for form in [DocumentForm::Json, DocumentForm::Msgpack] {
            let mut out = Vec::new();
            encode(&lua, form, &Value::Table(table.clone()), &mut out).unwrap();
            let Value::Table(read) = decode(&lua, form, &out).unwrap() else { panic!("no table") };
            prop_assert_eq!(&read.get::<Vec<i64>>("numbers").unwrap(), &numbers);
            prop_assert_eq!(&read.get::<String>("text").unwrap(), &text);
            if fraction.is_finite() {
                prop_assert_eq!(read.get::<f64>("fraction").unwrap(), fraction);
            }
        }
    }
}
