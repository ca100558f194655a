//! Two runs beside each other.

use throng_report::{Colour, CompareView, compare_report};
use throng_stats::{Change, Comparison, Finding, Metric, Row};

fn comparison() -> Comparison {
    let row = |message: &str, metric, a, b, by: f64, reach: f64, finding| Row {
        message: message.into(),
        metric,
        a: Some(a),
        b: Some(b),
        change: Some(Change { by, low: by - reach, high: by + reach }),
        finding,
    };
    let (worse, better, same) = (Finding::Worse, Finding::Better, Finding::NoDifferenceSeen);
    let login = "lobby/登录ServerListRequest";
    let few =
        Row { a: None, change: None, ..row(login, Metric::P99, 0.0, 2e6, 0.0, 0.0, Finding::TooLittle) };
    let rows = vec![
        row("game/Move", Metric::P50, 19_800.0, 20_790.0, 0.05, 0.012, worse),
        row("game/Move", Metric::ErrorRate, 0.001, 0.012, 0.011, 0.004, worse),
        row(login, Metric::Throughput, 1_200.0, 1_320.0, 0.1, 0.021, better),
        row("game/Move", Metric::Throughput, 800.0, 799.0, -0.001_25, 0.004, same),
        row(login, Metric::ErrorRate, 0.0, 0.0, 0.0, 0.0, same),
        few,
    ];
    Comparison { seconds: [60.0, 61.0], blocks: 10, bound: Some(2.9), rows }
}

fn shown(comparison: &Comparison, all: bool, warnings: &[String]) -> String {
    let view = CompareView { runs: [3, 12], comparison, which: "in which the plan held", warnings, all };
    compare_report(&view, 80, Colour::Never)
}

#[test]
fn differences_come_first_and_the_rest_when_asked() {
    let text = shown(&comparison(), true, &["the targets differ: a and b\u{1b}[2J".into()]);
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("compare_all", text) });
}

#[test]
fn without_all_only_differences_are_shown() {
    let text = shown(&comparison(), false, &[]);
    assert!(text.contains("not shown: 2 no difference seen, 1 too little data; --all shows them"), "{text}");
    assert_eq!(text.matches("no difference seen").count(), 1);
}

#[test]
fn where_nothing_differs_the_sentence_says_so() {
    let mut same = comparison();
    same.rows.retain(|row| !row.finding.is_difference());
    assert!(shown(&same, false, &[]).starts_with("No difference seen between run 3 and run 12"));
    same.rows.clear();
    assert!(shown(&same, false, &[]).starts_with("Too little was recorded to compare run 12 with run 3."));
}
