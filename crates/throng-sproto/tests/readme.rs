//! The README's example of generated structs, which has no schema beside it to run there.

#[allow(unreachable_pub)]
mod address_book {
    include!("typed/address_book.rs");
}

#[test]
#[rustfmt::skip]
fn the_structs_of_the_readme_work() -> Result<(), Box<dyn std::error::Error>> {
    // The README from here.
    use address_book::{AddressBook, Person, PersonPhoneNumber};
    use throng_sproto::typed::Message;

    let book = AddressBook {
        person: Some(vec![Person {
            name: Some("Alice".into()),
            id: Some(10_000),
            phone: Some(vec![PersonPhoneNumber { number: Some("123456789".into()), r#type: Some(1) }]),
            ..Person::default()
        }]),
        ..AddressBook::default()
    };
    let mut bytes = Vec::new();
    book.encode(&mut bytes)?;
    assert_eq!(AddressBook::decode(&bytes)?, book);

    // The memory of a message that is no longer needed serves the next one.
    let mut reused = AddressBook::default();
    reused.decode_from(&bytes)?;
    assert_eq!(reused, book);
    // The README up to here.
    Ok(())
}

#[test]
fn the_readme_shows_that_example_and_that_schema() {
    let readme = include_str!("../README.md");
    let code = include_str!("readme.rs").split_once("from here.\n").expect("it begins").1;
    let code = code.split_once("    // The README up to").expect("it ends").0;
    let code: String =
        code.lines().map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line))).collect();
    assert!(readme.contains(&code), "{code}");
    assert!(readme.contains(include_str!("typed/address_book.sproto")));
}
