use super::*;
use crate::{Answer, EndCause, Failure, FailureKind, LagSource, Recorder, RobotState, Standing, Threshold};

fn played() -> Ledger {
    let mut r = Recorder::default();
    r.robot_started();
    r.robot_changed(RobotState::Connecting, RobotState::Ready);
    r.robot_first_ready();
    let game = r.connection("game");
    r.connecting(game);
    r.opened(game, 420);
    r.orphan(game);
    r.ended(game, EndCause::Own, 7_000);
    r.reconnected(game);
    r.robot_gone(1_500);
    let echo = r.request("EchoRequest", "game");
    for us in [900, 1_000, 1_100, 60_000] {
        r.issued(echo);
        let intended_us = Some(us + 5);
        r.answered(echo, Answer { latency_us: us, intended_us, observed_us: us + 100, generator_us: 100 });
    }
    (0..3).for_each(|_| r.issued(echo));
    r.request_failed(echo, FailureKind::Timeout, "no reply in 10 s", || Some("{ Text = \"hi\" }".into()));
    r.cancelled(echo);
    r.late(echo);
    let (fight, hit) = (r.work(WorkKind::Group, "fight"), r.request_in("fight", "Hit", "battle"));
    r.issued(hit);
    r.answered(hit, Answer { latency_us: 700, intended_us: None, observed_us: 800, generator_us: 100 });
    r.worked(fight, 9_000);
    let ping = r.send("Ping", "game");
    r.sent(ping, 7);
    let push = r.push("KickNotify", "game");
    r.pushed(push, 12);
    r.push_handled(push);
    let check = r.check("echo is right");
    r.check_passed(check);
    let chat = r.work(WorkKind::Task, "role.chat");
    r.work_failed(chat, 61_000);
    r.work_intended(chat, 62_000);
    let pacing = r.schedule("pacing");
    r.due(pacing, 9);
    r.missed(pacing, 2);
    let failure = Failure { kind: FailureKind::Script, name: "role.chat", message: "role.lua:7: nil" };
    r.script_failed(failure, "role.lua:7: in chat");
    let gold = r.counter("gold");
    r.counted(gold, 3);
    let fight = r.measure("fight");
    r.measured(fight, 2_000);
    let (order, moved, beat) = (r.order("moves"), r.delay("moved", "game"), r.gap("beat"));
    for standing in [Standing::First, Standing::Skipped(2), Standing::Late { missed: true }] {
        r.ordered(order, standing);
    }
    [1_000_500, 1_000_000, 1_002_000].iter().for_each(|us| r.delayed(moved, 0, *us));
    r.jitter(moved, 500);
    r.gapped(beat, 100_000);
    r.message_sent();
    r.message_received();
    r.bytes_sent(100);
    r.bytes_received(90);
    r.lag(LagSource::Ready, 40);
    r.stall(70);
    r.cpu(250, 1_000);
    let mut ledger = Ledger::default();
    ledger.plan_robots(2);
    ledger.merge(&r.take());
    ledger.close_second(Duration::from_secs(2), "hold");
    ledger
}

fn record() -> RunRecord {
    let asked = [("request.EchoRequest.p99", "< 50ms"), ("request.Login.count", "> 0")];
    let asked = asked.map(|(key, condition)| Threshold::parse(key, condition).unwrap());
    RunRecord {
        project: "my_game".into(),
        target: "ws://127.0.0.1:8765".into(),
        took: Duration::from_millis(2_000),
        started_at_unix_s: Some(1_700_000_000),
        seed: Some(7),
        thresholds: Thresholds::new(asked.into()),
        ..RunRecord::default()
    }
}

#[test]
fn a_run_becomes_one_document() {
    insta::assert_json_snapshot!(Summary::of(&played(), &record()), { ".requests[].histogram" => "[bins]" });
}

#[test]
fn an_empty_run_has_a_document_without_invented_figures() {
    insta::assert_json_snapshot!(Summary::of(&Ledger::default(), &RunRecord::default()));
}

#[test]
fn names_beyond_the_bound_are_together_and_said() {
    let mut recorder = Recorder::default();
    for id in 0..1_500 {
        let counter = recorder.counter(&format!("player {id}"));
        recorder.counted(counter, 1);
        let request = recorder.request_in(&format!("room {id}"), "Echo", "game");
        recorder.issued(request);
    }
    let mut ledger = Ledger::default();
    ledger.merge(&recorder.take());
    let summary = Summary::of(&ledger, &RunRecord::default());
    let said = "more than 1000 names of counters: the rest is together under `_other`; keep ids and numbers out of names";
    assert_eq!(summary.warnings[0], said);
    assert!(
        summary.warnings[1].ends_with("the rest counts outside of groups only"),
        "{:?}",
        summary.warnings
    );
    let other = summary.counters.iter().find(|counter| counter.name == "_other").unwrap();
    assert_eq!((summary.counters.len(), other.value), (1_001, 500));
    assert_eq!((summary.groups.len(), summary.requests[0].count), (1_000, 1_500), "no request is lost");
}

#[test]
fn the_books_of_each_request_balance() {
    let requests = Summary::of(&played(), &record()).requests;
    for request in requests.iter().filter(|request| request.name == "EchoRequest") {
        assert_eq!(request.count, request.ok + request.failures + request.cancelled + request.in_flight);
        assert_eq!(request.in_flight, 1);
    }
}
