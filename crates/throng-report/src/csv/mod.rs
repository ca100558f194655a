//! The files that Locust writes with `--csv`, with its columns in its order, so that what reads those can read these.
//!
//! Times are milliseconds. A request is a row: its connection stands where Locust has the method. Start reading at [`CsvHistory`],
//! which is written while a run goes on; the other files are made at its end.

mod cells;
mod history;
mod tables;

pub use history::{CsvHistory, HistoryRows};
pub use tables::{FailureTimes, csv_exceptions, csv_failures, csv_stats};
