//! What a command ends with.

use std::process::ExitCode;

use throng_metrics::Verdict;

/// How a command ended, as the code its caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All well: 0.
    Success,
    /// A threshold, a test or a check failed, or nothing succeeded: 1.
    Failed,
    /// The user's input is wrong: 2.
    Input,
    /// The run was broken: 3.
    Broken,
    /// The run was interrupted: 130.
    Interrupted,
}

impl Exit {
    /// How a run with this verdict ends the program.
    pub fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Success,
            Verdict::Fail => Self::Failed,
            Verdict::Broken => Self::Broken,
            Verdict::Interrupted => Self::Interrupted,
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Input => 2,
            Self::Broken => 3,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Input a user has to change, with a text that says all there is to say; every other error means a broken run.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InputError(
    /// What is wrong, and what to do about it.
    pub String,
);
