//! Schemas: what compiles and what it comes to, and what is said of what does not.

use throng_protobuf::{DefaultValue, Kind, NameError, OptionValue, Repeat, Schema, SourceFile};

fn compile(text: &str) -> Schema {
    Schema::compile(&[SourceFile { name: "game.proto", text }]).unwrap()
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = Schema::compile(&[SourceFile { name: "game.proto", text }]).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[track_caller]
fn refused_files(files: &[(&str, &str)], expected: &str) {
    let files: Vec<_> = files.iter().map(|(name, text)| SourceFile { name, text }).collect();
    assert_eq!(Schema::compile(&files).unwrap_err().to_string(), expected);
}

#[test]
fn what_is_wrong_is_told_by_file_line_and_column() {
    refused("syntax = \"proto3\";\nmessage A { int32 x 1; }", "game.proto:2:21: expected '=', but found '1'");
    refused(
        "syntax = \"proto3\";\nmessage A {\n  Missing y = 2;\n}",
        "game.proto:3:3: name 'Missing' is not defined",
    );
    refused(
        "syntax = \"proto3\";\nmessage A { int32 x = 1;\n  int32 y = 1; }",
        "game.proto:3:13: field number '1' is already used",
    );
    refused(
        "edition = \"2023\";",
        "game.proto:1:1: expected 'enum', 'extend', 'import', 'message', 'option', 'service', 'package' or ';', \
         but found 'edition' (editions are not supported: use `syntax = \"proto3\"` or \"proto2\")",
    );
}

#[test]
fn columns_count_characters() {
    refused(
        "syntax = \"proto3\";\n/* 角色 */ message A { int32 x 1; }",
        "game.proto:2:30: expected '=', but found '1'",
    );
}

#[test]
fn errors_in_an_imported_file_name_that_file() {
    refused_files(
        &[
            ("proto/game.proto", "syntax = \"proto3\"; import \"common.proto\"; message A { Unit u = 1; }"),
            ("proto/common.proto", "syntax = \"proto3\";\nmessage Unit { int32 hp = 0; }"),
        ],
        "proto/common.proto:2:27: message numbers must be between 1 and 536870911",
    );
    refused_files(
        &[
            ("game.proto", "syntax = \"proto3\";\nimport \"x/common.proto\";"),
            ("a/common.proto", "syntax = \"proto3\";"),
        ],
        "game.proto:2:1: import 'x/common.proto' not found (there is a/common.proto)",
    );
    let same = "syntax = \"proto3\";";
    refused_files(&[("a.proto", same), ("a.proto", same)], "a.proto: is given twice");
}

#[test]
fn imports_may_leave_out_the_folder_where_only_one_file_can_be_meant() {
    let files = [
        SourceFile {
            name: "proto/game/login.proto",
            text: "syntax = \"proto3\"; package game; import \"common.proto\"; import \"google/protobuf/timestamp.proto\";
                   message Login { Unit unit = 1; google.protobuf.Timestamp at = 2; }",
        },
        SourceFile {
            name: "proto/game/common.proto",
            text: "syntax = \"proto3\"; package game; message Unit { int32 hp = 1; }",
        },
    ];
    let schema = Schema::compile(&files).unwrap();
    let unit = schema.message(schema.find_message("Unit").unwrap());
    assert_eq!((&*unit.name, unit.line, unit.file), ("game.Unit", 1, Some(1)));
    assert_eq!(schema.file_name(1), "proto/game/common.proto");
    let login = schema.message(schema.find_message("game.Login").unwrap());
    let Kind::Message(at) = login.fields[1].kind else { panic!("{:?}", login.fields[1]) };
    assert_eq!(&*schema.message(at).name, "google.protobuf.Timestamp");
    assert_eq!((schema.message(at).file, login.fields[1].line), (None, 2));
}

#[test]
fn deeply_nested_text_is_refused_before_it_is_parsed() {
    let nested = "message A {".repeat(100_000);
    let error = Schema::compile(&[SourceFile { name: "a.proto", text: &nested }]).unwrap_err();
    assert_eq!(&*error.message, "more than 128 brackets within each other");
    let option = format!("syntax = \"proto3\"; option (x) = {};", "{ a: ".repeat(100_000));
    assert!(Schema::compile(&[SourceFile { name: "a.proto", text: &option }]).is_err());
    // Brackets in strings and comments are none.
    let quoted =
        format!("syntax = \"proto3\"; // {}\n/* {} */ message A {{}}", "{".repeat(500), "[".repeat(500));
    compile(&quoted);
    compile(&format!(
        "syntax = \"proto2\"; message A {{ optional string s = 1 [default = \"{}\"]; }}",
        "(".repeat(500)
    ));
}

#[test]
fn fields_are_dense_over_the_schema_and_sorted_by_number() {
    let schema = compile(
        "syntax = \"proto3\"; message B { int32 z = 3; int32 far = 50000; int32 a = 1; } message A { B b = 7; }",
    );
    let fields: Vec<_> = schema
        .messages()
        .iter()
        .flat_map(|message| message.fields.iter().map(|field| (field.id.0, &*field.name)))
        .collect();
    assert_eq!(fields, [(0, "b"), (1, "a"), (2, "z"), (3, "far")]);
    assert_eq!(schema.field_count(), 4);
    let b = schema.message(schema.message_id("B").unwrap());
    assert_eq!(b.field_by_number(50_000).map(|field| &*field.name), Some("far"));
    assert_eq!(b.field_by_number(3).map(|field| &*field.name), Some("z"));
    assert!(b.field_by_number(2).is_none() && b.field_by_number(0).is_none());
}

#[test]
fn presence_packing_and_defaults_follow_the_syntax() {
    let schema = compile(
        "syntax = \"proto3\";
         message A {
           int32 plain = 1; optional int32 told = 2; repeated int32 packed = 3;
           repeated int32 apart = 4 [packed = false]; map<uint32, string> names = 5; A self = 6;
           oneof body { string text = 7; A more = 8; }
         }",
    );
    let a = schema.message(schema.message_id("A").unwrap());
    let presence: Vec<_> = a.fields.iter().map(|field| field.presence).collect();
    assert_eq!(presence, [false, true, false, false, false, true, true, true]);
    assert_eq!(a.fields[2].repeat, Repeat::Array { packed: true });
    assert_eq!(a.fields[3].repeat, Repeat::Array { packed: false });
    assert_eq!(a.fields[4].repeat, Repeat::Map { key: Kind::Uint32 });
    assert_eq!(a.fields[4].kind, Kind::String { utf8: true });
    assert_eq!((a.fields[6].oneof, a.fields[1].oneof), (Some(0), None));
    assert_eq!((&*a.oneofs[0].name, &*a.oneofs[0].fields), ("body", &[6, 7][..]));
    assert_eq!(a.fields[0].default, Some(DefaultValue::Integer(0)));

    let schema = compile(
        "syntax = \"proto2\";
         enum Color { RED = 5; BLUE = 9; }
         message A {
           required int32 a = 1; optional Color color = 2; optional string name = 3 [default = \"x\"];
           repeated int32 many = 4; optional group Inner = 5 { optional int32 b = 1; }
           extensions 100 to 200;
         }
         extend A { optional uint64 more = 100; }",
    );
    let a = schema.message(schema.message_id("A").unwrap());
    assert!(a.fields[0].required && a.fields[0].presence);
    assert_eq!(a.fields[1].default, Some(DefaultValue::Enum(5)));
    assert_eq!(a.fields[2].default, Some(DefaultValue::String(b"x"[..].into())));
    assert!(a.fields[2].has_written_default && !a.fields[1].has_written_default);
    assert_eq!(a.fields[2].kind, Kind::String { utf8: false });
    assert_eq!(a.fields[3].repeat, Repeat::Array { packed: false });
    assert!(matches!(a.fields[4].kind, Kind::Group(_)));
    assert_eq!((&*a.fields[5].name, a.fields[5].number), ("[more]", 100));
}

#[test]
fn enums_are_found_both_ways() {
    let schema = compile(
        "syntax = \"proto3\"; package game;
         enum Code { option allow_alias = true; OK = 0; FULL = 3; BUSY = 3; GONE = -7; FAR = 100000; }",
    );
    let code = schema.enumeration(schema.find_enum("Code").unwrap());
    assert_eq!(code.number_of(b"BUSY"), Some(3));
    assert_eq!(code.number_of(b"GONE"), Some(-7));
    assert_eq!(code.number_of(b"busy"), None);
    let name = |number| code.value_of(number).map(|value| &*value.name);
    assert_eq!(
        [name(0), name(3), name(-7), name(100_000), name(4)],
        [Some("OK"), Some("FULL"), Some("GONE"), Some("FAR"), None]
    );
    assert_eq!(code.nearest("BUZY"), Some("BUSY"));
    let ids: Vec<_> = code.values.iter().map(|value| value.id.0).collect();
    assert_eq!((ids, schema.enum_value_count() > 4), (vec![0, 1, 2, 3, 4], true));
}

#[test]
fn custom_options_are_read_by_the_extensions_name() {
    let schema = compile(
        "syntax = \"proto3\"; package game; import \"google/protobuf/descriptor.proto\";
         enum Side { CLIENT = 0; SERVER = 1; }
         extend google.protobuf.MessageOptions { uint32 msg_id = 50001; string route = 50002; Side side = 50003; }
         extend google.protobuf.EnumValueOptions { string body = 50001; }
         message Login { option (msg_id) = 4000000000; option (route) = \"gate.login\"; option (side) = SERVER; }
         enum Id { NONE = 0; LOGIN = 1 [(body) = \"Login\"]; }",
    );
    let login = schema.message(schema.find_message("Login").unwrap());
    assert_eq!(login.option("msg_id"), Some(&OptionValue::Integer(4_000_000_000)));
    assert_eq!(login.option("game.msg_id"), login.option("(msg_id)"));
    assert_eq!(login.option("route").and_then(OptionValue::text), Some("gate.login"));
    assert_eq!(login.option("side").and_then(OptionValue::integer), Some(1));
    assert_eq!(login.option("id"), None);
    let id = schema.enumeration(schema.find_enum("game.Id").unwrap());
    assert_eq!(id.values[1].option("body").and_then(OptionValue::text), Some("Login"));
}

#[test]
fn messages_are_found_by_the_end_of_their_name() {
    let text = "message Login { message Unit {} } message Battle { message Unit {} }";
    let schema = compile(&format!("syntax = \"proto3\"; package game.v1; {text}"));
    let name = |name| schema.find_message(name).map(|id| &*schema.message(id).name);
    assert_eq!(name("Login"), Ok("game.v1.Login"));
    assert_eq!(name("v1.Battle"), Ok("game.v1.Battle"));
    assert_eq!(name(".game.v1.Login.Unit"), Ok("game.v1.Login.Unit"));
    assert_eq!(name("Battle.Unit"), Ok("game.v1.Battle.Unit"));
    assert!(matches!(name("Unit"), Err(NameError::Ambiguous { candidates, .. }) if candidates.len() == 2));
    assert_eq!(
        name("Logon").unwrap_err().to_string(),
        "no message is called `Logon`, did you mean `game.v1.Login`?"
    );
    assert_eq!(name("ogin").ok(), None);
}

#[test]
fn methods_of_services_are_listed() {
    let schema = compile(
        "syntax = \"proto3\"; package game; message Req {} message Ack {} service Gate { rpc Enter (Req) returns (Ack); }",
    );
    let [enter] = schema.methods() else { panic!("{:?}", schema.methods()) };
    assert_eq!((&*enter.service, &*enter.name), ("game.Gate", "Enter"));
    assert_eq!(&*schema.message(enter.response).name, "game.Ack");
}
