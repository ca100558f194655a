//! The live screen and the plain line on runs of every kind, at many sizes.

use std::time::Duration;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use throng_metrics::{Failing, Plan, RobotState, Snapshot};
use throng_report::{Colour, draw, plain_line};

use crate::fixtures;

fn screen(snapshot: &Snapshot, width: u16, height: u16) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, snapshot, Colour::Always)).unwrap();
    terminal.backend().clone()
}

fn playing() -> Snapshot {
    let states = [
        (RobotState::Ready, 480),
        (RobotState::LoggingIn, 12),
        (RobotState::Connecting, 5),
        (RobotState::Failed, 3),
    ];
    let mut run = fixtures::game(&states);
    run.timeouts("game", "EchoRequest", 12, "");
    run.snapshot(500, fixtures::plan(), 72)
}

#[test]
fn a_game_in_eighty_columns() {
    insta::assert_snapshot!(screen(&playing(), 80, 24));
}

#[test]
fn a_game_on_a_wide_screen() {
    insta::assert_snapshot!(screen(&playing(), 160, 30));
}

#[test]
fn troubles_in_eighty_columns() {
    insta::assert_snapshot!(screen(&fixtures::troubled().snapshot(500, fixtures::plan(), 599), 80, 24));
}

#[test]
fn a_refusing_server() {
    let plan = Plan { takes: None, phase: "until all robots have ended".into(), ..fixtures::plan() };
    insta::assert_snapshot!(screen(&fixtures::refused().snapshot(500, plan, 4), 80, 24));
}

#[test]
fn the_first_moment() {
    let snapshot = fixtures::Run::new().snapshot(500, fixtures::plan(), 0);
    insta::assert_snapshot!(screen(&snapshot, 80, 16));
}

#[test]
fn a_saturated_generator() {
    insta::assert_snapshot!(screen(&fixtures::saturated().snapshot(5_000, fixtures::plan(), 10), 100, 16));
}

#[test]
fn long_and_chinese_names() {
    insta::assert_snapshot!(screen(&fixtures::named().snapshot(20, fixtures::plan(), 10), 80, 24));
}

#[test]
fn plain_lines() {
    let lines = [
        plain_line(&fixtures::Run::new().snapshot(500, fixtures::plan(), 0)),
        plain_line(&playing()),
        plain_line(&fixtures::refused().snapshot(500, fixtures::plan(), 8)),
        plain_line(&fixtures::named().snapshot(20, fixtures::plan(), 3_700)),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_phase_and_what_will_end_the_run_are_shown() {
    let one = |key: &str| Failing {
        key: key.to_owned(),
        condition: "< 5%".to_owned(),
        actual: "12%".to_owned(),
        since: Duration::from_secs(12),
        after: Duration::from_secs(30),
    };
    let failing = vec![one("errors.rate"), one("request.Echo.failure_rate")];
    let plan = Plan { phase_name: "evening".to_owned(), failing, ..fixtures::plan() };
    let snapshot = fixtures::game(&[(RobotState::Ready, 480)]).snapshot(500, plan, 72);
    let said = "ends in 18s: errors.rate is 12%, wanted < 5%, and 1 more";
    let line = plain_line(&snapshot);
    assert!(line.contains(" ready | evening | up ") && line.ends_with(said), "{line}");
    let painted = screen(&snapshot, 80, 24).to_string();
    assert!(painted.contains(&format!("the run    {said}")), "{painted}");
    assert!(!screen(&playing(), 80, 24).to_string().contains("the run    ends"));
}

#[test]
fn colour_comes_only_when_asked_for() {
    let painted = |colour| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| draw(frame, &playing(), colour)).unwrap();
        terminal.backend().buffer().clone()
    };
    let coloured = |buffer: &Buffer| buffer.content.iter().any(|cell| cell.fg != Color::Reset);
    assert!(coloured(&painted(Colour::Always)));
    assert!(!coloured(&painted(Colour::Never)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_size_can_be_painted(width in 1u16..220, height in 1u16..60) {
        thread_local!(static MOMENTS: [Snapshot; 3] = [
            playing(),
            fixtures::named().snapshot(20, fixtures::plan(), 10),
            fixtures::refused().snapshot(500, Plan::default(), 4),
        ]);
        MOMENTS.with(|moments| for snapshot in moments {
            let painted = screen(snapshot, width, height).to_string();
            assert!(!painted.contains("NaN"));
        });
    }
}
