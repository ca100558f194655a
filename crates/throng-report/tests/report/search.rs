//! A search as it is printed.

use throng_report::{Colour, SearchStep, search_head, search_line, search_sentence};
use throng_stats::{Knee, Tried};

#[test]
fn every_end_of_a_search_is_a_sentence() {
    let ends = [
        Knee::Found { load: 640.0, fails_at: 680.0 },
        Knee::BelowRange,
        Knee::AboveRange { load: 5_000.0 },
        Knee::Unsteady,
        Knee::Limited { at: 12.5, held: Some(6.25) },
        Knee::Limited { at: 10.0, held: None },
    ];
    let said = ends.map(|end| search_sentence(&end, "robots"));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn tries_stand_in_columns() {
    let step = |load, tried, why| SearchStep {
        load,
        again: false,
        tried,
        figure: "12.3 ms",
        throughput: 1_234.0,
        lag_p99_us: Some(80),
        run: Some(7),
        why,
    };
    let lines = [
        search_head("robots", "request.Move.p99", Colour::Never),
        search_line(&step(640.0, Tried::Held, ""), Colour::Never),
        search_line(&step(1_280.0, Tried::Failed, "errors.rate was 4%, wanted < 1%"), Colour::Never),
    ];
    insta::assert_snapshot!(lines.concat());
}
