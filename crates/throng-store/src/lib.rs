//! The run store: every run of a project in one SQLite file.
//!
//! A [`Writer`] takes a run's samples about once a second and commits each of them, so that a crash or a power cut loses at
//! most the last two seconds. A [`Store`] lists runs, marks and deletes them, and adds their samples up again to the totals of
//! the whole or of any stretch. Samples of the newest hour are of a second, older ones of ten, and what would be too large keeps
//! fewer digits (`fit`).
//!
//! It does not drive a run, judge or draw it. Start reading at [`Store`].

mod blob;
mod compact;
mod error;
mod fit;
mod reference;
mod run;
mod schema;
mod store;
mod writer;

pub use error::StoreError;
pub use reference::Reference;
pub use run::{Ending, Filter, NewRun, RunId, RunState, StoredRun};
pub use store::{Store, StoredSample};
pub use writer::{Writer, WriterEnd};
