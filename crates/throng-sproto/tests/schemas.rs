//! Schemas from several texts, and what is told about wrong ones.

use throng_sproto::rpc::{Header, Package};
use throng_sproto::{FieldType, Repeat, Response, Schema, SourceFile, Value};

#[track_caller]
fn parsed(text: &str) -> Schema {
    Schema::parse(&[SourceFile { name: "a.sproto", text }]).expect("the schema is right")
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let error = Schema::parse(&[SourceFile { name: "a.sproto", text }]).expect_err("the schema is wrong");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn files_become_one_schema() {
    let files = [
        SourceFile { name: "login.sproto", text: ".Login {\n  who 0 : string\n  at 1 : Place\n}\n" },
        SourceFile {
            name: "world.sproto",
            text: "# where\n.Place { x 0 : integer }\nmove 3 { request Login }",
        },
    ];
    let schema = Schema::parse(&files).expect("the schema is right");
    let login = schema.type_def(schema.type_id("Login").expect("Login is there"));
    let at = login.field("at").expect("it has a place");
    assert_eq!(at.ty, FieldType::Struct(schema.type_id("Place").expect("Place is there")));
    assert_eq!((schema.file_name(at.file), at.line), ("login.sproto", 3));
    let protocol = schema.protocol("move").expect("move is there");
    assert_eq!((schema.file_name(protocol.file), protocol.line), ("world.sproto", 3));
    assert_eq!((protocol.request, protocol.response), (schema.type_id("Login"), Response::None));
}

#[test]
fn an_error_names_both_files() {
    let files = [
        SourceFile { name: "one.sproto", text: "\n.Same { a 0 : integer }" },
        SourceFile { name: "two.sproto", text: "\n\n  .Same { b 0 : integer }" },
    ];
    let error = Schema::parse(&files).expect_err("the type is there twice");
    assert_eq!(error.to_string(), "two.sproto:3:3: type `Same` is declared twice, first at one.sproto:2");
}

#[test]
fn field_ids_are_dense_over_the_schema() {
    let schema = parsed(".B { y 9 : string x 0 : integer } .A { a 1 : B } p 1 { request { q 0 : B } }");
    let fields: Vec<_> = schema.types().flat_map(|(_, ty)| ty.fields.iter()).collect();
    let ids: Vec<u32> = fields.iter().map(|field| field.id.0).collect();
    assert_eq!(ids, [0, 1, 2, 3]);
    assert_eq!(schema.field_count(), 4);
    let names: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
    assert_eq!(names, ["a", "x", "y", "q"], "types by name, fields by tag");
}

#[test]
fn maps_name_their_key_by_its_index() {
    let schema = parsed(".T { b 4 : string a 1 : integer } .M { k 0 : *T(b) p 1 : *T() l 2 : *T }");
    let repeats: Vec<Repeat> = schema
        .type_def(schema.type_id("M").expect("M is there"))
        .fields
        .iter()
        .map(|field| field.repeat)
        .collect();
    assert_eq!(repeats, [Repeat::MapByKey { key: 1 }, Repeat::MapPair { key: 0, value: 1 }, Repeat::Array]);
}

#[test]
fn a_syntax_error_tells_what_was_expected_where() {
    check(".A {\n  a 0 : integer,\n}", "a.sproto:2:16: expected a blank or `}`, found `,`");
    check(".A {\n  a : integer\n}", "a.sproto:2:5: expected the field's tag (a number), found `:`");
    check(".A { é 0 : integer }", "a.sproto:1:6: expected a field's name, a nested type or `}`, found `é`");
    check(
        ".A { # ü\n b 0 : * integer }",
        "a.sproto:2:9: expected a type right after the star, found a blank",
    );
    check(".A { b 0 : integer", "a.sproto:1:19: expected `}`, found the end of the file");
    check(
        ".A { }\n\n  oops\n\n.B { }",
        "a.sproto:3:3: expected a type (`.Name {`) or a protocol (`name tag {`), found `oops`",
    );
    check(
        "A { b 0 : integer }",
        "a.sproto:1:1: expected a type (`.Name {`) or a protocol (`name tag {`), found `A`",
    );
    check("p 1 { reply nil }", "a.sproto:1:7: expected `request`, `response` or `}`, found `reply`");
    check(".A { b 32767 : integer }", "a.sproto:1:8: tag 32767 is above 32766");
    check(".A { b 0 : integer(10) }", "a.sproto:1:20: integer(10) has more than 9 digits after the point");
}

#[test]
fn an_unknown_type_comes_with_the_nearest_one() {
    check(
        ".Position { x 0 : integer }\n.A { p 0 : Positoin }",
        "a.sproto:2:12: type `Positoin` is not known in `A`, did you mean `Position`?",
    );
    check(".A { p 0 : int }", "a.sproto:1:12: type `int` is not known in `A`, did you mean `integer`?");
    check(
        ".Login { }\nlogin 1 { request login }",
        "a.sproto:2:19: request `login` of protocol `login` is no struct type, did you mean `Login`?",
    );
}

#[test]
fn text_nested_without_end_is_refused() {
    check(&".A{".repeat(100_000), "a.sproto:1:193: types are nested more than 64 deep");
}

#[test]
fn a_package_type_needs_a_type() {
    let schema =
        parsed(".NoType { session 0 : integer } .Text { type 0 : string } .List { type 0 : *integer }");
    let error = |name| Package::new(&schema, name).expect_err("this is no package type").to_string();
    assert_eq!(error("Nope"), "the schema has no type `Nope` for RPC headers");
    assert_eq!(error("NoType"), "`NoType` has no field `type` for an RPC header");
    assert_eq!(error("Text"), "`Text.type` must be an integer in an RPC header");
    assert_eq!(error("List"), "`List.type` must be an integer in an RPC header");
}

#[test]
fn a_header_leaves_out_what_the_package_type_lacks() {
    let schema = parsed(".bare { type 3 : integer } .text { type 0 : integer ud 1 : string }");
    let header = Header { ty: Some(7), session: Some(9), ud: Some(11) };
    let written = |name| {
        let package = Package::new(&schema, name).expect("a package type");
        let mut out = Vec::new();
        package.write(header, &mut out);
        out
    };
    assert_eq!(written("bare"), [2, 0, 5, 0, 16, 0]);
    assert_eq!(written("text"), [1, 0, 16, 0]);
}

#[test]
fn a_package_type_that_is_no_tag_is_refused() {
    let schema = parsed(".package { type 0 : integer }");
    let package = Package::new(&schema, "package").expect("a package type");
    let error = package.read(&[1, 0, 0, 0, 4, 0, 0, 0, 255, 255, 255, 255]).expect_err("-1 is no tag");
    assert_eq!(error.to_string(), "a package type of -1 at byte 0 (package)");
}

#[test]
fn a_value_reads_like_a_lua_table() {
    let value = Value::structure([
        ("hp", 3.into()),
        ("name", "x\"\n".into()),
        ("path", vec![Value::structure([("x", 1.5.into())])].into()),
        ("by", Value::Map(vec![("a".into(), true.into())])),
    ]);
    assert_eq!(value.to_string(), r#"{hp = 3, name = "x\"\n", path = [{x = 1.5}], by = {"a": true}}"#);
}
