//! The files of Locust: their columns are those that Locust 2.47 writes.

use std::time::Duration;

use throng_metrics::{Failure, FailureKind, Ledger, RunRecord, Stretch, Summary};
use throng_report::{CsvHistory, FailureTimes, HistoryRows, csv_exceptions, csv_failures, csv_stats};

use crate::fixtures::{self, Run};

const STATS: &str = "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%";
const HISTORY: &str = "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%,Total Request Count,Total Failure Count,Total Median Response Time,Total Average Response Time,Total Min Response Time,Total Max Response Time,Total Average Content Size";

/// Plays `seconds` of a run, each made by `play`, and gives all files.
struct Files {
    stats: String,
    history: String,
    failures: String,
    exceptions: String,
}

fn played(rows: HistoryRows, seconds: u64, mut play: impl FnMut(&mut Run, u64)) -> Files {
    let (mut ledger, mut run, mut times) = (Ledger::default(), Run::new(), FailureTimes::default());
    let mut out = Vec::new();
    let mut history = CsvHistory::begin(&mut out, 1_700_000_000, rows).unwrap();
    for second in 0..seconds {
        play(&mut run, second);
        ledger.merge(&run.recorder.take());
        let took = Duration::from_secs(1);
        ledger.close_second(took, "hold");
        let at = Duration::from_secs(second);
        let (totals, run) = (ledger.last_second(), ledger.totals());
        let stretch = Stretch { at, took, phase: "hold", totals, run };
        times.second(&stretch);
        history.second(&stretch).unwrap();
    }
    drop(history);
    let took = Duration::from_secs(seconds);
    let record = RunRecord { took, started_at_unix_s: Some(1_700_000_000), ..fixtures::record(0, &[]) };
    let summary = Summary::of(&ledger, &record);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Files {
        stats: text(csv_stats(ledger.totals(), took).unwrap()),
        history: text(out),
        failures: text(csv_failures(&summary, &times).unwrap()),
        exceptions: text(csv_exceptions(&summary).unwrap()),
    }
}

fn answered(run: &mut Run, name: &str, us: u64, count: u64) {
    let id = run.recorder.request(name, "game");
    for _ in 0..count {
        run.recorder.issued(id);
        let answer =
            throng_metrics::Answer { latency_us: us, intended_us: None, observed_us: us, generator_us: 0 };
        run.recorder.answered(id, answer);
        run.recorder.replied(id, 48);
    }
}

fn lines(text: &str) -> Vec<&str> {
    assert!(text.ends_with("\r\n"));
    text.trim_end().split("\r\n").collect()
}

#[test]
fn each_request_is_a_row_and_all_are_the_last() {
    let files = played(HistoryRows::Aggregated, 2, |run, _| {
        answered(run, "Move", 2_000, 30);
        answered(run, "Echo", 500, 10);
        run.timeouts("game", "Echo", 5, "Echo { }");
    });
    let rows = lines(&files.stats);
    assert_eq!(rows[0], STATS);
    let all = "0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5";
    assert_eq!(rows[1], format!("game,Echo,30,10,0.5,0.5,0.5,0.5,32,15,5,{all}"));
    assert!(rows[2].starts_with("game,Move,60,0,2,2,2,2,48,30,0,2,2,"), "{}", rows[2]);
    assert!(rows[3].starts_with(",Aggregated,90,10,2,1.625,0.5,2,42.667,45,5,2,2,"), "{}", rows[3]);
}

#[test]
fn a_second_is_a_row_with_what_was_then_and_what_was_so_far() {
    let play = |run: &mut Run, second| {
        if second == 0 {
            answered(run, "Move", 1_000, 4);
        } else {
            answered(run, "Echo", 3_000, 2);
        }
    };
    let aggregated = played(HistoryRows::Aggregated, 2, play).history;
    let rows = lines(&aggregated);
    assert_eq!(rows[0], HISTORY);
    assert!(rows[1].starts_with("1700000001,0,,Aggregated,4.000000,0.000000,1,1,"), "{}", rows[1]);
    assert!(rows[1].ends_with(",1,4,0,1,1,1,1,48"), "{}", rows[1]);
    assert!(rows[2].starts_with("1700000002,0,,Aggregated,2.000000,0.000000,3,3,"), "{}", rows[2]);
    assert!(rows[2].ends_with(",3,6,0,1,1.667,1,3,48"), "{}", rows[2]);
    let all = played(HistoryRows::All, 2, play).history;
    let rows = lines(&all);
    assert_eq!(rows.len(), 6, "{all}");
    assert!(rows[4].starts_with("1700000002,0,game,Move,0.000000,0.000000,N/A,N/A,"), "{}", rows[4]);
    assert!(rows[4].ends_with(",N/A,4,0,1,1,1,1,48"), "{}", rows[4]);
    assert!(rows[3].starts_with("1700000002,0,game,Echo,2.000000"), "{}", rows[3]);
}

#[test]
fn a_second_with_names_that_the_whole_has_no_room_for_hides_no_other() {
    let play = |run: &mut Run, second: u64| {
        let names = if second == 0 { 0..1_100 } else { 1_050..1_051 };
        names.for_each(|name| answered(run, &format!("m{name:04}"), 1_000, 1));
        answered(run, "zz", 1_000, if second == 0 { 0 } else { 7 });
        answered(run, "m0001", 1_000, 3);
    };
    let all = played(HistoryRows::All, 2, play).history;
    let last: Vec<&str> = lines(&all).into_iter().filter(|row| row.starts_with("1700000002,")).collect();
    let row = |name: &str| *last.iter().find(|row| row.contains(name)).unwrap();
    assert!(row(",m0001,").starts_with("1700000002,0,game,m0001,3.000000"), "{}", row(",m0001,"));
    assert!(row("Aggregated").contains(",Aggregated,11.000000,"), "{}", row("Aggregated"));
}

#[test]
fn failures_say_when_they_were_seen_and_texts_are_quoted() {
    let files = played(HistoryRows::Aggregated, 5, |run, second| {
        if second % 2 == 1 {
            run.timeouts("game", "Echo", 3, "Echo { }");
        }
        let failure = Failure { kind: FailureKind::Script, name: "role.chat", message: "=boom, \"quoted\"" };
        run.recorder.script_failed(failure, "role.lua:7: in chat\nrole.lua:1: in main");
    });
    let rows = lines(&files.failures);
    assert_eq!(rows[0], "Method,Name,Error,Occurrences,First Seen,Last Seen");
    let timeout = "game,Echo,timeout: no reply in 10 s,6,2023-11-14T22:13:22Z,2023-11-14T22:13:24Z";
    assert!(rows.contains(&timeout), "{}", files.failures);
    let exceptions = "Count,Message,Traceback,Nodes\r\n5,\"'=boom, \"\"quoted\"\"\",\"role.lua:7: in chat\nrole.lua:1: in main\",local\r\n";
    assert_eq!(files.exceptions, exceptions);
}

#[test]
fn a_run_without_requests_has_files_with_heads() {
    let files = played(HistoryRows::All, 1, |_, _| {});
    let none = ["N/A"; 11].join(",");
    assert_eq!(lines(&files.stats)[1], format!(",Aggregated,0,0,0,0,0,0,0,0,0,{none}"));
    assert_eq!((lines(&files.failures).len(), lines(&files.exceptions).len()), (1, 1));
}

#[test]
fn each_second_has_its_own_time_stamp_however_its_ends_jitter() {
    let (mut ledger, mut run, mut out) = (Ledger::default(), Run::new(), Vec::new());
    let mut times = FailureTimes::default();
    let mut history = CsvHistory::begin(&mut out, 1_700_000_000, HistoryRows::Aggregated).unwrap();
    for (from, to) in [(0, 998), (998, 2_003), (2_003, 2_999)].map(|(a, b)| (Duration::from_millis(a), b)) {
        run.timeouts("game", "Echo", 1, "Echo { }");
        ledger.merge(&run.recorder.take());
        let took = Duration::from_millis(to) - from;
        ledger.close_second(took, "hold");
        let (totals, run) = (ledger.last_second(), ledger.totals());
        let stretch = Stretch { at: from, took, phase: "hold", totals, run };
        times.second(&stretch);
        history.second(&stretch).unwrap();
    }
    drop(history);
    let text = String::from_utf8(out).unwrap();
    let stamps: Vec<&str> = lines(&text)[1..].iter().map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(stamps, ["1700000001", "1700000002", "1700000003"]);
    let record = RunRecord { started_at_unix_s: Some(1_700_000_000), ..fixtures::record(3, &[]) };
    let failures = csv_failures(&Summary::of(&ledger, &record), &times).unwrap();
    let failures = String::from_utf8(failures).unwrap();
    assert!(failures.contains("2023-11-14T22:13:21Z,2023-11-14T22:13:23Z"), "{failures}");
}
