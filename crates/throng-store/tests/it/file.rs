//! The file itself: who may share it, and what is said where it is none.

use throng_store::{Reference, Store, StoreError, Writer};

use crate::{Place, ending, play, run, summary};

#[test]
fn two_runs_write_into_one_file_at_once() {
    let place = Place::new();
    let mut writers = [place.begin(&run("a")), place.begin(&run("b"))];
    let wholes = writers.each_mut().map(|writer| play(writer, 20));
    let ids = writers.each_ref().map(Writer::run);
    for writer in writers {
        let end = writer.end(ending(20));
        assert!(end.error.is_none() && end.not_kept == 0, "{end:?}");
    }
    let store = Store::open(&place.file()).unwrap();
    for (id, whole) in ids.into_iter().zip(&wholes) {
        assert_eq!(summary(&store.ledger(id).unwrap()), summary(whole));
    }
}

#[test]
fn a_missing_store_is_not_made_by_looking() {
    let place = Place::new();
    let error = Store::open(&place.file()).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert!(!place.file().exists());
}

#[test]
fn a_file_of_another_kind_is_refused_and_kept() {
    let place = Place::new();
    std::fs::create_dir_all(place.file().parent().unwrap()).unwrap();
    let text = "not a database, but long enough to be looked at as one: ".repeat(20);
    std::fs::write(place.file(), &text).unwrap();
    let said = Store::open(&place.file()).unwrap_err().to_string();
    assert!(said.contains("runs.db cannot be used: file is not a database"), "{said}");
    assert!(Writer::begin(&place.file(), &run("a")).is_err());
    assert_eq!(std::fs::read_to_string(place.file()).unwrap(), text);
}

#[test]
fn another_format_is_refused() {
    let place = Place::new();
    place.begin(&run("a")).end(ending(1));
    let file = rusqlite::Connection::open(place.file()).unwrap();
    for (format, wanted) in [
        (9, "has the format 9, and this version knows formats up to 2"),
        (
            1,
            "has the format 1 of an unfinished throng, and this version reads 2: move it away, or set `store.path`",
        ),
    ] {
        file.pragma_update(None, "user_version", format).unwrap();
        let said = Store::open(&place.file()).unwrap_err().to_string();
        assert!(said.ends_with(wanted), "{said}");
    }
}

#[test]
fn a_damaged_sample_is_said_with_its_place() {
    let place = Place::new();
    let mut writer = place.begin(&run("a"));
    play(&mut writer, 4);
    writer.end(ending(4));
    let file = rusqlite::Connection::open(place.file()).unwrap();
    file.execute("UPDATE samples SET data = x'00112233' WHERE at_ms = 2000", ()).unwrap();
    let store = Store::open(&place.file()).unwrap();
    let id = store.find(&Reference::Last(0)).unwrap().id;
    let said = store.ledger(id).unwrap_err().to_string();
    assert!(said.starts_with("the sample of run 1 at 2 s cannot be read"), "{said}");
}

#[test]
fn a_store_without_a_folder_to_be_in_says_so() {
    let place = Place::new();
    let blocked = place.folder.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let said = Writer::begin(&blocked.join("runs.db"), &run("a")).unwrap_err().to_string();
    assert!(said.starts_with("cannot make the folder") && said.contains("/file: "), "{said}");
}

#[test]
fn a_database_of_another_program_is_refused_and_kept() {
    let place = Place::new();
    std::fs::create_dir_all(place.file().parent().unwrap()).unwrap();
    let file = rusqlite::Connection::open(place.file()).unwrap();
    file.execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    drop(file);
    let before = std::fs::read(place.file()).unwrap();
    for error in
        [Store::open(&place.file()).unwrap_err(), Writer::begin(&place.file(), &run("a")).unwrap_err()]
    {
        let said = error.to_string();
        assert!(said.ends_with("cannot be used: it is a database of another program"), "{said}");
    }
    assert!(before == std::fs::read(place.file()).unwrap());
}

#[test]
fn what_a_query_fails_for_is_said() {
    let place = Place::new();
    place.begin(&run("a")).end(ending(1));
    rusqlite::Connection::open(place.file()).unwrap().execute_batch("DROP TABLE tags").unwrap();
    let store = Store::open(&place.file()).unwrap();
    let said = store.find(&Reference::Last(0)).unwrap_err().to_string();
    assert!(said.starts_with("the run store failed: no such table: tags"), "{said}");
}

#[test]
fn times_beyond_all_bounds_are_read_as_long_ones() {
    let place = Place::new();
    let mut writer = place.begin(&run("a"));
    play(&mut writer, 2);
    drop(writer);
    let file = rusqlite::Connection::open(place.file()).unwrap();
    let most = i64::MAX;
    file.execute("UPDATE samples SET took_ms = ?1 WHERE at_ms = 1000", [most]).unwrap();
    file.execute("UPDATE runs SET started_unix_ms = ?1, robots = ?2", [most, i64::MIN]).unwrap();
    let store = Store::open(&place.file()).unwrap();
    let found = store.find(&Reference::Last(0)).unwrap();
    assert_eq!(found.took.as_millis(), most as u128);
}
