//! A short run, for the tests of this crate.

use std::time::{Duration, UNIX_EPOCH};

use throng_metrics::{
    Answer, EndCause, FailureKind, LagSource, Ledger, Recorder, RobotState, WorkKind, no_sample,
};

use crate::catalogue::Moment;

/// The moment of [`played`].
pub(crate) fn moment() -> Moment {
    Moment {
        project: "my_game".into(),
        target: "tcp://127.0.0.1:9000".into(),
        begun: UNIX_EPOCH + Duration::from_secs(1_000),
        elapsed: Duration::from_millis(2_500),
        phase: "hold".into(),
        wanted: Some(2),
    }
}

/// One robot, three replies of 1, 2 and 300 ms, one time-out, and something of everything else.
pub(crate) fn played() -> Ledger {
    let (mut recorder, mut ledger) = (Recorder::default(), Ledger::default());
    let game = recorder.connection("game");
    recorder.robot_started();
    recorder.robot_changed(RobotState::Connecting, RobotState::Ready);
    recorder.connecting(game);
    recorder.opened(game, 400);
    recorder.orphan(game);
    recorder.ended(game, EndCause::Own, 5_000_000);
    let echo = recorder.request("Echo", "game");
    for latency_us in [1_000, 2_000, 300_000] {
        recorder.issued(echo);
        let answer = Answer {
            latency_us,
            intended_us: Some(latency_us + 9),
            observed_us: latency_us,
            generator_us: 0,
        };
        recorder.answered(echo, answer);
    }
    recorder.issued(echo);
    recorder.request_failed(echo, FailureKind::Timeout, "no reply", no_sample);
    let (send, push) = (recorder.send("Ping", "game"), recorder.push("Moved", "game"));
    recorder.sent(send, 12);
    recorder.pushed(push, 34);
    let (check, task) = (recorder.check("right"), recorder.work(WorkKind::Task, "role.chat"));
    recorder.check_passed(check);
    recorder.work_failed(task, 5_000);
    let (measure, counter) = (recorder.measure("a \"quoted\"\nname"), recorder.counter("gold"));
    recorder.measured(measure, 77);
    recorder.counted(counter, 7);
    recorder.bytes_sent(100);
    recorder.bytes_received(200);
    recorder.lag(LagSource::Timer, 60);
    recorder.cpu(200_000, 1_000_000);
    ledger.merge(&recorder.take());
    ledger.close_second(Duration::from_secs(1), "hold");
    ledger
}
