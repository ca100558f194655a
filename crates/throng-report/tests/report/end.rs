//! The end report on runs of every kind.

use std::time::Duration;

use throng_metrics::{
    Answer, EndCause, Ledger, RobotState, RunEnd, RunRecord, ScenarioPlan, Standing, StormPlan, Summary,
    WorkKind,
};
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
    let r = &mut run.recorder;
    let (order, moved, beat) = (r.order("moves"), r.delay("moved", "game"), r.gap("moved"));
    let game = r.connection("game");
    for step in 0..1_000_i64 {
        let standing = match step {
            0 => Standing::First,
            500 => Standing::Skipped(3),
            501 => Standing::Late { missed: true },
            502 => Standing::Doubled,
            _ => Standing::Next,
        };
        r.ordered(order, standing);
        r.delayed(moved, 0, 1_700_000_000_000_000 + step * step % 900);
        r.jitter(moved, step.unsigned_abs() % 77);
        r.gapped(beat, 100_000 + step.unsigned_abs() * 3);
        r.robot_gone(1_500 + step.unsigned_abs());
    }
    let (fight, shop) = (r.request_in("fight", "Hit", "battle"), r.request_in("shop", "Buy", "game"));
    let work = r.work(WorkKind::Group, "fight");
    for us in [900, 1_200, 4_000] {
        for id in [fight, shop] {
            r.issued(id);
            r.answered(id, Answer { latency_us: us, intended_us: None, observed_us: us, generator_us: 0 });
        }
        r.worked(work, us * 20);
    }
    for _ in 0..3 {
        r.reconnected(game);
        r.ended(game, EndCause::Server, 61_000_000);
    }
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
    for _ in 0..500 {
        let late = run.dice.latency(300.0);
        run.recorder.arrived("", late);
    }
    (0..31).for_each(|_| run.recorder.turned_away(""));
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
    for (name, robots, failed) in [("casual", 400, 0), ("whale", 95, 5)] {
        let scenario = run.recorder.scenario(name);
        for robot in 0..robots {
            run.recorder.scenario_started(scenario);
            let end = if robot < failed { RobotState::Failed } else { RobotState::Ready };
            run.recorder.scenario_changed(scenario, RobotState::Connecting, end);
            if end == RobotState::Ready {
                run.recorder.scenario_first_ready(scenario);
            }
            let took = run.dice.latency(9_000.0);
            run.recorder.scenario_worked(name, "role.chat", took, false);
        }
    }
    let plan = |name: &str, planned| ScenarioPlan { name: name.to_owned(), planned };
    let scenarios = vec![plan("casual", 400), plan("whale", 100)];
    let record = RunRecord { scenarios, ..fixtures::record(60, &[]) };
    let shown = shown(&run.summary(500, &record), 100);
    insta::assert_snapshot!(shown.split("Requests").next().unwrap());
}

#[test]
fn a_run_with_storms() {
    let mut run = fixtures::game(&[(RobotState::Stopped, 500)]);
    for (name, hit, back, gone) in [("1", 150u64, 149u64, 1u64), ("2", 500, 300, 0)] {
        let storm = run.recorder.storm(name);
        run.recorder.storm_hit(storm, 500, hit, hit + 10);
        for _ in 0..back {
            let took = run.dice.latency(400_000.0);
            run.recorder.storm_back(storm, took);
        }
        (0..gone).for_each(|_| run.recorder.storm_gone(storm));
    }
    let plan = |at, drop, loss: &str| StormPlan { at: Duration::from_secs(at), drop, loss: loss.to_owned() };
    let storms = vec![plan(20, 0.3, "cable"), plan(40, 1.0, "close"), plan(90, 0.5, "cable")];
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
