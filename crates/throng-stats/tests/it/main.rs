//! How often two runs are called different, when they are alike and when they are not.

mod synthetic;

use std::time::Duration;

use synthetic::Server;
use throng_stats::{Comparison, Finding, Metric, Piece, Question, Series, compare};

const SERVER: Server = Server { seconds: 80, messages: 3, rate: 20, memory: 0.5, wander: 0.03, slower: 1.0 };

/// Fewer permutations than a user gets, for the sake of time.
const QUESTION: Question =
    Question { level: 0.05, smallest: 0.01, smallest_error_rate: 0.001, permutations: 199, seed: 3 };

/// Of `pairs` pairs, those called different.
fn called(pairs: u64, first: Server, second: Server, question: &Question) -> usize {
    let differ = |seed| {
        let compared = compare(&first.run(2 * seed), &second.run(2 * seed + 1), question);
        compared.rows.iter().any(|row| row.finding.is_difference())
    };
    (0..pairs).filter(|&seed| differ(seed)).count()
}

#[test]
fn of_two_hundred_pairs_alike_few_are_called_different() {
    // Without a margin it is the permutation alone that keeps the level.
    let question = Question { smallest: 0.0, smallest_error_rate: 0.0, ..QUESTION };
    let found = called(200, SERVER, SERVER, &question);
    assert!((1..=17).contains(&found), "{found}");
}

#[test]
fn of_two_hundred_pairs_with_a_slowdown_of_5_percent_nearly_all_are_found() {
    let found = called(200, SERVER, Server { slower: 1.05, ..SERVER }, &QUESTION);
    assert!(found >= 180, "{found}");
}

#[test]
fn seconds_with_a_long_memory_do_not_become_differences() {
    let wanders = Server { memory: 0.85, wander: 0.05, messages: 1, ..SERVER };
    let found = called(100, wanders, wanders, &QUESTION);
    assert!(found <= 9, "{found}");
}

#[test]
fn a_run_differs_in_nothing_from_itself() {
    let run = SERVER.run(5);
    let compared = compare(&run, &run, &QUESTION);
    assert_eq!(compared.rows.len(), 15);
    for row in &compared.rows {
        assert_eq!((row.a, row.finding.is_difference()), (row.b, false), "{row:?}");
    }
}

fn steady(seconds: usize, per_second: u64, us: u64, failed: u64) -> Series {
    let mut series = Series::default();
    for second in 0..seconds {
        let mut piece = Piece::default();
        (0..per_second).for_each(|at| piece.answered(us + (at * 7 + second as u64) % 50));
        (0..failed).for_each(|_| piece.failed());
        series.push(Duration::from_secs(1), [("game/Move".to_owned(), piece)]);
    }
    series
}

#[track_caller]
fn finding(compared: &Comparison, metric: Metric) -> Finding {
    compared.rows.iter().find(|row| row.metric == metric).unwrap().finding
}

#[test]
fn the_direction_of_each_metric_is_known() {
    let compared = compare(&steady(60, 100, 20_000, 1), &steady(60, 90, 22_000, 3), &QUESTION);
    for metric in Metric::ALL {
        assert_eq!(finding(&compared, metric), Finding::Worse, "{metric:?}");
    }
    let back = compare(&steady(60, 90, 22_000, 3), &steady(60, 100, 20_000, 1), &QUESTION);
    for metric in Metric::ALL {
        assert_eq!(finding(&back, metric), Finding::Better, "{metric:?}");
    }
    let change = compared.rows[0].change.unwrap();
    assert!(change.low <= change.by && change.by <= change.high && (change.by - 0.1).abs() < 0.01);
}

#[test]
fn what_is_certain_but_smaller_than_asked_is_no_difference() {
    let compared = compare(&steady(60, 100, 20_000, 0), &steady(60, 100, 20_100, 0), &QUESTION);
    assert_eq!(compared.count(Finding::NoDifferenceSeen), 5);
    let wanted = Question { smallest: 0.002, ..QUESTION };
    let compared = compare(&steady(60, 100, 20_000, 0), &steady(60, 100, 20_100, 0), &wanted);
    assert_eq!(compared.count(Finding::Worse), 3);
}

#[test]
fn too_little_is_called_so() {
    let compared = compare(&steady(60, 2, 500, 0), &steady(60, 2, 900, 0), &QUESTION);
    assert_eq!(finding(&compared, Metric::P99), Finding::TooLittle);
    assert_eq!(finding(&compared, Metric::P50), Finding::Worse);
    let short = compare(&steady(5, 100, 500, 0), &steady(5, 100, 900, 0), &QUESTION);
    assert_eq!(short.count(Finding::TooLittle), 5);
    let one_sided = compare(&steady(60, 100, 500, 0), &Series::default(), &QUESTION);
    assert_eq!(one_sided.count(Finding::TooLittle), 5);
    assert!(one_sided.rows[0].a.is_some() && one_sided.rows[0].b.is_none());
}

/// A run whose message is answered only in its first seconds.
fn stopping(seconds: usize, answered: usize) -> Series {
    let mut series = Series::default();
    for second in 0..seconds {
        let mut piece = Piece::default();
        (0..if second < answered { 20 } else { 0 }).for_each(|at| piece.answered(500 + at));
        series.push(Duration::from_secs(1), [("game/Move".to_owned(), piece)]);
    }
    series
}

#[test]
fn a_message_that_is_not_answered_any_more_is_worse_and_not_too_little() {
    let all = steady(60, 20, 500, 0);
    for gone in [stopping(60, 0), stopping(60, 3), stopping(60, 9)] {
        let compared = compare(&all, &gone, &QUESTION);
        assert_eq!(finding(&compared, Metric::Throughput), Finding::Worse);
        let change = compared.rows[0].change.unwrap();
        assert!(change.by < -0.8 && change.low <= change.by && change.by <= change.high, "{change:?}");
    }
    let tolerant = Question { smallest: 0.99, ..QUESTION };
    assert!(!finding(&compare(&all, &stopping(60, 9), &tolerant), Metric::Throughput).is_difference());
}

#[test]
fn parts_are_told_apart_and_the_worst_comes_first() {
    let same = compare(&steady(60, 100, 500, 0), &steady(60, 100, 500, 0), &QUESTION);
    let slower = compare(&steady(60, 100, 500, 0), &steady(60, 100, 900, 0), &QUESTION);
    let blocks = same.blocks;
    let whole = Comparison::of_parts([("day", same), ("night", slower)]);
    assert_eq!((whole.seconds, whole.blocks, whole.rows.len()), ([120.0; 2], 2 * blocks, 10));
    assert!(whole.rows[..3].iter().all(|row| row.message == "game/Move@night"), "{:?}", whole.rows);
    assert_eq!((whole.count(Finding::Worse), whole.rows[3].message.as_str()), (3, "game/Move@day"));
}

#[test]
fn a_message_of_the_first_seconds_may_be_missing_in_others() {
    let compared = compare(&stopping(60, 9), &stopping(60, 0), &QUESTION);
    assert_eq!(compared.count(Finding::TooLittle), 5);
    let rare = compare(&steady(60, 1, 500, 0), &stopping(60, 0), &QUESTION);
    assert_eq!(rare.count(Finding::TooLittle), 5, "60 replies are too few to miss them");
}
