//! A search for the load a server bears: what was tried and found, for a terminal, a program and a page.

mod document;
mod lines;

pub use document::{SearchCondition, SearchDocument, SearchTry};
pub use lines::{search_head, search_line, search_sentence};
