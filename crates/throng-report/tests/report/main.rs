//! The reports on runs that look like real ones.

mod end;
mod fixtures;
mod json;
mod live;
