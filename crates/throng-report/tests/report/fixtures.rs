//! Runs as they really look, recorded by a recorder from a fixed stream of random numbers.

use std::time::Duration;

use throng_metrics::{
    Answer, EndCause, Failure, FailureKind, GeneratorBounds, LagSource, Ledger, Plan, Recorder, RobotState,
    RunRecord, ScenarioPlan, Snapshot, Standing, StormPlan, Summary, Threshold, Thresholds, WorkKind,
    no_sample,
};

/// A small random stream; the same on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A duration with a long tail around a median.
    pub(crate) fn latency(&mut self, median_us: f64) -> u64 {
        let normal: f64 = (0..6).map(|_| self.next()).sum::<f64>() - 3.0;
        let tail = if self.next() < 0.01 { 8.0 } else { 1.0 };
        (median_us * (normal * 0.5).exp() * tail) as u64
    }
}

pub(crate) struct Run {
    pub(crate) recorder: Recorder,
    pub(crate) dice: Dice,
}

impl Run {
    pub(crate) fn new() -> Self {
        Self { recorder: Recorder::default(), dice: Dice(0x9e37_79b9_7f4a_7c15) }
    }

    pub(crate) fn requests(&mut self, connection: &str, name: &str, count: usize, median_us: f64) {
        let id = self.recorder.request(name, connection);
        for _ in 0..count {
            let latency_us = self.dice.latency(median_us);
            self.recorder.issued(id);
            self.recorder.message_sent();
            self.recorder.message_received();
            self.recorder.bytes_sent(76);
            self.recorder.bytes_received(91);
            let observed_us = latency_us + 60;
            self.recorder
                .answered(id, Answer { latency_us, intended_us: None, observed_us, generator_us: 60 });
        }
    }

    pub(crate) fn timeouts(&mut self, connection: &str, name: &str, count: usize, sample: &str) {
        let id = self.recorder.request(name, connection);
        for _ in 0..count {
            self.recorder.issued(id);
            self.recorder
                .request_failed(id, FailureKind::Timeout, "no reply in 10 s", || Some(sample.into()));
        }
    }

    pub(crate) fn pushes(&mut self, connection: &str, name: &str, count: usize, handled: usize) {
        let id = self.recorder.push(name, connection);
        for at in 0..count {
            self.recorder.pushed(id, 48);
            self.recorder.message_received();
            if at < handled {
                self.recorder.push_handled(id);
            }
        }
    }

    pub(crate) fn connections(&mut self, name: &str, count: usize, ended: &[(EndCause, usize)]) {
        let id = self.recorder.connection(name);
        for _ in 0..count {
            let took = self.dice.latency(420.0);
            self.recorder.connecting(id);
            self.recorder.opened(id, took);
        }
        for &(cause, count) in ended {
            (0..count).for_each(|_| self.recorder.ended(id, cause, 9_000_000));
        }
    }

    pub(crate) fn tasks(&mut self, kind: WorkKind, name: &str, count: usize, failed: usize, median_us: f64) {
        let id = self.recorder.work(kind, name);
        for at in 0..count {
            let took = self.dice.latency(median_us);
            if at < failed { self.recorder.work_failed(id, took) } else { self.recorder.worked(id, took) }
        }
    }

    pub(crate) fn robots(&mut self, states: &[(RobotState, usize)]) {
        let all: usize = states.iter().map(|(_, count)| count).sum();
        (0..all).for_each(|_| self.recorder.robot_started());
        for &(state, count) in states {
            for _ in 0..count {
                self.recorder.robot_changed(RobotState::Connecting, state);
                if matches!(state, RobotState::Ready | RobotState::Stopped) {
                    self.recorder.robot_first_ready();
                }
            }
        }
    }

    /// Order, delays, gaps, groups and reconnects.
    pub(crate) fn measures(&mut self) {
        let r = &mut self.recorder;
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
                r.answered(
                    id,
                    Answer { latency_us: us, intended_us: None, observed_us: us, generator_us: 0 },
                );
            }
            r.worked(work, us * 20);
        }
        let lands = r.check_in("fight", "the blow lands");
        (0..3).for_each(|_| r.check_passed(lands));
        for _ in 0..3 {
            r.reconnected(game);
            r.ended(game, EndCause::Server, 61_000_000);
        }
    }

    /// 500 that came and 31 who were turned away.
    pub(crate) fn arrivals(&mut self, scenario: &str) {
        for _ in 0..500 {
            let late = self.dice.latency(300.0);
            self.recorder.arrived(scenario, late);
        }
        (0..31).for_each(|_| self.recorder.turned_away(scenario));
    }

    /// Two scenarios, and what they did.
    pub(crate) fn scenarios(&mut self) -> Vec<ScenarioPlan> {
        for (name, robots, failed) in [("casual", 400, 0), ("whale", 95, 5)] {
            let scenario = self.recorder.scenario(name);
            for robot in 0..robots {
                self.recorder.scenario_started(scenario);
                let end = if robot < failed { RobotState::Failed } else { RobotState::Ready };
                self.recorder.scenario_changed(scenario, RobotState::Connecting, end);
                if end == RobotState::Ready {
                    self.recorder.scenario_first_ready(scenario);
                }
                let took = self.dice.latency(9_000.0);
                self.recorder.scenario_worked(name, "role.chat", took, false);
            }
        }
        let plan = |name: &str, planned| ScenarioPlan { name: name.to_owned(), planned };
        vec![plan("casual", 400), plan("whale", 100)]
    }

    /// A storm that is over, one that is not, and one that hit nobody.
    pub(crate) fn storms(&mut self) -> Vec<StormPlan> {
        for (name, hit, back, gone) in [("1", 150u64, 149u64, 1u64), ("2", 500, 300, 0)] {
            let storm = self.recorder.storm(name);
            self.recorder.storm_hit(storm, 500, hit, hit + 10);
            for _ in 0..back {
                let took = self.dice.latency(400_000.0);
                self.recorder.storm_back(storm, took);
            }
            (0..gone).for_each(|_| self.recorder.storm_gone(storm));
        }
        let plan =
            |at, drop, loss: &str| StormPlan { at: Duration::from_secs(at), drop, loss: loss.to_owned() };
        vec![plan(20, 0.3, "cable"), plan(40, 1.0, "close"), plan(90, 0.5, "cable")]
    }

    pub(crate) fn generator(&mut self, median_us: f64) {
        for _ in 0..2_000 {
            let us = self.dice.latency(median_us);
            self.recorder.lag(LagSource::Ready, us);
        }
        self.recorder.lag(LagSource::Timer, 700);
        self.recorder.lag(LagSource::Collector, 2_300);
        self.recorder.stall(2_300);
        self.recorder.cpu(430_000, 1_000_000);
    }

    pub(crate) fn snapshot(mut self, planned: u64, plan: Plan, elapsed: u64) -> Snapshot {
        let mut ledger = Ledger::default();
        ledger.plan_robots(planned);
        ledger.merge(&self.recorder.take());
        ledger.close_second(Duration::from_secs(1), "hold");
        ledger.snapshot(Duration::from_secs(elapsed), plan)
    }

    pub(crate) fn summary(mut self, planned: u64, run: &RunRecord) -> Summary {
        let mut ledger = Ledger::default();
        ledger.plan_robots(planned);
        ledger.merge(&self.recorder.take());
        ledger.close_second(run.took, "hold");
        Summary::of(&ledger, run)
    }
}

/// A healthy game in the middle of its run.
pub(crate) fn game(robots: &[(RobotState, usize)]) -> Run {
    let mut run = Run::new();
    run.robots(robots);
    run.requests("lobby", "ServerListRequest", 480, 900.0);
    run.requests("game", "LoginReuest", 480, 12_000.0);
    run.requests("game", "EchoRequest", 9_000, 1_400.0);
    run.requests("battle", "get", 3_100, 300.0);
    run.requests("battle", "set", 2_900, 340.0);
    run.pushes("battle", "move", 21_500, 21_500);
    run.pushes("battle", "heartbeat", 96, 0);
    run.pushes("game", "KickNotify", 3, 3);
    run.connections("lobby", 480, &[(EndCause::Own, 480)]);
    run.connections("game", 480, &[(EndCause::Server, 3)]);
    run.connections("battle", 480, &[(EndCause::Own, 12), (EndCause::Reset, 1)]);
    run.tasks(WorkKind::Task, "role.chat", 4_500, 12, 4_800.0);
    run.tasks(WorkKind::Task, "battle.fight", 1_450, 0, 52_000.0);
    run.tasks(WorkKind::Sequence, "role.shop", 310, 0, 9_700.0);
    run.tasks(WorkKind::Step, "role.shop.browse", 310, 0, 4_100.0);
    run.tasks(WorkKind::Step, "role.shop.buy", 310, 0, 5_300.0);
    run.tasks(WorkKind::Start, "role", 480, 0, 14_000.0);
    let ping = run.recorder.send("Ping", "game");
    (0..96).for_each(|_| run.recorder.sent(ping, 9));
    run.generator(40.0);
    run
}

/// The same game with everything that can go wrong.
pub(crate) fn troubled() -> Run {
    let mut run = game(&[(RobotState::Stopped, 497), (RobotState::Failed, 3)]);
    let sample = "game -> EchoRequest { Text = \"hello world\" }\nissued 71.204 s, gave up 81.204 s";
    run.timeouts("game", "EchoRequest", 180, sample);
    let echo = run.recorder.request("EchoRequest", "game");
    (0..171).for_each(|_| run.recorder.late(echo));
    (0..2).for_each(|_| run.recorder.duplicate(echo));
    for _ in 0..7 {
        run.recorder.issued(echo);
        run.recorder.cancelled(echo);
    }
    let game = run.recorder.connection("game");
    (0..2).for_each(|_| run.recorder.orphan(game));
    for _ in 0..3 {
        run.recorder.connecting(game);
        let message = "no answer from 127.0.0.1:8765 within 5 s";
        run.recorder.connect_failed(game, FailureKind::ConnectTimeout, message, no_sample);
    }
    let check = run.recorder.check("echo is right");
    (0..8_990).for_each(|_| run.recorder.check_passed(check));
    (0..10).for_each(|_| run.recorder.check_failed(check, || Some("Text = \"hello wor\"".into())));
    let failure = Failure {
        kind: FailureKind::Script,
        name: "role.chat",
        message: "mods/role.lua:31: attempt to index a nil value (field 'Text')",
    };
    let traceback = "stack traceback:\n\tmods/role.lua:31: in method 'answer'\n\tlib/talk.lua:12: in function <lib/talk.lua:9>";
    (0..12).for_each(|_| run.recorder.script_failed(failure, traceback));
    let gold = run.recorder.counter("gold earned");
    run.recorder.counted(gold, 184_250);
    let fight = run.recorder.measure("fight to first blood");
    (0..400).for_each(|_| {
        let us = run.dice.latency(2_400_000.0);
        run.recorder.measured(fight, us);
    });
    run
}

pub(crate) fn plan() -> Plan {
    Plan {
        project: "my_game".into(),
        target: "ws://127.0.0.1:8765".into(),
        phase: "holding 500 robots".into(),
        takes: Some(Duration::from_secs(600)),
        bounds: GeneratorBounds::default(),
        ..Plan::default()
    }
}

pub(crate) fn record(seconds: u64, thresholds: &[(&str, &str)]) -> RunRecord {
    let thresholds =
        thresholds.iter().map(|(key, condition)| Threshold::parse(key, condition).unwrap()).collect();
    RunRecord {
        project: "my_game".into(),
        target: "ws://127.0.0.1:8765".into(),
        took: Duration::from_secs(seconds),
        thresholds: Thresholds::new(thresholds),
        ..RunRecord::default()
    }
}

/// A server that refuses everybody.
pub(crate) fn refused() -> Run {
    let mut run = Run::new();
    run.robots(&[(RobotState::Failed, 500)]);
    let id = run.recorder.connection("lobby");
    for _ in 0..500 {
        run.recorder.connecting(id);
        let message = "connection refused by 127.0.0.1:8765";
        run.recorder.connect_failed(id, FailureKind::Refused, message, no_sample);
    }
    run.recorder.lag(LagSource::Ready, 12);
    run
}

/// 5,000 closed-loop echo robots on one core.
pub(crate) fn saturated() -> Run {
    let mut run = Run::new();
    run.robots(&[(RobotState::Stopped, 5_000)]);
    let echo = run.recorder.request("echo", "game");
    for _ in 0..20_000 {
        run.recorder.issued(echo);
        run.recorder.message_received();
        let lag = run.dice.latency(31_000.0);
        run.recorder.lag(LagSource::Ready, lag);
        let answer =
            Answer { latency_us: 6_000, intended_us: None, observed_us: 6_000 + lag, generator_us: lag };
        run.recorder.answered(echo, answer);
    }
    run.recorder.stall(44_000);
    run.recorder.cpu(998_000, 1_000_000);
    run
}

/// Ten robots with a pace of 10 ms, through a stall of a second in ten.
pub(crate) fn stalled() -> Run {
    let mut run = Run::new();
    run.robots(&[(RobotState::Stopped, 10)]);
    run.requests("game", "login", 10, 900.0);
    let move_ = run.recorder.request("move", "game");
    let task = run.recorder.work(WorkKind::Task, "player.step");
    for step in 0..10_000 {
        run.recorder.issued(move_);
        let latency_us = if step < 10 { 1_000_000 - step * 1_000 } else { run.dice.latency(300.0) };
        let intended = if step < 1_000 { 1_000_000 - step * 1_000 + latency_us % 1_000 } else { latency_us };
        let (intended_us, observed_us) = (Some(intended), latency_us + 20);
        run.recorder.answered(move_, Answer { latency_us, intended_us, observed_us, generator_us: 20 });
        run.recorder.worked(task, observed_us);
        run.recorder.work_intended(task, intended + 20);
    }
    for (name, due, missed) in [("pacing", 10_004, 4), ("every", 600, 0)] {
        let schedule = run.recorder.schedule(name);
        run.recorder.due(schedule, due);
        run.recorder.missed(schedule, missed);
    }
    run.recorder.lag(LagSource::Ready, 12);
    run
}

/// Names that are long, and names in Chinese.
pub(crate) fn named() -> Run {
    let mut run = Run::new();
    run.robots(&[(RobotState::Ready, 20)]);
    run.requests("战斗服", "请求移动到坐标", 4_000, 800.0);
    run.requests("大厅", "登录请求", 20, 9_000.0);
    let long = "com.example.mmo.gateway.protocol.v3.inventory.TransferItemsBetweenCharactersRequest";
    run.requests("gateway-europe-west", long, 700, 3_000.0);
    run.requests("game", "Echo", 12, 200.0);
    run.timeouts("战斗服", "请求移动到坐标", 4, "请求移动到坐标 { 坐标 = { x = 1, y = 2 } }");
    let evil = run.recorder.push("bad\x1b[31mname\n", "game");
    run.recorder.pushed(evil, 10);
    run.pushes("战斗服", "广播移动", 9_000, 9_000);
    run.generator(35.0);
    run
}
