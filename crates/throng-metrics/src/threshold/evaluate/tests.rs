use super::*;
use crate::{Answer, EndCause, FailureKind, LagSource, Recorder, RobotState, Standing, WorkKind, no_sample};

fn played() -> Totals {
    let mut r = Recorder::default();
    for (name, connection, us, count) in [("Echo", "game", 1_000, 98), ("Move", "battle", 60_000, 10)] {
        let id = r.request(name, connection);
        for _ in 0..count {
            r.issued(id);
            let answer = Answer { latency_us: us, intended_us: None, observed_us: us * 2, generator_us: us };
            r.answered(id, answer);
        }
    }
    let echo = r.request("Echo", "game");
    r.issued(echo);
    r.issued(echo);
    r.request_failed(echo, FailureKind::Timeout, "no reply", no_sample);
    let check = r.check("echo is right");
    (0..99).for_each(|_| r.check_passed(check));
    r.check_failed(check, no_sample);
    let push = r.push("Kick", "game");
    r.pushed(push, 10);
    let connection = r.connection("game");
    r.opened(connection, 300);
    let counter = r.counter("gold");
    r.counted(counter, 500);
    let task = r.work(WorkKind::Task, "role.chat");
    r.worked(task, 2_000);
    r.work_intended(task, 9_000);
    let pacing = r.schedule("pacing");
    r.due(pacing, 10);
    r.missed(pacing, 3);
    let (order, moved, beat) = (r.order("moves"), r.delay("moved", "game"), r.gap("beat"));
    let standings = [Standing::First, Standing::Skipped(3), Standing::Doubled];
    standings.iter().for_each(|standing| r.ordered(order, *standing));
    [9_000, 5_000, 5_000].iter().for_each(|us| r.delayed(moved, 0, *us));
    r.jitter(moved, 4_000);
    r.gapped(beat, 100_000);
    r.reconnected(connection);
    r.ended(connection, EndCause::Server, 2_000_000);
    r.robot_gone(2_500);
    r.lag(LagSource::Ready, 100);
    r.robot_started();
    r.robot_changed(RobotState::Connecting, RobotState::Ready);
    r.robot_first_ready();
    let mut totals = Totals::default();
    totals.merge(&r.take());
    totals
}

#[track_caller]
fn check(key: &str, condition: &str, wanted: &str) {
    let result = Threshold::parse(key, condition).unwrap().over(&played(), Duration::from_secs(2));
    let by = result.decided_by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
    let how = match &result.outcome {
        Outcome::Pass { .. } => "pass".to_owned(),
        Outcome::Fail { .. } => "fail".to_owned(),
        Outcome::NoSamples { nearest } => nearest.as_ref().map_or_else(String::new, |n| format!("near {n}")),
    };
    let said = format!("{} {how}{by}", result.actual());
    assert_eq!(said.trim(), wanted, "{key} {condition}");
}

#[test]
fn the_name_that_decided_is_said_wherever_several_fit() {
    let mut r = Recorder::default();
    for (connection, us) in [("game", 1_000), ("battle", 90_000)] {
        let id = r.request("Echo", connection);
        r.issued(id);
        r.answered(id, Answer { latency_us: us, intended_us: None, observed_us: us, generator_us: 0 });
    }
    let mut totals = Totals::default();
    totals.merge(&r.take());
    let result =
        Threshold::parse("request.Echo.p99", "< 50ms").unwrap().over(&totals, Duration::from_secs(1));
    assert_eq!((result.passed(), result.decided_by.as_deref()), (false, Some("battle/Echo")));
}

#[test]
fn thresholds_are_compared_with_what_was_measured() {
    check("request.Echo.p99", "< 50ms", "1 ms pass");
    check("request.game/Echo.failures", "== 0", "1 fail");
    check("request.battle/Echo.failures", "== 0", "no samples near battle/Move");
    check("request.Echo.in_flight", "== 1", "1 pass");
    check("request.Echo.failure_rate", "< 1.1%", "1.01% pass");
    check("check.echo is right.rate", "> 99.5%", "99% fail");
    check("push.Kick.count", ">= 1", "1 pass");
    check("count.gold", "> 499", "500 pass");
    check("count.gold.rate", "> 499", "250/s fail");
    check("connect.game.p99", "< 1ms", "300 µs pass");
    check("task.role.chat.max", "<= 2ms", "2 ms pass");
    check("task.role.chat.intended.max", "<= 2ms", "9 ms fail");
    check("schedule.pacing.begun", "== 7", "7 pass");
    check("schedule.*.missed", "== 0", "3 fail by pacing");
    check("robots.ready", "== 1", "1 pass");
    check("generator.lag.p99", "< 5ms", "100 µs pass");
    check("generator.share", "< 20%", "50% fail");
    check("errors.rate", "< 1%", "1.82% fail");
    check("errors.script", "== 0", "0 pass");
    check("request.Echo.timeout", "== 0", "1 fail");
    check("connect.game.refused", "== 0", "0 pass");
    check("connect.game.open", "== 0", "0 pass");
    check("connect.game.ended.server", "== 0", "1 fail");
    check("connect.game.lifetime.p50", "> 5s", "2 s fail");
    check("connect.game.reconnects", "< 2", "1 pass");
    check("order.moves.missing", "== 0", "3 fail");
    check("order.moves.doubled", "== 1", "1 pass");
    check("delay.moved.max", "< 5ms", "4 ms pass");
    check("delay.game/moved.jitter.p99", "< 1ms", "4 ms fail");
    check("delay.moved.floor.max", "< 1ms", "0 µs pass");
    check("gap.beat.p50", "< 50ms", "100 ms fail");
    check("robots.rate.min", "> 2", "2.5/s pass");
    check("check.echo is right.failure_rate", "< 0.5%", "1% fail");
    check("robots.alive", "== 1", "1 pass");
    check("robots.restarts", "== 0", "0 pass");
}

#[test]
fn without_samples_a_threshold_does_not_pass() {
    check("request.Ehco.p99", "< 50ms", "no samples near Echo");
    check("request.Echo.intended.p99", "< 50ms", "no samples");
    check("generator.cpu", "< 90%", "no samples");
    let result = Threshold::parse("errors.count", "== 0").unwrap().over(&Totals::default(), Duration::ZERO);
    assert!(!result.passed());
    assert_eq!(result.actual(), "no samples");
}

#[test]
fn a_pattern_holds_when_its_worst_name_holds_and_counts_add_up() {
    check("request.*.p95", "< 50ms", "60 ms fail by battle/Move");
    check("request.*.p95", "< 70ms", "60 ms pass by battle/Move");
    check("request.game/*.p95", "< 50ms", "1 ms pass by game/Echo");
    check("request.*.count", ">= 110", "110 pass");
    check("request.*.rate", "> 100", "54/s fail");
}

#[test]
fn what_became_of_the_load_plan_can_be_asked_for() {
    let (mut r, mut totals) = (Recorder::default(), Totals::default());
    let (whale, storm) = (r.scenario("whale"), r.storm("1"));
    (0..3).for_each(|_| r.scenario_started(whale));
    r.scenario_first_ready(whale);
    for (scenario, late) in [("whale", 1_000), ("casual", 9_000)] {
        r.arrived(scenario, late);
        r.turned_away(scenario);
    }
    r.storm_hit(storm, 10, 4, 5);
    r.storm_back(storm, 2_000_000);
    r.storm_gone(storm);
    let check = |totals: &Totals, key, wanted: &str| {
        let result = Threshold::parse(key, "< 1").unwrap().over(totals, Duration::from_secs(2));
        assert_eq!(result.actual(), wanted, "{key}");
    };
    check(&totals, "arrivals.dropped", "no samples");
    totals.merge(&r.take());
    check(&totals, "scenario.whale.started", "3");
    check(&totals, "scenario.*.ready", "1");
    check(&totals, "arrivals.due", "4");
    check(&totals, "arrivals.started", "2");
    check(&totals, "arrivals.dropped", "2");
    check(&totals, "arrivals.late.max", "9 ms");
    check(&totals, "storm.1.hit", "4");
    check(&totals, "storm.*.connections", "5");
    check(&totals, "storm.1.back.p99", "2 s");
    check(&totals, "storm.1.gone", "1");
}

#[test]
fn requests_of_a_group_are_named_behind_it_and_count_among_all() {
    let (mut r, mut totals) = (Recorder::default(), Totals::default());
    let fight = r.request_in("fight", "Hit", "battle");
    for us in [2_000, 4_000] {
        r.issued(fight);
        r.answered(
            fight,
            Answer { latency_us: us, intended_us: None, observed_us: us * 2, generator_us: us },
        );
    }
    let group = r.work(WorkKind::Group, "fight");
    r.worked(group, 70_000);
    totals.merge(&r.take());
    let check = |key, condition: &str, wanted: &str| {
        let result = Threshold::parse(key, condition).unwrap().over(&totals, Duration::from_secs(2));
        let near = match &result.outcome {
            Outcome::NoSamples { nearest } => {
                format!(" near {}", nearest.as_deref().unwrap_or("nothing"))
            }
            _ => String::new(),
        };
        assert_eq!(format!("{}{near}", result.actual()), wanted, "{key}");
    };
    check("request.fight::Hit.max", "< 3ms", "4 ms");
    check("request.fight::battle/*.count", "== 2", "2");
    check("request.Hit.count", "== 2", "2");
    check("request.battle/Hit.p50", "< 1s", "2 ms");
    check("request.fight::Hti.p99", "< 3ms", "no samples near fight::Hit");
    check("group.fight.p50", "< 1s", "70 ms");
}

#[test]
fn a_threshold_of_a_phase_is_about_its_seconds_alone() {
    let (mut recorder, mut ledger) = (Recorder::default(), Ledger::default());
    for (phase, us, seconds) in [("ramp_up", 9_000, 1), ("hold", 1_000, 2)] {
        let id = recorder.request("Echo", "game");
        for _ in 0..10 {
            recorder.issued(id);
            let answer = Answer { latency_us: us, intended_us: None, observed_us: us, generator_us: 0 };
            recorder.answered(id, answer);
        }
        ledger.merge(&recorder.take());
        ledger.close_second(Duration::from_secs(seconds), phase);
    }
    let actual =
        |key| Threshold::parse(key, "< 1").unwrap().evaluate(&ledger, Duration::from_secs(3)).actual();
    assert_eq!(actual("request.Echo.p99"), "9 ms");
    assert_eq!(actual("request.Echo.p99@hold"), "1 ms");
    assert_eq!(actual("request.Echo.rate@hold"), "5/s");
    assert_eq!(actual("request.Echo.rate@ramp_up"), "10/s");
    let missing = Threshold::parse("request.Echo.p99@holding", "< 1").unwrap();
    let missing = missing.evaluate(&ledger, Duration::ZERO);
    assert_eq!(missing.outcome, Outcome::NoSamples { nearest: Some("hold".into()) });
}

#[test]
fn stars_stand_for_anything() {
    for (pattern, text, wanted) in [
        ("*", "", true),
        ("a*", "abc", true),
        ("*c", "abc", true),
        ("a*c*e", "abcde", true),
        ("a*c*e", "abde", false),
        ("ab*ba", "aba", false),
        ("abc", "abcd", false),
        ("登*", "登录", true),
    ] {
        assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
    }
}

#[test]
fn the_default_threshold_gives_way_to_the_users_own() {
    let keys = |asked| Thresholds::new(asked).iter().map(|t| t.to_string()).collect::<Vec<_>>();
    assert_eq!(keys(vec![]), ["errors.rate < 1%"]);
    let own = Threshold::parse("errors.rate", "< 5%").unwrap();
    assert_eq!(keys(vec![own]), ["errors.rate < 5%"]);
    let other = Threshold::parse("errors.count", "== 0").unwrap();
    assert_eq!(keys(vec![other]), ["errors.rate < 1%", "errors.count == 0"]);
}
