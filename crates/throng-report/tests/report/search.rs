//! A search as it is printed, and as the page that the tests in `web/` open in a browser.

use std::fs;
use std::path::Path;

use throng_metrics::{Ledger, Spread};
use throng_report::{
    Colour, SearchCondition, SearchDocument, SearchTry, search_head, search_line, search_page,
    search_sentence,
};
use throng_stats::{Knee, Tried};

use crate::fixtures::{self, Run};

#[test]
fn every_end_of_a_search_is_a_sentence() {
    let ends = [
        Knee::Found { load: 640.0, fails_at: 680.0 },
        Knee::BelowRange,
        Knee::AboveRange { load: 5_000.0 },
        Knee::Unsteady,
        Knee::Limited { at: 12.5, held: Some(6.25) },
        Knee::Limited { at: 10.0, held: None },
        Knee::BrokenOff { held: Some(320.0) },
        Knee::BrokenOff { held: None },
    ];
    let said = ends.map(|end| search_sentence(&end, "robots"));
    insta::assert_snapshot!(said.join("\n"));
}

/// A try in which each robot asked twice a second.
fn tried(load: f64, result: Tried, p99_ms: f64) -> SearchTry {
    let (mut run, mut ledger) = (Run::new(), Ledger::default());
    run.requests("game", "Move", (load * 20.0) as usize, p99_ms * 1e3 / 4.0);
    run.requests("game", "Login", load as usize, p99_ms * 1e3 / 2.0);
    run.generator(40.0);
    ledger.merge(&run.recorder.take());
    ledger.close_second(std::time::Duration::from_secs(10), "hold");
    let summary = throng_metrics::Summary::of(&ledger, &fixtures::record(10, &[]));
    let phase = summary.phases.into_iter().next().unwrap();
    let why = match result {
        Tried::Held => String::new(),
        Tried::Failed => format!("request.Move.p99 was {p99_ms} ms, wanted < 50ms"),
        Tried::Limited => "lag p99 was 12 ms".to_owned(),
    };
    SearchTry {
        load,
        again: false,
        result,
        figure: format!("{p99_ms} ms"),
        value: Some(p99_ms * 1e3),
        unit: "us",
        replies_per_s: 2.1 * load,
        lag_p99_us: Some(80),
        run: Some(7),
        why,
        conditions: vec![SearchCondition {
            key: "request.Move.p99".to_owned(),
            condition: "< 50ms".to_owned(),
            passed: result == Tried::Held,
            actual: format!("{p99_ms} ms"),
            value: Some(p99_ms * 1e3),
            unit: "us",
            bound: 50e3,
        }],
        latency_us: phase.latency_us.map(|spread| Spread { p99: (p99_ms * 900.0) as u64, ..spread }),
        requests: phase.requests,
        errors: Some(phase.errors),
    }
}

fn document(knee: Knee, tries: Vec<SearchTry>) -> SearchDocument {
    SearchDocument {
        schema_version: 1,
        reason: search_sentence(&knee, "robots"),
        knee,
        project: "my_game".to_owned(),
        target: "ws://127.0.0.1:8765".to_owned(),
        of: "robots",
        conditions: vec!["request.Move.p99 < 50ms".to_owned()],
        hold_s: 10.0,
        warm_up_s: 3.0,
        started_at_unix_s: 1_700_000_000,
        version: "0.1.0".to_owned(),
        seed: u64::MAX,
        tries,
    }
}

fn written(name: &str, document: &SearchDocument) -> String {
    let page = search_page(document).unwrap();
    let pages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&pages).unwrap();
    fs::write(pages.join(name).with_extension("html"), &page).unwrap();
    page
}

#[test]
fn tries_stand_in_columns() {
    let failed = SearchTry { again: true, ..tried(1_280.0, Tried::Failed, 212.0) };
    let lines = [
        search_head("robots", "request.Move.p99", Colour::Never),
        search_line(&tried(640.0, Tried::Held, 12.3), Colour::Never),
        search_line(&failed, Colour::Never),
    ];
    insta::assert_snapshot!(lines.concat());
}

#[test]
fn a_search_is_a_page() {
    let mut tries: Vec<SearchTry> = [
        (80.0, 4.0),
        (160.0, 4.4),
        (320.0, 6.0),
        (640.0, 212.0),
        (480.0, 31.0),
        (480.0, 33.0),
        (640.0, 600.0),
    ]
    .map(|(load, p99)| tried(load, if p99 > 50.0 { Tried::Failed } else { Tried::Held }, p99))
    .into();
    (1..).zip(&mut tries).for_each(|(number, tried)| tried.run = Some(number));
    tries[5].again = true;
    tries[6].again = true;
    let page = written("search", &document(Knee::Found { load: 480.0, fails_at: 640.0 }, tries));
    assert!(page.contains("\"seed\":\"18446744073709551615\""), "a browser could not read it as a number");
    let tries = vec![tried(10.0, Tried::Held, 2.0), tried(20.0, Tried::Limited, 3.0)];
    written("search-limited", &document(Knee::Limited { at: 20.0, held: Some(10.0) }, tries));
    written("search-empty", &document(Knee::BrokenOff { held: None }, Vec::new()));
}

#[test]
fn what_a_server_or_a_user_wrote_stays_text_in_a_search() {
    let evil = "</script><script>window.pwned = 1</script>";
    let mut tries = vec![tried(10.0, Tried::Failed, 70.0)];
    tries[0].why = evil.to_owned();
    tries[0].conditions[0].key = evil.to_owned();
    tries[0].requests.iter_mut().for_each(|request| request.name = evil.to_owned());
    let mut document = document(Knee::BelowRange, tries);
    document.project = evil.to_owned();
    document.conditions = vec![evil.to_owned()];
    let page = written("search-hostile", &document);
    assert!(!page.contains("window.pwned = 1</script>"), "a name ended the script element");
}
