//! The end report on runs of every kind.

use std::time::Duration;

use throng_metrics::{Answer, EndCause, Ledger, RobotState, RunEnd, RunRecord, Summary};
use throng_report::{Colour, EndStyle, end_report};

use crate::fixtures;

fn shown(summary: &Summary, width: usize) -> String {
    let next = ["throng try my_game".to_owned(), "throng run my_game -u 1000".to_owned()];
    let style = EndStyle {
        width,
        colour: Colour::Never,
        reports: &["out/run.json".into()],
        kept: Some("run 12 in .throng/runs.db"),
        next: &next,
    };
    end_report(summary, &style)
}

fn healthy() -> Summary {
    let thresholds = [("request.EchoRequest.p99", "< 50ms"), ("generator.lag.p99", "< 5ms")];
    fixtures::game(&[(RobotState::Stopped, 500)]).summary(500, &fixtures::record(60, &thresholds))
}

fn troubled() -> Summary {
    let thresholds = [
        ("request.EchoRequest.p99", "< 5ms"),
        ("request.game/LoginRequest.failures", "== 0"),
        ("request.*.p95", "< 1s"),
        ("check.echo is right.rate", "> 99%"),
    ];
    fixtures::troubled().summary(500, &fixtures::record(60, &thresholds))
}

#[test]
fn a_healthy_run() {
    insta::assert_snapshot!(shown(&healthy(), 110));
}

#[test]
fn phases_of_a_run() {
    let mut run = fixtures::Run::new();
    let (mut ledger, seconds) = (Ledger::default(), Duration::from_secs(30));
    for (phase, replies, median) in [("ramp_up", 900, 900.0), ("hold", 9_000, 1_400.0), ("stop", 3, 2_000.0)]
    {
        run.robots(&[(RobotState::Ready, replies / 30)]);
        run.requests("game", "EchoRequest", replies, median);
        run.pushes("game", "moved", replies * 3, replies);
        ledger.merge(&run.recorder.take());
        ledger.close_second(seconds, phase);
    }
    insta::assert_snapshot!(shown(&Summary::of(&ledger, &fixtures::record(90, &[])), 80));
}

#[test]
fn measures_of_what_came_before() {
    let mut run = fixtures::game(&[(RobotState::Stopped, 20)]);
    run.measures();
    insta::assert_snapshot!(shown(&run.summary(20, &fixtures::record(60, &[])), 90));
}

#[test]
fn a_troubled_run() {
    insta::assert_snapshot!(shown(&troubled(), 110));
}

#[test]
fn a_troubled_run_in_eighty_columns() {
    insta::assert_snapshot!(shown(&troubled(), 80));
}

#[test]
fn a_run_of_arrivals() {
    let mut run = fixtures::game(&[(RobotState::Stopped, 500)]);
    run.arrivals("");
    let shown = shown(&run.summary(500, &fixtures::record(60, &[])), 100);
    insta::assert_snapshot!(shown.split("Requests").next().unwrap());
}

#[test]
fn a_stalled_run_whose_robots_had_a_pace() {
    let thresholds = [("request.move.p99", "< 50ms"), ("request.move.intended.p99", "< 50ms")];
    let summary = fixtures::stalled().summary(10, &fixtures::record(10, &thresholds));
    insta::assert_snapshot!(format!("{}\n{}", shown(&summary, 100), shown(&summary, 70)));
}

#[test]
fn a_run_of_scenarios() {
    let mut run = fixtures::game(&[(RobotState::Stopped, 500)]);
    let scenarios = run.scenarios();
    let record = RunRecord { scenarios, ..fixtures::record(60, &[]) };
    let shown = shown(&run.summary(500, &record), 100);
    insta::assert_snapshot!(shown.split("Requests").next().unwrap());
}

#[test]
fn a_run_with_storms() {
    let mut run = fixtures::game(&[(RobotState::Stopped, 500)]);
    let storms = run.storms();
    let record = RunRecord { storms, ..fixtures::record(60, &[]) };
    let shown = shown(&run.summary(500, &record), 100);
    insta::assert_snapshot!(shown.split("Requests").next().unwrap());
}

#[test]
fn a_refused_run() {
    insta::assert_snapshot!(shown(&fixtures::refused().summary(500, &fixtures::record(12, &[])), 100));
}

#[test]
fn a_run_limited_by_the_generator() {
    insta::assert_snapshot!(shown(&fixtures::saturated().summary(5_000, &fixtures::record(10, &[])), 100));
}

#[test]
fn a_run_without_anything() {
    let run = fixtures::Run::new();
    insta::assert_snapshot!(shown(&run.summary(0, &RunRecord::default()), 80));
}

#[test]
fn an_interrupted_and_a_broken_run() {
    let end = |end| {
        let run = RunRecord { end, took: Duration::from_millis(1_400), ..fixtures::record(0, &[]) };
        shown(&fixtures::Run::new().summary(10, &run), 80)
    };
    let broken = end(RunEnd::Broken("out of file descriptors".into()));
    insta::assert_snapshot!([end(RunEnd::Interrupted), broken].join("----\n"));
}

#[test]
fn long_and_chinese_names() {
    insta::assert_snapshot!(shown(&fixtures::named().summary(20, &fixtures::record(10, &[])), 100));
}

#[test]
fn what_is_left_out_of_a_table_is_said() {
    let mut run = fixtures::Run::new();
    for at in 0..43 {
        let r = &mut run.recorder;
        let (push, send) = (r.push(&format!("Push{at}"), "game"), r.send(&format!("Send{at}"), "game"));
        r.pushed(push, 10);
        r.sent(send, 10);
        let (check, counter) = (r.check(&format!("check {at}")), r.counter(&format!("counter {at}")));
        r.check_passed(check);
        r.counted(counter, 1);
    }
    let shown = shown(&run.summary(0, &fixtures::record(10, &[])), 80);
    assert_eq!(shown.matches("  and 3 more, less frequent\n").count(), 4, "{shown}");
}

#[test]
fn no_line_is_wider_than_the_terminal_and_none_says_nan() {
    for summary in [healthy(), troubled(), fixtures::named().summary(20, &fixtures::record(0, &[]))] {
        for width in [60, 80, 100, 140, 200] {
            let text = shown(&summary, width);
            for line in text.lines() {
                assert!(throng_report::text::width(line) <= width, "{width}: {line}");
                assert!(!line.contains("NaN") && !line.contains("inf/"), "{line}");
                assert!(!line.contains('\x1b'), "{line}");
            }
        }
    }
}

#[test]
fn colour_comes_only_when_asked_for() {
    let style = EndStyle { width: 100, colour: Colour::Always, reports: &[], kept: None, next: &[] };
    let coloured = end_report(&troubled(), &style);
    assert!(coloured.starts_with("\x1b[31m✗ fail"));
    let plain = end_report(&troubled(), &EndStyle { colour: Colour::Never, ..style });
    assert!(!plain.contains('\x1b'));
    assert_eq!(strip(&coloured), plain);
}

fn strip(text: &str) -> String {
    let mut plain = String::new();
    for (at, part) in text.split("\x1b[").enumerate() {
        plain.push_str(if at == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    plain.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn how_connections_ended_is_not_cut_on_a_narrow_terminal() {
    let mut run = fixtures::Run::new();
    let causes = [EndCause::Server, EndCause::Reset, EndCause::Own, EndCause::Storm, EndCause::RunEnd];
    run.connections("gateway-europe-west", 300, &causes.map(|cause| (cause, 50)));
    let summary = run.summary(0, &fixtures::record(10, &[]));
    let (narrow, wide) = (shown(&summary, 60), shown(&summary, 140));
    assert!(
        narrow.contains("    50 server, 50 reset, 50 self, 50 storm, 50 run_end\n    50 still open\n"),
        "{narrow}"
    );
    assert!(wide.contains("  50 server, 50 reset, 50 self, 50 storm, 50 run_end, 50 still open\n"), "{wide}");
}

#[test]
fn a_thresholds_key_is_not_cut_for_the_name_that_decided() {
    let mut run = fixtures::Run::new();
    let name = "inventory.TransferItemsBetweenCharactersRequest";
    run.requests("gateway-europe-west", name, 30, 900.0);
    let key = "request.gateway-europe-west/inventory.*.p99";
    let summary = run.summary(0, &fixtures::record(10, &[(key, "< 50ms")]));
    let narrow = shown(&summary, 80);
    assert!(narrow.contains(&format!("  ✓ {key}  < 50ms  was ")), "{narrow}");
    assert!(narrow.contains(&format!("\n    (gateway-europe-west/{name})\n")), "{narrow}");
    let wide = shown(&summary, 160);
    assert!(
        wide.contains(&format!(" (gateway-europe-west/{name})\n")) && !wide.contains("\n    ("),
        "{wide}"
    );
}

#[test]
fn the_intended_start_stands_under_the_request_it_is_of() {
    let mut run = fixtures::Run::new();
    let hit = run.recorder.request_in("fight", "Hit", "battle");
    run.recorder.issued(hit);
    let answer = Answer { latency_us: 900, intended_us: Some(90_000), observed_us: 900, generator_us: 0 };
    run.recorder.answered(hit, answer);
    let shown = shown(&run.summary(0, &fixtures::record(10, &[])), 80);
    assert!(shown.contains("\n  battle/Hit") && shown.contains("\n    intended start"), "{shown}");
    assert!(shown.contains("\n    battle/Hit") && shown.contains("\n      intended start"), "{shown}");
}
