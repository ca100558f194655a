//! Which differences between two runs are noise and which are not.
//!
//! A [`Series`] holds what was recorded of each message second by second; [`compare`] says of each message and
//! [`Metric`] how much the second run differs from the first, between which bounds, and what to make of it.
//!
//! Four things make such a verdict wrong, and each has its answer:
//!
//! 1. *Seconds depend on those before them.* So blocks of consecutive seconds are compared, not seconds. Where blocks
//!    still depend on each other the standard error is widened by what an AR(1) process at least as dependent as the seconds
//!    would need (Andrews & Monahan 1992; which lags count is the bound of Politis & White 2004).
//! 2. *There are few blocks.* A bootstrap of ten blocks calls too much different, because it knows their spread only
//!    from themselves. Blocks of two runs alike may change places instead: a permutation test of studentized differences
//!    is exact for them, however few they are and however heavy their tails, and right in the limit when the runs' spreads
//!    differ (Janssen 1997; Chung & Romano 2013). How wide the interval is comes from the jackknife that leaves one
//!    block out (Künsch 1989; Shao & Wu 1989 for quantiles), and a difference must pass both.
//! 3. *Many messages and metrics are asked at once.* The bound is of the largest difference among all of them under each
//!    permutation (Westfall & Young 1993; Romano & Wolf 2005), so the error is that of the whole comparison, and metrics
//!    that move together do not count twice as they would with Holm 1979.
//! 4. *No two runs are the same.* A machine's state differs from run to run, which the seconds of one run cannot show
//!    (Kalibera & Jones 2013). So a difference has to be larger than [`Question::smallest`] with its whole interval.
//!
//! A message that came all the time in the first run and hardly came in the second has no blocks that could be compared. It is
//! called worse all the same: a server that has stopped answering must not pass because there is too little to compare.
//!
//! Nothing here does I/O; the permutations come from a seed. A run of any length takes a bounded room: [`Series`] joins seconds.

mod bins;
mod blocks;
mod compare;
mod correlation;
mod family;
mod knee;
mod metric;
mod series;

pub use compare::{Change, Comparison, Finding, LEAST_SECONDS, Question, Row, compare};
pub use knee::{Knee, Next, Range, Search, Tried};
pub use metric::Metric;
pub use series::{Piece, Series};
