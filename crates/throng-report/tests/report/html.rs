//! Pages of runs as they look: their size, what is in them, and the files that the tests in `web/` open in a browser.
//!
//! They are left in `target/tmp/pages`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use throng_metrics::{
    EndCause, Environment, FailureKind, Kind, LagSource, Ledger, RobotState, RunEnd, RunRecord, Setting,
    Stretch, Summary, no_sample,
};
use throng_report::{HtmlReport, KeptRun, Timeline, html_report};

use crate::fixtures::{self, Run};

/// A run that was played second by second.
struct Played {
    ledger: Ledger,
    timeline: Timeline,
    second: u64,
}

impl Played {
    fn new(planned: u64) -> Played {
        let mut ledger = Ledger::default();
        ledger.plan_robots(planned);
        Played { ledger, timeline: Timeline::default(), second: 0 }
    }

    fn second(&mut self, run: &mut Run, phase: &str, wanted: u64) {
        self.seconds(1, run, phase, wanted);
    }

    fn seconds(&mut self, seconds: u64, run: &mut Run, phase: &str, wanted: u64) {
        let (at, took) = (Duration::from_secs(self.second), Duration::from_secs(seconds));
        self.ledger.want_robots(Some(wanted));
        self.ledger.merge(&run.recorder.take());
        self.ledger.close_second(took, phase);
        let (totals, run) = (self.ledger.last_second(), self.ledger.totals());
        self.timeline.push(&Stretch { at, took, phase, totals, run });
        self.second += seconds;
    }

    fn page(&self, name: &str, record: &RunRecord) -> String {
        let record = RunRecord { took: Duration::from_secs(self.second), ..record.clone() };
        let summary = Summary::of(&self.ledger, &record);
        let tags = ["nightly".to_owned()];
        let kept = Some(KeptRun { number: 12, tags: &tags, note: "after the patch" });
        let page = html_report(&HtmlReport { summary: &summary, timeline: &self.timeline, kept }).unwrap();
        let file = pages().join(name).with_extension("html");
        fs::create_dir_all(pages()).unwrap();
        fs::write(file, &page).unwrap();
        page
    }
}

fn pages() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages")
}

/// What a page was given.
#[track_caller]
fn figures(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"figures\">").unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

fn record() -> RunRecord {
    let thresholds = [("request.game/EchoRequest.p99", "< 1ms"), ("errors.rate", "< 50%")];
    RunRecord {
        seed: Some(u64::MAX),
        started_at_unix_s: Some(1_700_000_000),
        warnings: vec!["certificates are not checked".into()],
        environment: Environment {
            version: "0.1.0".into(),
            host: "loader-1".into(),
            cores: Some(8),
            settings: vec![Setting { key: "load.robots".into(), value: "40".into() }],
            ..Environment::default()
        },
        ..fixtures::record(0, &thresholds)
    }
}

/// Ninety seconds of a game with what can go wrong.
fn game() -> Played {
    let mut played = Played::new(40);
    let mut run = fixtures::troubled();
    for second in 0..90 {
        let phase = if second < 10 { "ramp_up" } else { "hold" };
        if second > 0 {
            run.requests("game", "EchoRequest", 200, if second == 45 { 90_000.0 } else { 1_400.0 });
            run.requests("battle", "get", 60, 300.0);
            run.pushes("battle", "move", 240, 240);
            run.generator(40.0);
        }
        if second % 9 == 8 {
            run.timeouts("game", "EchoRequest", 2, "EchoRequest { Text = \"hi\" }");
        }
        played.second(&mut run, phase, 40.min(second * 4));
    }
    played
}

#[test]
fn a_page_has_the_run_in_it() {
    let page = game().page("game", &record());
    let figures = figures(&page);
    assert_eq!((&figures["format"], &figures["seed"]), (&1.into(), &u64::MAX.to_string().into()));
    let timeline = &figures["timeline"];
    assert_eq!(timeline["at"].as_array().unwrap().len(), 90);
    assert_eq!(timeline["phases"], serde_json::json!([["ramp_up", 0, 10_000], ["hold", 10_000, 90_000]]));
    assert_eq!(timeline["robots"]["wanted"][20], 40);
    let echo = timeline["messages"]["requests"].as_array().unwrap().iter();
    let echo = echo.clone().find(|row| row["name"] == "EchoRequest").unwrap();
    assert_eq!((&echo["ok"][1], &echo["failed"][8]), (&200.into(), &2.into()));
    assert!(timeline["latency"]["p99"][45].as_u64() > timeline["latency"]["p99"][44].as_u64());
    assert_eq!(figures["summary"]["environment"]["host"], "loader-1");
}

/// A run whose plan and whose scripts have all that they can have. Its first stretches are of ten seconds, as in the run store, and
/// of twenty seconds nothing is known.
fn planned() -> (Played, RunRecord) {
    let kinds = [
        FailureKind::Closed,
        FailureKind::Decode,
        FailureKind::Rejected,
        FailureKind::Reset,
        FailureKind::Script,
        FailureKind::Timeout,
        FailureKind::Tls,
    ];
    let (mut played, mut run) = (Played::new(500), fixtures::stalled());
    let scenarios = run.scenarios();
    let storms = run.storms();
    run.arrivals("casual");
    run.measures();
    for stretch in 0..60_u64 {
        let (seconds, phase) = match stretch {
            0..12 => (10, "ramp_up"),
            12..40 => (1, "hold"),
            40..50 => (1, "constructor"),
            _ => (1, "__proto__"),
        };
        run.requests("game", "EchoRequest", 100 * seconds as usize, 1_400.0);
        if stretch % 5 == 0 {
            run.requests("game", "Seldom", 1, 40_000.0);
        }
        for (at, kind) in kinds.into_iter().enumerate().filter(|(at, _)| stretch % (*at as u64 + 2) == 1) {
            let id = run.recorder.request("EchoRequest", "game");
            (0..=at).for_each(|_| {
                run.recorder.issued(id);
                run.recorder.request_failed(id, kind, "it failed", no_sample);
            });
        }
        run.generator(40.0);
        if stretch == 30 {
            played.second += 20;
        }
        played.seconds(seconds, &mut run, phase, 500);
    }
    (played, RunRecord { scenarios, storms, ..record() })
}

#[test]
fn a_page_has_what_was_planned_and_what_was_not_recorded() {
    let (played, record) = planned();
    let figures = figures(&played.page("plan", &record));
    let summary = &figures["summary"];
    for (list, length) in [
        ("scenarios", 2),
        ("arrivals", 1),
        ("storms", 3),
        ("orders", 1),
        ("delays", 1),
        ("gaps", 1),
        ("groups", 2),
    ] {
        assert_eq!(summary[list].as_array().map(Vec::len), Some(length), "{list}");
    }
    let timeline = &figures["timeline"];
    let at = timeline["at"].as_array().unwrap();
    assert!(
        at.contains(&110_000.into()) && at.contains(&137_000.into()) && at.contains(&158_000.into()),
        "{at:?}"
    );
    assert!(!at.contains(&138_000.into()), "{at:?}");
}

#[test]
fn the_page_has_words_in_chinese_for_all_kinds_of_failures_ends_and_lags() {
    let chinese = include_str!("../../../../web/src/shared/strings/zh.ts");
    let names = FailureKind::ALL.iter().map(|kind| kind.name());
    let names = names.chain(EndCause::ALL.iter().map(|cause| cause.name()));
    for name in names.chain(LagSource::ALL.iter().map(|source| source.name())) {
        assert!(chinese.contains(&format!(" {name}: \"")), "{name}");
    }
}

#[test]
fn a_run_without_anything_has_a_page() {
    let mut played = Played::new(5);
    played.second(&mut Run::new(), "hold", 5);
    let record = RunRecord { end: RunEnd::Interrupted, ..RunRecord::default() };
    let figures = figures(&played.page("empty", &record));
    assert_eq!(figures["timeline"]["latency"], Value::Null);
}

#[test]
fn what_a_server_or_a_user_wrote_stays_text() {
    let evil = "</script><script>window.pwned = 1</script><!--<img src=x onerror='window.pwned=2'>";
    let mut run = fixtures::named();
    run.robots(&[(RobotState::Ready, 3)]);
    for name in
        [evil, "{\"throng\":\"figures\"}", "a\u{2028}b\u{2029}\"'`${1}\\", "\u{202e}turned", "__proto__", ""]
    {
        run.requests(name, name, 20, 900.0);
        run.pushes(name, name, 5, 1);
        let id = run.recorder.request(name, "game");
        run.recorder.issued(id);
        run.recorder.request_failed(id, FailureKind::Decode, name, || Some(evil.repeat(20)));
        let id = run.recorder.connection(name);
        run.recorder.connecting(id);
        run.recorder.connect_failed(id, FailureKind::Refused, evil, no_sample);
    }
    let long = "x".repeat(100_000);
    run.requests("game", &long, 3, 10.0);
    let mut played = Played::new(3);
    played.second(&mut run, evil, 3);
    let mut record = record();
    record.project = evil.into();
    record.target = long;
    record.warnings.push(evil.into());
    record.environment.settings.push(Setting { key: evil.into(), value: evil.into() });
    let page = played.page("hostile", &record);
    assert!(!page.contains("window.pwned = 1</script>"), "a name ended the script element");
    let figures = figures(&page);
    assert_eq!(figures["summary"]["project"], evil);
    assert_eq!(figures["timeline"]["phases"][0][0], evil);
}

/// An hour with two hundred messages.
fn hour(phase: fn(u64) -> String) -> Played {
    let mut played = Played::new(300);
    let mut run = Run::new();
    run.robots(&[(RobotState::Ready, 300)]);
    for stretch in 0..450 {
        for message in 0..200_u32 {
            // Some are frequent and fast, some rare and slow, and all have a tail.
            let median = 150.0 * f64::from(1 + message % 40) * if stretch % 60 == 7 { 30.0 } else { 1.0 };
            let name = format!("module{:02}.SomeRequestNumber{message:03}", message % 17);
            run.requests("game", &name, 8 * (1 + message as usize % 10), median);
        }
        if stretch % 4 == 0 {
            run.timeouts("game", "module00.SomeRequestNumber000", 3, "SomeRequest { x = 1 }");
        }
        for push in 0..20 {
            run.pushes("game", &format!("SomePush{push}"), 80, 0);
        }
        run.generator(40.0);
        played.seconds(8, &mut run, &phase(stretch), 300);
    }
    played
}

#[test]
fn an_hour_with_two_hundred_messages_is_less_than_two_megabytes() {
    let played = hour(|stretch| if stretch < 8 { "ramp_up" } else { "hold" }.to_owned());
    let page = played.page("hour", &record());
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    let figures = figures(&page);
    assert_eq!(figures["timeline"]["messages"]["requests"].as_array().unwrap().len(), 200);
    let points = figures["timeline"]["at"].as_array().unwrap().len();
    assert!((225..=600).contains(&points), "{points}");
}

#[test]
fn a_page_stays_as_small_with_many_phases() {
    let played = hour(|stretch| format!("stage {}", stretch * 20 / 450));
    let page = played.page("stages", &record());
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    let figures = figures(&page);
    assert_eq!(figures["summary"]["phases"].as_array().unwrap().len(), 20);
    let points = figures["timeline"]["messages"]["at"].as_array().unwrap().len();
    assert!(points >= 12, "{points}");
}
