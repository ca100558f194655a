//! The load a server bears: which load to try next, and what the tries say.
//!
//! The load is raised until a try fails, by doubling or in steps. After doubling, the border between the largest load that
//! held and the smallest that did not is halved until both are near each other. One try may hold or fail by chance, so both
//! sides of the border are tried once more, and where two tries of a load disagree a third decides: the knee is a load that
//! held twice, below one that failed twice. A try of which the generator was the limit says nothing of the server; the second
//! one of a load ends the search.

use serde::Serialize;
use std::cmp::Ordering;

/// How often a load must have held, or failed, before that counts as found.
const TWICE: usize = 2;
/// How often loads are tried once more before the search gives up.
const MOST_AGAIN: usize = 6;

/// Where to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The first load.
    pub from: f64,
    /// The largest that is tried.
    pub to: f64,
    /// By how much the load is raised each time; without it, it is doubled and the border halved.
    pub step: Option<f64>,
    /// How near the border's two sides are to each other in the end, as a share of the lower one.
    pub precision: f64,
    /// Loads are whole: robots are, rates need not be.
    pub whole: bool,
}

/// What became of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// What must hold held.
    Held,
    /// It did not.
    Failed,
    /// The generator was the limit, whether it held or not.
    Limited,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// Try this load.
    Try {
        /// The load.
        load: f64,
        /// It was tried before, and is tried once more.
        again: bool,
    },
    /// The search is over.
    Done(Knee),
}

/// What a search has found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Knee {
    /// The largest load that held, twice, and the smallest that failed, twice.
    Found {
        /// The load.
        load: f64,
        /// The smallest load that failed.
        fails_at: f64,
    },
    /// Not even the first load held, twice.
    BelowRange,
    /// The largest load still held: there is no knee in the range.
    AboveRange {
        /// That load.
        load: f64,
    },
    /// Tries of the same loads held and failed by turns.
    Unsteady,
    /// The generator was the limit, not the server.
    Limited {
        /// At this load.
        at: f64,
        /// The largest load below it that held.
        #[serde(skip_serializing_if = "Option::is_none")]
        held: Option<f64>,
    },
    /// The search was ended before it had found anything.
    BrokenOff {
        /// The largest load that held until then.
        #[serde(skip_serializing_if = "Option::is_none")]
        held: Option<f64>,
    },
}

/// A search and the tries so far.
#[derive(Debug, Clone)]
pub struct Search {
    range: Range,
    tries: Vec<(f64, Tried)>,
}

impl Search {
    /// A search in a range: `0 < from <= to`, a precision above 0.
    pub fn new(range: Range) -> Search {
        Search { range, tries: Vec::new() }
    }

    /// Adds what became of a try.
    pub fn tried(&mut self, load: f64, tried: Tried) {
        self.tries.push((load, tried));
    }

    /// What there is to say when it is ended before it is done.
    pub fn broken_off(&self) -> Knee {
        Knee::BrokenOff { held: self.held_below(self.lowest_failure().unwrap_or(f64::INFINITY)) }
    }

    /// What is to be done next.
    pub fn next(&self) -> Next {
        let loads = || self.tries.iter().map(|(load, _)| *load);
        let limited = loads().find(|load| self.count(*load, Tried::Limited) >= TWICE);
        if let Some(at) = limited {
            return Next::Done(Knee::Limited { at, held: self.held_below(at) });
        }
        if let Some(load) = loads().find(|load| self.leaning(*load).is_none()) {
            return self.once_more(load);
        }
        let Some(failed) = self.lowest_failure() else { return self.raise() };
        let held = self.held_below(failed);
        if let Some(load) = held.and_then(|held| self.between(held, failed)) {
            return Next::Try { load, again: false };
        }
        if let Some(held) = held.filter(|held| self.count(*held, Tried::Held) < TWICE) {
            return self.once_more(held);
        }
        if self.count(failed, Tried::Failed) < TWICE {
            return self.once_more(failed);
        }
        Next::Done(held.map_or(Knee::BelowRange, |load| Knee::Found { load, fails_at: failed }))
    }

    /// Tries a load again, unless there was enough of that.
    fn once_more(&self, load: f64) -> Next {
        if self.tries_again() >= MOST_AGAIN {
            Next::Done(Knee::Unsteady)
        } else {
            Next::Try { load, again: true }
        }
    }

    /// How often a try of a load came to this.
    fn count(&self, load: f64, what: Tried) -> usize {
        self.tries.iter().filter(|(tried, came_to)| *tried == load && *came_to == what).count()
    }

    /// What most tries of a load came to; nothing where as many held as failed.
    fn leaning(&self, load: f64) -> Option<Tried> {
        match self.count(load, Tried::Held).cmp(&self.count(load, Tried::Failed)) {
            Ordering::Greater => Some(Tried::Held),
            Ordering::Less => Some(Tried::Failed),
            Ordering::Equal => None,
        }
    }

    /// Nothing has failed yet: a larger load, if there is one.
    fn raise(&self) -> Next {
        let Range { from, to, step, .. } = self.range;
        let Some(last) = self.tries.iter().map(|(load, _)| *load).reduce(f64::max) else {
            return Next::Try { load: from, again: false };
        };
        if last >= to {
            return Next::Done(Knee::AboveRange { load: last });
        }
        let load = self.rounded(step.map_or(last * 2.0, |step| last + step)).min(to);
        Next::Try { load, again: false }
    }

    fn loads(&self, leaning: Tried) -> impl Iterator<Item = f64> {
        self.tries.iter().map(|(load, _)| *load).filter(move |load| self.leaning(*load) == Some(leaning))
    }

    /// The smallest load that did not hold.
    fn lowest_failure(&self) -> Option<f64> {
        self.loads(Tried::Failed).reduce(f64::min)
    }

    /// The largest load below `load` that held.
    fn held_below(&self, load: f64) -> Option<f64> {
        self.loads(Tried::Held).filter(|held| *held < load).reduce(f64::max)
    }

    /// The load between two, while they are not near enough.
    fn between(&self, held: f64, failed: f64) -> Option<f64> {
        if self.range.step.is_some() || failed - held <= held * self.range.precision {
            return None;
        }
        let middle = self.rounded((held + failed) / 2.0);
        (middle > held && middle < failed).then_some(middle)
    }

    fn rounded(&self, load: f64) -> f64 {
        if self.range.whole { load.round() } else { load }
    }

    /// How often a load was tried that had been tried before.
    fn tries_again(&self) -> usize {
        let before = |at: usize| &self.tries[..at];
        let again = |(at, (load, _)): (usize, &(f64, Tried))| before(at).iter().any(|(seen, _)| seen == load);
        self.tries.iter().enumerate().filter(|tried| again(*tried)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RANGE: Range = Range { from: 10.0, to: 100_000.0, step: None, precision: 0.05, whole: true };

    /// Searches a server that answers by a rule; gives the loads tried and what was found.
    fn search(range: Range, mut server: impl FnMut(f64, usize) -> Tried) -> (Vec<f64>, Knee) {
        let mut search = Search::new(range);
        for number in 0..200 {
            match search.next() {
                Next::Done(knee) => return (search.tries.iter().map(|(load, _)| *load).collect(), knee),
                Next::Try { load, .. } => search.tried(load, server(load, number)),
            }
        }
        panic!("a search without end: {search:?}");
    }

    fn bears(most: f64) -> impl FnMut(f64, usize) -> Tried {
        move |load, _| if load <= most { Tried::Held } else { Tried::Failed }
    }

    #[test]
    fn the_load_is_doubled_then_halved_and_confirmed() {
        let (loads, knee) = search(RANGE, bears(700.0));
        assert_eq!(
            loads,
            [
                10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 960.0, 800.0, 720.0, 680.0, 700.0,
                700.0, 720.0
            ]
        );
        assert_eq!(knee, Knee::Found { load: 700.0, fails_at: 720.0 });
    }

    #[test]
    fn steps_go_up_evenly_and_are_not_halved() {
        let (loads, knee) = search(Range { step: Some(100.0), from: 100.0, ..RANGE }, bears(370.0));
        assert_eq!(loads, [100.0, 200.0, 300.0, 400.0, 300.0, 400.0]);
        assert_eq!(knee, Knee::Found { load: 300.0, fails_at: 400.0 });
    }

    #[test]
    fn a_knee_outside_the_range_is_none() {
        assert_eq!(search(RANGE, bears(5.0)), (vec![10.0, 10.0], Knee::BelowRange));
        let range = Range { to: 50.0, ..RANGE };
        assert_eq!(
            search(range, bears(1e9)),
            (vec![10.0, 20.0, 40.0, 50.0], Knee::AboveRange { load: 50.0 })
        );
    }

    #[test]
    fn a_limit_of_the_generator_ends_the_search() {
        let limit = |load, _| if load > 100.0 { Tried::Limited } else { Tried::Held };
        let loads = vec![10.0, 20.0, 40.0, 80.0, 160.0, 160.0];
        assert_eq!(search(RANGE, limit), (loads, Knee::Limited { at: 160.0, held: Some(80.0) }));
        assert_eq!(search(RANGE, |_, _| Tried::Limited).1, Knee::Limited { at: 10.0, held: None });
    }

    #[test]
    fn one_hiccup_of_the_generator_does_not_end_the_search() {
        let hiccup = |load, number| if number == 2 { Tried::Limited } else { bears(700.0)(load, number) };
        let (loads, knee) = search(RANGE, hiccup);
        assert_eq!(loads[..5], [10.0, 20.0, 40.0, 40.0, 80.0]);
        assert_eq!(knee, Knee::Found { load: 700.0, fails_at: 720.0 });
    }

    #[test]
    fn one_hiccup_of_the_server_makes_no_knee() {
        let hiccup = |load, number| if number == 2 { Tried::Failed } else { bears(700.0)(load, number) };
        let (loads, knee) = search(Range { precision: 0.5, ..RANGE }, hiccup);
        // 40 fails by chance; 20 holds again, then 40 is tried until two of three tries agree, and the search goes on.
        assert_eq!(loads[..8], [10.0, 20.0, 40.0, 30.0, 30.0, 40.0, 40.0, 80.0]);
        assert_eq!(knee, Knee::Found { load: 640.0, fails_at: 960.0 });
    }

    #[test]
    fn a_search_that_is_ended_says_what_had_held() {
        let mut search = Search::new(RANGE);
        assert_eq!(search.broken_off(), Knee::BrokenOff { held: None });
        search.tried(10.0, Tried::Held);
        search.tried(20.0, Tried::Held);
        search.tried(40.0, Tried::Failed);
        assert_eq!(search.broken_off(), Knee::BrokenOff { held: Some(20.0) });
    }

    #[test]
    fn what_held_by_chance_is_tried_lower() {
        // The try that confirms 700 fails, and so does the third; 680 held, and holds again.
        let chance = |load, number| {
            let chance = load == 700.0 && (number == 13 || number == 14);
            if load > 700.0 || chance { Tried::Failed } else { Tried::Held }
        };
        assert_eq!(search(RANGE, chance).1, Knee::Found { load: 680.0, fails_at: 700.0 });
    }

    #[test]
    fn what_never_holds_twice_is_no_knee() {
        let mut seen = Vec::new();
        let never_twice = |load: f64, _| {
            let held = load <= 700.0 && !seen.contains(&load.to_bits());
            seen.push(load.to_bits());
            if held { Tried::Held } else { Tried::Failed }
        };
        assert_eq!(search(RANGE, never_twice).1, Knee::Unsteady);
    }

    proptest! {
        #[test]
        fn a_steady_server_s_knee_is_found_to_the_precision(
            most in 10.0..90_000.0f64, precision in 0.01..0.5f64, whole: bool
        ) {
            let (loads, knee) = search(Range { precision, whole, ..RANGE }, bears(most));
            let Knee::Found { load, fails_at } = knee else { panic!("{knee:?}") };
            prop_assert!(load <= most && most < fails_at);
            prop_assert!(fails_at - load <= load * precision + if whole { 1.0 } else { 0.0 }, "{load} to {fails_at}");
            prop_assert!(loads.len() < 40, "{}", loads.len());
        }
    }
}
