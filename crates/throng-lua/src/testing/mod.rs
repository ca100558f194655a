//! `throng test`: the project's `tests/*_test.lua` run its mods against fake servers written in Lua, in virtual time.
//!
//! Each test has a world of its own: a shard on the network in memory, a clock that moves when the test says so, and Lua
//! states in which the mods and the test's file were loaded anew. The test's function runs in a coroutine and yields to
//! `world` when time is to pass; fake servers (`servers`) cut what robots send into messages with the server's side of
//! the engine's own layers, and the test's handlers answer them.
//!
//! Start reading at [`run_tests`], then `world` (one test), `servers` and `dialect` (what a server hears and says),
//! `testing.lua` with `natives` (what a test can say). Nothing here prints.

mod address;
mod chunks;
mod dialect;
mod failure;
mod natives;
mod options;
mod own;
mod servers;
mod stand;
mod suite;
mod timeline;
mod world;

#[cfg(test)]
mod tests;

use crate::project::LuaProject;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::{RobotId, Settings};
use throng_wire::ProtocolSpec;

pub use suite::{TestError, run_tests};

/// What is tested, and how.
#[derive(Debug, Clone)]
pub struct TestPlan {
    /// The mods and their settings.
    pub project: Arc<LuaProject>,
    /// What robots are told; its seed is that of every test.
    pub settings: Settings,
    /// The descriptions of the settings' protocols: a fake server speaks their other side.
    pub protocols: Vec<ProtocolSpec>,
    /// The folder of tests, relative to the project's root or absolute.
    pub folder: PathBuf,
    /// Only tests with this text in their names.
    pub only: Option<String>,
    /// How long one test may take.
    pub limits: TestLimits,
}

/// How long one test may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestLimits {
    /// On the world's clock.
    pub virtual_time: Duration,
    /// On the machine's clock.
    pub real_time: Duration,
}

impl Default for TestLimits {
    fn default() -> TestLimits {
        TestLimits { virtual_time: Duration::from_secs(3600), real_time: Duration::from_secs(30) }
    }
}

/// One test and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// The file, relative to the project.
    pub file: String,
    /// The line of the test's function.
    pub line: u32,
    /// The name.
    pub name: String,
    /// How long it took on the machine's clock.
    pub took: Duration,
    /// How far its world's clock went.
    pub virtual_time: Duration,
    /// What its robots and the test itself logged.
    pub log: Vec<String>,
    /// How it ended.
    pub outcome: TestOutcome,
}

impl TestResult {
    /// Whether it passed.
    pub fn passed(&self) -> bool {
        matches!(self.outcome, TestOutcome::Passed)
    }
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestOutcome {
    /// Nothing was wrong.
    Passed,
    /// Something was.
    Failed(Box<TestFailure>),
}

/// Why a test failed, and what there is to understand it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFailure {
    /// What was wrong.
    pub message: String,
    /// Where, in the user's files.
    pub place: Option<SourcePlace>,
    /// The calls that led there, innermost first.
    pub traceback: Vec<String>,
    /// The seed of the world's random streams.
    pub seed: u64,
    /// Errors of robots' scripts that the test did not expect.
    pub script_errors: Vec<String>,
    /// What is worth knowing beside: messages that no handler answered, failures of robots.
    pub notes: Vec<String>,
    /// What robots did last, oldest first.
    pub last: Vec<TestEvent>,
}

/// A line of the user's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePlace {
    /// The file, relative to the project.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What stands there; empty where it cannot be read.
    pub source: String,
}

/// Something a robot did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestEvent {
    /// When, on the world's clock.
    pub at: Duration,
    /// Which robot.
    pub robot: RobotId,
    /// What, with its message decoded.
    pub text: String,
}
