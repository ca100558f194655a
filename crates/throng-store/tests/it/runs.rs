//! Runs are listed, marked, named and deleted.

use std::time::Duration;

use throng_store::{Filter, NewRun, Reference, RunId, RunState, Store};

use crate::{Place, ending, play, run};

fn ids(store: &Store, filter: &Filter) -> Vec<i64> {
    store.runs(filter).unwrap().into_iter().map(|run| run.id.0).collect()
}

/// Run 1 passed long ago, 2 crashed long ago, 3 goes on.
fn three(place: &Place) -> Store {
    let old = NewRun { started: Duration::from_secs(1_000), tags: vec!["base".to_owned()], ..run("a") };
    place.begin(&old).end(ending(60));
    drop(place.begin(&NewRun { started: Duration::from_secs(2_000), ..run("b") }));
    drop(place.begin(&run("a")));
    Store::open(&place.file()).unwrap()
}

#[test]
fn runs_are_listed_newest_first_with_their_state() {
    let place = Place::new();
    let store = three(&place);
    let runs = store.runs(&Filter::default()).unwrap();
    let states: Vec<_> = runs.iter().map(|run| (run.id.0, run.state, run.verdict.as_deref())).collect();
    assert_eq!(
        states,
        [(3, RunState::Running, None), (2, RunState::Crashed, None), (1, RunState::Ended, Some("pass"))]
    );
    assert_eq!((runs[0].begun.seed, runs[2].took), (u64::MAX, Duration::from_secs(60)));
}

#[test]
fn filters_hold_all_at_once() {
    let place = Place::new();
    let store = three(&place);
    let of = |change: fn(&mut Filter)| {
        let mut filter = Filter::default();
        change(&mut filter);
        ids(&store, &filter)
    };
    assert_eq!(of(|f| f.project = Some("a".to_owned())), [3, 1]);
    assert_eq!(of(|f| f.tag = Some("base".to_owned())), [1]);
    assert_eq!(of(|f| f.verdict = Some("crashed".to_owned())), [2]);
    assert_eq!(of(|f| f.verdict = Some("pass".to_owned())), [1]);
    assert_eq!(of(|f| f.since = Some(Duration::from_secs(2_000))), [3, 2]);
    assert_eq!(of(|f| f.newest = Some(2)), [3, 2]);
    assert_eq!(of(|f| (f.project, f.newest) = (Some("a".to_owned()), Some(1))), [3]);
}

#[test]
fn runs_are_found_by_what_a_user_says() {
    let place = Place::new();
    let store = three(&place);
    let find = |reference: Reference| store.find(&reference).map(|run| run.id.0);
    assert_eq!(find(Reference::Number(RunId(2))).unwrap(), 2);
    assert_eq!((find(Reference::Last(0)).unwrap(), find(Reference::Last(2)).unwrap()), (3, 1));
    assert_eq!(find(Reference::Tag("base".to_owned())).unwrap(), 1);
    let said = |reference| find(reference).unwrap_err().to_string();
    assert_eq!(said(Reference::Number(RunId(7))), "there is no run 7: there are 3, from 1 to 3");
    assert_eq!(said(Reference::Last(3)), "there is no run last~3: there are 3, from 1 to 3");
    assert_eq!(
        said(Reference::Tag("x".to_owned())),
        "there is no run with the tag 'x': there are 3, from 1 to 3"
    );
}

#[test]
fn tags_and_notes_change_while_a_run_goes_on() {
    let place = Place::new();
    let mut writer = place.begin(&run("a"));
    let mut store = Store::open(&place.file()).unwrap();
    let id = writer.run();
    store.tag(id, "release").unwrap();
    store.tag(id, "release").unwrap();
    store.tag(id, "night").unwrap();
    store.note(id, "with the new pool").unwrap();
    play(&mut writer, 2);
    assert!(writer.end(ending(2)).error.is_none());
    assert!(store.untag(id, "night").unwrap() && !store.untag(id, "night").unwrap());
    let found = store.find(&Reference::Number(id)).unwrap();
    assert_eq!(
        (found.begun.tags, found.begun.note.as_str()),
        (vec!["release".to_owned()], "with the new pool")
    );
}

#[test]
fn a_deleted_run_leaves_nothing_and_its_number_is_not_used_again() {
    let place = Place::new();
    let mut writer = place.begin(&run("a"));
    play(&mut writer, 300);
    let id = writer.run();
    writer.end(ending(300));
    let mut store = Store::open(&place.file()).unwrap();
    store.delete(id).unwrap();
    store.shrink().unwrap();
    assert!(ids(&store, &Filter::default()).is_empty() && store.find(&Reference::Last(0)).is_err());
    let mut samples = 0;
    store.samples(id, |_| samples += 1).unwrap();
    assert_eq!(samples, 0);
    assert_eq!(place.begin(&run("a")).run(), RunId(id.0 + 1));
}
