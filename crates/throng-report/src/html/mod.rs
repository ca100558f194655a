//! The report as a page: one HTML file that needs no network.
//!
//! The page itself is made in `web/` and committed as `web/dist/report.html`; here the figures are put into it, as JSON in a script
//! element that no browser runs. Start reading at [`html_report`]; [`timeline`](Timeline) is what the charts are drawn from.

mod message;
mod point;
mod shape;
mod timeline;
mod written;

use serde::Serialize;
use throng_metrics::Summary;

use written::WrittenTimeline;

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
    let figures = escaped(&serde_json::to_string(&figures)?);
    let (before, after) = PAGE.split_once(PLACE).expect("the page has a place for the figures");
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
    fn the_page_has_one_place_for_the_figures_and_no_network() {
        assert_eq!(PAGE.matches(PLACE).count(), 1);
        assert!(PAGE.contains("Content-Security-Policy") && PAGE.contains("default-src 'none'"));
        for wrong in ["src=", "href=", "@import", "url("] {
            assert!(!PAGE.contains(wrong), "{wrong}");
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
