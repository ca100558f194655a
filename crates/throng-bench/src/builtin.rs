//! Robots whose behaviour is built in: the engine without a script.

use crate::drive;
use crate::options::{ClientOptions, PAYLOAD, Work};
use anyhow::Result;
use slotmap::SecondaryMap;
use std::time::Duration;
use throng_engine::{
    ActivityKey, CallOptions, ConnectOptions, ConnectionKey, Desk, Failure, Host, Incoming, Memory, ModSpec,
    OperationKey, Outcome, Program, RobotId, RobotKey, Routine, ScriptError, TaskSpec, Uncaught,
};
use throng_wire::MessageId;

/// Runs them until the parent goes.
pub(crate) fn run(options: &ClientOptions) -> Result<()> {
    drive::run(options, drive::raw_protocol(options.wire)?, |desk| Ok(Builtin::new(options, desk)))
}

struct Builtin {
    desk: Desk,
    program: Program,
    targets: Vec<Box<str>>,
    waiting: SecondaryMap<OperationKey, Waiting>,
    echo: MessageId,
    payload: [u8; PAYLOAD],
}

enum Waiting {
    Open { activity: ActivityKey },
    Reply { connection: ConnectionKey },
}

impl Builtin {
    fn new(options: &ClientOptions, desk: Desk) -> Builtin {
        Builtin {
            desk,
            program: program(options.work),
            targets: drive::urls(options).into_iter().map(Box::from).collect(),
            waiting: SecondaryMap::new(),
            echo: MessageId(0),
            payload: [b'x'; PAYLOAD],
        }
    }

    fn connect(&mut self, robot: RobotKey, activity: ActivityKey) {
        let id = self.desk.robot_id(robot).map_or(0, |id| id.0 as usize);
        let options = ConnectOptions {
            name: drive::CONNECTION.into(),
            url: self.targets[id % self.targets.len()].clone(),
            protocol: None,
            timeout: None,
            retry: None,
            measured: true,
            conv: None,
        };
        match self.desk.connect(robot, options) {
            Ok(operation) => drop(self.waiting.insert(operation, Waiting::Open { activity })),
            Err(failure) => self.desk.finished(activity, Err(uncaught(&failure))),
        }
    }

    fn play(&mut self, robot: RobotKey) {
        let Some(connection) = self.desk.connection(robot, drive::CONNECTION) else { return };
        if let Some(echo) = self.desk.message(connection, "Echo") {
            self.echo = echo;
            self.ask(connection);
        }
    }

    fn ask(&mut self, connection: ConnectionKey) {
        // A request that cannot be sent is counted, which the benchmark tells.
        if let Ok(operation) =
            self.desk.request(connection, self.echo, &self.payload, &CallOptions::default())
        {
            self.waiting.insert(operation, Waiting::Reply { connection });
        }
    }
}

fn uncaught(failure: &Failure) -> Uncaught {
    Uncaught::Counted(failure.text.to_string())
}

fn program(work: Work) -> Program {
    let task = TaskSpec {
        module: 0,
        name: "robot.play".into(),
        weight: 1.0,
        rate: None,
        conditional: false,
        timeout: None,
        wait: match work {
            Work::Sleep => Some(drive::NAP),
            Work::Echo | Work::Idle | Work::Play => None,
        },
        steps: Vec::new(),
    };
    Program {
        mods: vec![ModSpec { name: "robot".into(), start: work.connects(), ..ModSpec::default() }],
        tasks: if work == Work::Idle { Vec::new() } else { vec![task] },
        scenarios: Vec::new(),
        manual_ready: false,
    }
}

impl Host for Builtin {
    fn program(&self) -> &Program {
        &self.program
    }

    fn born(&mut self, _: RobotKey, _: RobotId) -> Result<(), ScriptError> {
        Ok(())
    }

    fn begin(&mut self, robot: RobotKey, activity: ActivityKey, routine: Routine<'_>) {
        match routine {
            Routine::Start { .. } => self.connect(robot, activity),
            Routine::Task { .. } if self.targets.is_empty() => self.desk.finished(activity, Ok(())),
            _ => self.play(robot),
        }
    }

    fn allows(&mut self, _: RobotKey, _: usize) -> bool {
        true
    }

    fn resume(&mut self, operation: OperationKey, outcome: Outcome<'_>) {
        match (self.waiting.remove(operation), outcome) {
            (Some(Waiting::Reply { connection }), Outcome::Reply { .. }) => self.ask(connection),
            (Some(Waiting::Open { activity }), Outcome::Connected(_)) => self.desk.finished(activity, Ok(())),
            (Some(Waiting::Open { activity }), Outcome::Failed(failure)) => {
                self.desk.finished(activity, Err(uncaught(failure)));
            }
            _ => {}
        }
    }

    fn push(&mut self, _: RobotKey, _: ConnectionKey, _: Incoming<'_>) -> bool {
        false
    }

    fn abandon(&mut self, _: ActivityKey) {}

    fn forget(&mut self, _: RobotKey) {}

    fn whereabouts(&self, _: ActivityKey) -> Option<String> {
        None
    }

    fn housekeeping(&mut self, _: Duration) -> Duration {
        Duration::ZERO
    }

    fn memory(&self) -> Memory {
        Memory::default()
    }
}
