//! What can be wrong with a pattern or a match, in Lua's words.

use std::fmt;

/// Why a match could not be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Fault {
    EndsWithEscape,
    MissingBracket,
    MissingBalanceArguments,
    MissingFrontierSet,
    /// The capture's number as written, from 0 to 9, or one above the captures there are.
    CaptureIndex(usize),
    NothingToClose,
    UnfinishedCapture,
    TooManyCaptures,
    TooComplex,
    TooLong,
    EscapeInReplacement,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::EndsWithEscape => "malformed pattern (ends with '%')",
            Fault::MissingBracket => "malformed pattern (missing ']')",
            Fault::MissingBalanceArguments => "malformed pattern (missing arguments to '%b')",
            Fault::MissingFrontierSet => "missing '[' after '%f' in pattern",
            Fault::CaptureIndex(index) => return write!(f, "invalid capture index %{index}"),
            Fault::NothingToClose => "invalid pattern capture",
            Fault::UnfinishedCapture => "unfinished capture",
            Fault::TooManyCaptures => "too many captures",
            Fault::TooComplex => "pattern too complex",
            Fault::TooLong => "pattern match took too long",
            Fault::EscapeInReplacement => "invalid use of '%' in replacement string",
        })
    }
}
