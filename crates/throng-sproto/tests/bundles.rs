//! Schemas in the reference's binary form: what they lead back to, and what is wrong with those that are broken.

use throng_sproto::{FieldType, Repeat, Response, Schema, SourceFile};

const SCHEMA: &str = "
.package { type 0 : integer session 1 : integer }
.Item { id 3 : integer name 7 : string price 9 : integer(2) }
.Attr { key 0 : string value 1 : *Item(name) }
.Bag { items 0 : *Item(id) attrs 5 : *Attr() raw 6 : binary rest 7 : *Bag }
sell 4 { request { bag 0 : Bag } response nil }
look 2 { response Bag }
ping 9 { }";

fn parsed(text: &str) -> Schema {
    Schema::parse(&[SourceFile { name: "shop.sproto", text }]).expect("the schema is right")
}

#[test]
fn a_schema_comes_back_from_its_bundle() {
    let schema = parsed(SCHEMA);
    let loaded = Schema::from_bundle("shop.spb", &schema.bundle()).expect("it is a bundle");
    assert_eq!(loaded.bundle(), schema.bundle());
    assert_eq!(loaded.field_count(), schema.field_count());
    let bag = loaded.type_id("Bag").expect("it has a Bag");
    let fields = &loaded.type_def(bag).fields;
    let kinds: Vec<_> = fields.iter().map(|field| (&*field.name, field.tag, field.repeat)).collect();
    assert_eq!(
        kinds,
        [
            ("items", 0, Repeat::MapByKey { key: 0 }),
            ("attrs", 5, Repeat::MapPair { key: 0, value: 1 }),
            ("raw", 6, Repeat::One),
            ("rest", 7, Repeat::Array),
        ]
    );
    assert_eq!((fields[2].ty, fields[3].ty), (FieldType::Binary, FieldType::Struct(bag)));
    let responses: Vec<_> = loaded.protocols().map(|protocol| (&*protocol.name, protocol.response)).collect();
    assert_eq!(
        responses,
        [("look", Response::Type(bag)), ("sell", Response::Confirm), ("ping", Response::None)]
    );
    assert_eq!((loaded.file_name(0), fields[0].line), ("shop.spb", 0));
}

#[test]
fn bytes_behind_a_bundle_are_left_alone() {
    let mut bundle = parsed(SCHEMA).bundle();
    bundle.extend(b"anything");
    assert!(Schema::from_bundle("shop.spb", &bundle).is_ok());
}

#[test]
fn types_may_stand_in_any_order() {
    // `B` with a field of type 1, which is `A`.
    let field = [&[5, 0, 0, 0, 1, 0, 4, 0, 2, 0, 4, 0][..], &block(b"as")].concat();
    let b = [&[2, 0, 0, 0, 0, 0][..], &block(b"B"), &block(&block(&field))].concat();
    let a = [&[1, 0, 0, 0][..], &block(b"A")].concat();
    let bundle = [&[1, 0, 0, 0][..], &block(&[block(&b), block(&a)].concat())].concat();
    let schema = Schema::from_bundle("any", &bundle).expect("it is a bundle");
    assert_eq!(schema.bundle(), parsed(".A { } .B { as 0 : *A }").bundle());
}

fn block(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes(), bytes].concat()
}

/// A bundle of type `A` with these fields, each its records and its name.
fn with_fields(fields: &[(&[u16], &[u8])]) -> Vec<u8> {
    let field = |(records, name): &(&[u16], &[u8])| {
        let mut bytes = (records.len() as u16).to_le_bytes().to_vec();
        records.iter().for_each(|record| bytes.extend(record.to_le_bytes()));
        bytes.extend(block(name));
        block(&bytes)
    };
    let fields: Vec<u8> = fields.iter().flat_map(field).collect();
    let ty = [&[2, 0, 0, 0, 0, 0][..], &block(b"A"), &block(&fields)].concat();
    [&[1, 0, 0, 0][..], &block(&block(&ty))].concat()
}

#[track_caller]
fn check(bundle: &[u8], expected: &str) {
    let error = Schema::from_bundle("bad", bundle).expect_err("this is refused");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_error_tells_what_where() {
    let integer: &[u16] = &[0, 2, 1, 2];
    assert!(Schema::from_bundle("good", &with_fields(&[(integer, b"a")])).is_ok());

    check(&[], "the bundle: the message's header is cut short at byte 0");
    check(&[0, 0], "the bundle: the list of types is missing at byte 0");
    check(&[1, 0, 0, 0, 0, 0, 0, 0], "the bundle: the list of types is missing at byte 0");
    check(&[3, 0, 1, 0, 1, 0, 2, 0], "the bundle: an unknown part with tag 2 at byte 0");
    check(
        &[1, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0],
        "the bundle: a data block of 9 bytes where 0 are left at byte 8",
    );
    check(&with_fields(&[(integer, b"")]), "field 1 of type `A`: the name is no text at byte 45");
    check(&with_fields(&[(integer, b"\xff")]), "field 1 of type `A`: the name is no text at byte 45");
    check(&with_fields(&[(&[0, 10, 1, 2], b"a")]), "field 1 of type `A`: 4 is no builtin type at byte 31");
    check(&with_fields(&[(&[0, 1, 4, 2], b"a")]), "field 1 of type `A`: there is no type 1 at byte 31");
    check(
        &with_fields(&[(&[0, 4, 2, 2], b"a")]),
        "field 1 of type `A`: 0 means nothing beside this builtin type at byte 31",
    );
    check(&with_fields(&[(&[0, 2, 1], b"a")]), "field 1 of type `A`: the tag is missing at byte 31");
    check(&with_fields(&[(&[0, 1, 1, 2], b"a")]), "field 1 of type `A`: the type is missing at byte 31");
    check(
        &with_fields(&[(&[0, 2, 1, 4], b"a"), (integer, b"b")]),
        "field 2 of type `A`: tag 0 stands behind tag 1 at byte 50",
    );
    check(
        &with_fields(&[(integer, b"a"), (&[0, 2, 1, 4], b"a")]),
        "field `a` of type `A`: its name is declared twice at byte 50",
    );
    check(
        &with_fields(&[(&[0, 1, 2, 2, 4, 8], b"a")]),
        "field `a` of type `A`: a map by a field its structs do not have at byte 31",
    );
    check(
        &with_fields(&[(&[0, 1, 2, 2, 4, 2], b"a")]),
        "field `a` of type `A`: a map by a struct at byte 31",
    );
    check(
        &with_fields(&[(&[0, 2, 1, 2, 4, 2], b"a")]),
        "field `a` of type `A`: a key for what is no array of structs at byte 31",
    );
}
