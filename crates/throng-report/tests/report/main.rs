//! The reports on runs that look like real ones.

mod compare;
mod csv;
mod end;
mod fixtures;
mod html;
mod json;
mod live;
mod search;
