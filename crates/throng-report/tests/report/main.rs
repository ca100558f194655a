//! The reports on runs that look like real ones.

mod compare;
mod end;
mod fixtures;
mod json;
mod live;
