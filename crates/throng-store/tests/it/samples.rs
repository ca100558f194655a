//! Samples are what was recorded, also of a run that crashed and when they have grown old.

use std::time::Duration;

use throng_metrics::Ledger;
use throng_store::{Reference, Store};

use crate::{Place, ending, play, play_at, run, summary};

#[test]
fn samples_add_up_to_what_was_recorded() {
    let place = Place::new();
    let mut writer = place.begin(&run("a"));
    let whole = play(&mut writer, 30);
    let id = writer.run();
    let end = writer.end(ending(30));
    assert!(end.error.is_none() && end.not_kept == 0, "{end:?}");
    let store = Store::open(&place.file()).unwrap();
    assert_eq!(summary(&store.ledger(id).unwrap()), summary(&whole));
    assert_eq!(store.find(&Reference::Number(id)).unwrap().begun.record, "at the end");
}

#[test]
fn what_was_written_before_a_crash_is_there() {
    let place = Place::new();
    let mut writer = place.begin(&run("a"));
    let whole = play(&mut writer, 5);
    writer.flush();
    let store = Store::open(&place.file()).unwrap();
    let found = store.find(&Reference::Last(0)).unwrap();
    assert_eq!((found.took, found.verdict.as_deref()), (Duration::from_secs(5), None));
    assert_eq!(found.begun.record, "at the start");
    assert_eq!(summary(&store.ledger(found.id).unwrap()), summary(&whole));
}

#[test]
fn old_samples_are_joined_by_tens_and_phases_and_lose_nothing() {
    let place = Place::new();
    let mut writer = place.begin(&run("a"));
    let whole = play_at(&mut writer, (0..25).chain(3_640..3_645));
    let id = writer.run();
    assert!(writer.end(ending(3_645)).error.is_none());
    let store = Store::open(&place.file()).unwrap();
    let mut stretches = Vec::new();
    let mut again = Ledger::default();
    store
        .samples(id, |stored| {
            stretches.push((stored.at.as_secs(), stored.took.as_secs(), stored.phase.clone()));
            again.absorb(&stored.sample, stored.took, &stored.phase);
        })
        .unwrap();
    let old: Vec<_> = stretches[..4].iter().map(|(at, took, phase)| (*at, *took, phase.as_str())).collect();
    assert_eq!(old, [(0, 10, "ramp"), (10, 5, "ramp"), (15, 5, "hold"), (20, 5, "hold")]);
    assert_eq!(stretches.len(), 4 + 5, "the newest hour is whole");
    assert_eq!(summary(&again), summary(&whole));
}
