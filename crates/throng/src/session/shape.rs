//! The load's shape at work: a function of the project's is asked about once a second how many robots there should be.

use super::control::RunFunctions;
use super::prepare::Prepared;
use super::watch::Watch;
use std::time::Duration;
use throng_engine::Schedule;
use throng_lua::Tick;
use throng_metrics::ScenarioPlan;

/// How often it is asked.
const BEAT: Duration = Duration::from_secs(1);

/// When the shape is asked next, and what it said last.
pub(super) struct Shaping {
    /// The scenarios that share its robots, with their shares; none where all robots are alike.
    shares: Vec<(String, f64)>,
    /// How many robots it has asked for of each of them at the most.
    peaks: Vec<u64>,
    next: Duration,
    last: Option<Tick>,
}

/// What follows from what the shape said.
pub(super) enum Course {
    /// Nothing new.
    Same,
    /// From now on this.
    New(Schedule),
    /// The run is over.
    Over,
}

impl Shaping {
    /// The shape of a project, if it has one.
    pub(super) fn of(prepared: &Prepared) -> Option<Shaping> {
        let shares = &prepared.shares;
        let shaping = || Shaping {
            shares: shares.clone(),
            peaks: vec![0; shares.len()],
            next: Duration::ZERO,
            last: None,
        };
        prepared.project.shape.is_some().then(shaping)
    }

    /// Asks the shape for the first time.
    ///
    /// # Errors
    /// It failed, gave nonsense, or is over already.
    pub(super) fn begin(
        &mut self,
        asked: (&RunFunctions, &mut Watch),
        schedule: &Schedule,
    ) -> Result<Schedule, String> {
        match self.follow(asked, Duration::ZERO, schedule)? {
            Course::New(shaped) => Ok(shaped),
            Course::Same => Ok(schedule.clone()),
            Course::Over => {
                Err("the load's shape ends the run before it begins: its first answer is nil".to_owned())
            }
        }
    }

    /// Asks the shape, if it is time.
    ///
    /// # Errors
    /// It failed or gave nonsense.
    pub(super) fn follow(
        &mut self,
        (functions, watch): (&RunFunctions, &mut Watch),
        at: Duration,
        schedule: &Schedule,
    ) -> Result<Course, String> {
        if at < self.next {
            return Ok(Course::Same);
        }
        // A run that fell behind is not asked for every second it missed.
        self.next = (self.next + BEAT).max(at);
        let Some(tick) = functions.tick(at, watch)? else { return Ok(Course::Over) };
        if self.last.as_ref() == Some(&tick) {
            return Ok(Course::Same);
        }
        let robots = parts(&self.shares, &tick)?;
        for (peak, robots) in self.peaks.iter_mut().zip(&robots) {
            *peak = (*peak).max(*robots);
        }
        let schedule = schedule.clone().reshaped(at, &robots, tick.spawn_rate);
        self.last = Some(tick);
        Ok(Course::New(schedule))
    }

    /// Says in the plans of scenarios what it has asked for, which nobody knew when the run began.
    pub(super) fn tell(&self, plans: &mut [ScenarioPlan]) {
        for ((name, _), peak) in self.shares.iter().zip(&self.peaks) {
            if let Some(plan) = plans.iter_mut().find(|plan| plan.name == *name) {
                plan.planned = plan.planned.max(*peak);
            }
        }
    }
}

/// How many of its robots are of each scenario: by the shares of those that the shape names, or of all.
fn parts(shares: &[(String, f64)], tick: &Tick) -> Result<Vec<u64>, String> {
    let named = tick.scenarios.as_deref();
    if let Some(stray) =
        named.into_iter().flatten().find(|name| shares.iter().all(|(known, _)| known != *name))
    {
        let known: Vec<&str> = shares.iter().map(|(name, _)| name.as_str()).collect();
        let known = if known.is_empty() {
            "there are none".to_owned()
        } else {
            format!("it may name {}", known.join(", "))
        };
        return Err(format!(
            "the load's shape names the scenario '{stray}', which shares no robots: {known}"
        ));
    }
    if shares.is_empty() {
        return Ok(vec![tick.robots]);
    }
    let counts = |name: &String| named.is_none_or(|named| named.is_empty() || named.contains(name));
    let shares: Vec<f64> =
        shares.iter().map(|(name, share)| if counts(name) { *share } else { 0.0 }).collect();
    let whole: f64 = shares.iter().sum();
    // Cut at the sums of the shares, so that the parts are the whole.
    let mut sum = 0.0;
    let cuts: Vec<u64> = shares
        .iter()
        .map(|share| {
            sum += share;
            (tick.robots as f64 * sum / whole).round() as u64
        })
        .collect();
    Ok(cuts.iter().scan(0, |before, cut| Some(cut - std::mem::replace(before, *cut))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(robots: u64, named: Option<&[&str]>) -> Result<Vec<u64>, String> {
        let shares =
            [("casual", 7.0), ("whale", 2.0), ("bot", 1.0)].map(|(name, share)| (name.to_owned(), share));
        let scenarios = named.map(|named| named.iter().map(|name| (*name).to_owned()).collect());
        parts(&shares, &Tick { robots, spawn_rate: 1.0, scenarios })
    }

    #[test]
    fn robots_of_a_shape_are_shared_out_among_the_scenarios_it_names() {
        assert_eq!(split(10, None), Ok(vec![7, 2, 1]));
        assert_eq!(split(10, Some(&["whale", "bot"])), Ok(vec![0, 7, 3]));
        assert!(
            (0..200).all(|robots| split(robots, None).is_ok_and(|parts| parts.iter().sum::<u64>() == robots))
        );
        assert!(
            split(10, Some(&["wale"])).is_err_and(|error| error.contains("it may name casual, whale, bot"))
        );
        let alike = Tick { robots: 4, spawn_rate: 1.0, scenarios: None };
        assert_eq!(parts(&[], &alike), Ok(vec![4]));
    }
}
