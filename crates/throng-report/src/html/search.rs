//! A search as a page, which is made in `web/src/search`.

use serde::Serialize;

use super::with_figures;
use crate::search::SearchDocument;

/// The page without figures.
pub(super) const PAGE: &str = include_str!("../../../../web/dist/search.html");
/// The version of what is put there.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Figures<'a> {
    format: u32,
    /// As a text: a browser's numbers have 53 bits.
    seed: String,
    search: &'a SearchDocument,
}

/// The whole page: the curve of a search, its knee, and its tries.
///
/// # Errors
/// When a figure cannot be put into JSON, which none of ours can be.
pub fn search_page(search: &SearchDocument) -> Result<String, serde_json::Error> {
    with_figures(PAGE, &Figures { format: FORMAT, seed: search.seed.to_string(), search })
}
