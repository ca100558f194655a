//! A report and a search as pages: HTML files that need no network.
//!
//! The pages themselves are made in `web/` and committed in `web/dist`; here the figures are put into them, as JSON in a script
//! element that no browser runs. Start reading at [`html_report`]; [`timeline`](Timeline) is what the charts are drawn from.

mod message;
mod point;
mod search;
mod shape;
mod timeline;
mod written;

use serde::Serialize;
use throng_metrics::Summary;

use written::WrittenTimeline;

pub use search::search_page;
pub use timeline::Timeline;

/// The page without figures.
const PAGE: &str = include_str!("../../../../web/dist/report.html");
/// Where the figures go.
const PLACE: &str = "{\"throng\":\"figures\"}";
/// The version of what is put there.
const FORMAT: u32 = 1;

/// A run as a page shows it.
#[derive(Clone, Copy, Debug)]
pub struct HtmlReport<'a> {
    /// The run's end.
    pub summary: &'a Summary,
    /// What happened when.
    pub timeline: &'a Timeline,
    /// What the run store knows of it, where it is kept.
    pub kept: Option<KeptRun<'a>>,
}

/// What the run store knows of a run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct KeptRun<'a> {
    /// Its number.
    pub number: i64,
    /// Its tags.
    pub tags: &'a [String],
    /// Its note.
    pub note: &'a str,
}

#[derive(Serialize)]
struct Figures<'a> {
    format: u32,
    summary: &'a Summary,
    /// As a text: a browser's numbers have 53 bits.
    seed: Option<String>,
    run: Option<KeptRun<'a>>,
    timeline: WrittenTimeline<'a>,
}

/// The whole page.
///
/// # Errors
/// When a figure cannot be put into JSON, which none of ours can be.
pub fn html_report(report: &HtmlReport<'_>) -> Result<String, serde_json::Error> {
    let figures = Figures {
        format: FORMAT,
        summary: report.summary,
        seed: report.summary.seed.map(|seed| seed.to_string()),
        run: report.kept,
        timeline: WrittenTimeline::of(report.timeline),
    };
    with_figures(PAGE, &figures)
}

/// A page with its figures.
fn with_figures(page: &str, figures: &impl Serialize) -> Result<String, serde_json::Error> {
    let figures = escaped(&serde_json::to_string(figures)?);
    let (before, after) = page.split_once(PLACE).expect("a page has a place for its figures");
    Ok([before, &figures, after].concat())
}

/// JSON that is the same JSON, and in which no name, message or sample can end the script element or begin a comment.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 64);
    for c in json.chars() {
        match c {
            // Outside of texts JSON has none of these.
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            '\u{fffe}' | '\u{ffff}' => out.push_str("\\ufffd"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_have_one_place_for_the_figures_and_no_network() {
        for page in [PAGE, search::PAGE] {
            assert_eq!(page.matches(PLACE).count(), 1);
            assert!(page.contains("Content-Security-Policy") && page.contains("default-src 'none'"));
            for wrong in ["src=", "href=", "@import", "url("] {
                assert!(!page.contains(wrong), "{wrong}");
            }
        }
    }

    #[test]
    fn nothing_ends_the_script_element_and_all_is_the_same_json() {
        let evil = "</script><!-- <script>\u{2028}\u{2029}&\"'\\\u{0}";
        let json = serde_json::to_string(evil).unwrap();
        let escaped = escaped(&json);
        assert!(!escaped.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), evil);
    }
}
