//! A run's snapshots and summary as terminal screens, plain lines, a page and JSON.
//!
//! - While a run goes on: [`draw`] paints a [`throng_metrics::Snapshot`] on a screen of any size, and [`Screen`] is a
//!   terminal to paint it on; [`plain_line`] says the same in one line for a pipe.
//! - At its end: [`end_report`] is what a person reads, [`html_report`] what is sent to others, [`write_json`] what a program
//!   reads, [`csv_stats`] and its siblings what Locust would have written.
//! - Of two runs: [`compare_report`] shows what differs.
//! - Of a search for the load a server bears: [`search_line`] for each try, [`search_page`] for its curve.
//!
//! Everything is made from values that came from `throng-metrics` and `throng-stats`; nothing here measures, waits for a robot or decides
//! anything. Only [`Screen`] and [`write_file`] do I/O. Texts that a server or a script chose are cleaned of control
//! characters before they reach a terminal ([`text`]), and columns count cells, not bytes or characters.

mod compare;
mod csv;
mod end;
mod grid;
mod html;
mod json;
mod live;
mod paint;
mod plain;
mod runs;
mod search;
mod spark;
pub mod text;
mod write;

pub use compare::{CompareView, compare_report, compare_sentence};
pub use csv::{CsvHistory, FailureTimes, HistoryRows, csv_exceptions, csv_failures, csv_stats};
pub use end::{EndStyle, end_report};
pub use html::{HtmlReport, KeptRun, Timeline, html_report, search_page};
pub use json::{to_json, write_json};
pub use live::draw;
pub use live::screen::{Pressed, Screen};
pub use paint::Colour;
pub use plain::plain_line;
pub use runs::{RunLine, run_list};
pub use search::{SearchCondition, SearchDocument, SearchTry, search_head, search_line, search_sentence};
pub use write::{WriteError, write_file};
