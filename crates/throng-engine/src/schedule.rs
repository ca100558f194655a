//! The load plan: how many robots there should be, or come, at each moment.
//!
//! A [`Schedule`] is a list of [`Crowd`]s: robots that come by one rule, which is a figure over time ([`curve`]) and a
//! [`Model`] that says what the figure means.

pub(crate) mod curve;
mod stay;
mod storm;

use crate::spawning::deal::Deal;
use curve::{Curve, Stretch};
use std::sync::Arc;
use std::time::Duration;

pub use stay::Stay;
pub use storm::{Loss, Storm};

/// Robots that are dealt out to scenarios one by one to know how many each has; of more, it is their proportion.
const DEALT: u64 = 100_000;

/// The robots of a run over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    crowds: Vec<Crowd>,
    storms: Vec<Storm>,
    /// How many of the first crowds a shape moves together.
    shaped: usize,
    /// When the run ends by itself.
    run_time: Option<Duration>,
}

/// Robots that come by one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Crowd {
    curve: Curve,
    model: Model,
    members: Vec<Member>,
    /// When its last stage ends, if it has stages.
    staged: Option<Duration>,
}

/// What a crowd's figure means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Model {
    /// So many robots are begun; one that has ended leaves its seat empty.
    Closed,
    /// So many robots are there: one that has ended is followed by a new one, as fast as `spawn_rate` allows.
    Online { spawn_rate: f64 },
    /// So many robots come a second, whatever becomes of those who are there; beyond `most` they are turned away.
    Open { spacing: Spacing, most: u64 },
}

/// How arrivals lie in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// Independently of each other, as players come.
    #[default]
    Poisson,
    /// As far apart as the rate says.
    Even,
}

/// A part of a crowd: robots of one scenario.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// The scenario, by its place among the run's.
    pub scenario: usize,
    /// Its part of the crowd, beside those of the others.
    pub share: f64,
    /// How long its robots stay; without one, until they stop by themselves or the run ends.
    pub session: Option<Stay>,
}

/// A stretch of a schedule: reach `robots` in the course of `over`.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Robots at its end.
    pub robots: u64,
    /// How long it takes; 0 is a jump.
    pub over: Duration,
    /// What its seconds are called in place of what the number of robots does.
    pub name: Option<Arc<str>>,
}

/// A stretch of arrivals: reach `rate` in the course of `over`.
#[derive(Debug, Clone, PartialEq)]
pub struct RateStage {
    /// Arrivals a second at its end.
    pub rate: f64,
    /// How long it takes; 0 is a jump.
    pub over: Duration,
    /// What its seconds are called in place of what the rate does.
    pub name: Option<Arc<str>>,
}

impl Stage {
    /// A stage without a name.
    pub fn new(robots: u64, over: Duration) -> Stage {
        Stage { robots, over, name: None }
    }
}

impl Crowd {
    fn new(curve: Curve, model: Model, staged: bool) -> Crowd {
        let staged = staged.then(|| curve.ends());
        let members = vec![Member { scenario: 0, share: 1.0, session: None }];
        Crowd { curve, model, members, staged }
    }

    /// `robots` robots that begin at `spawn_rate` a second, evenly inside each second, then stay.
    pub fn constant(robots: u64, spawn_rate: f64) -> Crowd {
        Crowd::new(ramp(robots, spawn_rate), Model::Closed, false)
    }

    /// Stages one after the other, from no robots at all.
    pub fn stages(stages: &[Stage]) -> Crowd {
        Crowd::new(robots_of(stages), Model::Closed, true)
    }

    /// `robots` robots that are held: one that ends is followed by a new one. All come at most at `spawn_rate` a second.
    pub fn online(robots: u64, spawn_rate: f64) -> Crowd {
        Crowd::new(ramp(robots, spawn_rate), Model::Online { spawn_rate }, false)
    }

    /// Stages of robots that are held, which come at most at `spawn_rate` a second.
    pub fn online_stages(stages: &[Stage], spawn_rate: f64) -> Crowd {
        Crowd::new(robots_of(stages), Model::Online { spawn_rate }, true)
    }

    /// Robots that come at `rate` a second; when `most` are there, further ones are turned away.
    pub fn arrivals(rate: f64, spacing: Spacing, most: u64) -> Crowd {
        Crowd::new(Curve::new(rate, []), Model::Open { spacing, most }, false)
    }

    /// Stages of arrivals, from none at all.
    pub fn arrival_stages(stages: &[RateStage], spacing: Spacing, most: u64) -> Crowd {
        let stretch =
            |stage: &RateStage| Stretch { to: stage.rate, over: stage.over, name: stage.name.clone() };
        Crowd::new(Curve::new(0.0, stages.iter().map(stretch)), Model::Open { spacing, most }, true)
    }

    /// The same with robots of these scenarios.
    #[must_use]
    pub fn of(mut self, members: Vec<Member>) -> Crowd {
        if !members.is_empty() {
            self.members = members;
        }
        self
    }

    /// The same with robots that stay so long.
    #[must_use]
    pub fn staying(mut self, session: Option<Stay>) -> Crowd {
        self.members.iter_mut().for_each(|member| member.session = session);
        self
    }

    /// The most robots it asks for at once, where it asks for a number.
    pub fn most(&self) -> u64 {
        if matches!(self.model, Model::Open { .. }) { 0 } else { self.curve.peak() as u64 }
    }

    pub(crate) fn curve(&self) -> &Curve {
        &self.curve
    }

    pub(crate) fn model(&self) -> Model {
        self.model
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// How many robots come a second, where that is what is planned.
    fn rate_at(&self, now: Duration) -> Option<f64> {
        matches!(self.model, Model::Open { .. }).then(|| self.curve.at(now))
    }

    fn robots_at(&self, now: Duration) -> u64 {
        if self.rate_at(now).is_some() { 0 } else { self.curve.whole_at(now) }
    }

    /// The most robots it will have at once. With arrivals that is what their rate and the mean of their sessions make, or
    /// all of them until `run_time`; nobody can know better.
    fn peak(&self, run_time: Option<Duration>) -> u64 {
        let Model::Open { most, .. } = self.model else { return self.curve.peak() as u64 };
        let shares: f64 = self.members.iter().map(|member| member.share).sum();
        let mean = |member: &Member| {
            let stay = member.session.map(|session| session.mean().as_secs_f64());
            stay.map(|seconds| seconds * member.share / shares)
        };
        let all = || match run_time {
            None if self.curve.last() > 0.0 => f64::INFINITY,
            end => self.curve.area(end.unwrap_or(self.curve.ends())),
        };
        let stay: Option<f64> = self.members.iter().map(mean).sum();
        let robots = match stay {
            Some(stay) => (self.curve.peak() * stay).min(all().max(self.curve.peak())),
            None => all(),
        };
        // A float beyond all bounds becomes the greatest number.
        (robots.ceil() as u64).clamp(1, most.max(1))
    }

    /// How many robots of each of its scenarios there are among `robots`.
    fn parts(&self, robots: u64) -> impl Iterator<Item = (usize, u64)> {
        let mut parts = vec![0_u64; self.members.len()];
        let mut deal = Deal::new(&self.members);
        let dealt = robots.min(DEALT);
        (0..dealt).for_each(|_| parts[deal.next()] += 1);
        let of_all = move |part: u64| (part as f64 * robots as f64 / dealt.max(1) as f64).round() as u64;
        self.members.iter().zip(parts).map(move |(member, part)| (member.scenario, of_all(part)))
    }
}

fn ramp(robots: u64, spawn_rate: f64) -> Curve {
    Curve::new(0.0, [Stretch { to: robots as f64, over: time_of(robots, spawn_rate), name: None }])
}

fn robots_of(stages: &[Stage]) -> Curve {
    let stretch =
        |stage: &Stage| Stretch { to: stage.robots as f64, over: stage.over, name: stage.name.clone() };
    Curve::new(0.0, stages.iter().map(stretch))
}

/// How long `robots` take at `rate` a second.
fn time_of(robots: u64, rate: f64) -> Duration {
    Duration::try_from_secs_f64(robots as f64 / rate).unwrap_or(Duration::MAX)
}

impl Schedule {
    /// These crowds side by side. The run ends with the last stage of those that have some, or at `run_time` if that is set;
    /// a crowd without stages has no end of its own.
    pub fn new(crowds: Vec<Crowd>, run_time: Option<Duration>) -> Schedule {
        let staged = || crowds.iter().map(|crowd| crowd.staged).collect::<Option<Vec<Duration>>>();
        let run_time = run_time.or_else(|| staged().and_then(|ends| ends.into_iter().max()));
        Schedule { crowds, storms: Vec::new(), shaped: 0, run_time }
    }

    /// The same with these storms.
    #[must_use]
    pub fn with_storms(mut self, storms: Vec<Storm>) -> Schedule {
        self.storms = storms;
        self
    }

    /// The same, but from `at` on its first crowds go on to `robots` robots each, at `rate` a second in all: what a shape says
    /// that is asked again and again.
    #[must_use]
    pub fn reshaped(mut self, at: Duration, robots: &[u64], rate: f64) -> Schedule {
        let distance = |crowd: &Crowd, robots: u64| (robots as f64 - crowd.curve.at(at)).abs();
        let all: f64 = self.crowds.iter().zip(robots).map(|(crowd, robots)| distance(crowd, *robots)).sum();
        // They all get there together, so each is as fast as it has far to go.
        let over = Duration::try_from_secs_f64(all / rate).unwrap_or(Duration::MAX);
        for (crowd, robots) in self.crowds.iter_mut().zip(robots) {
            crowd.curve = crowd.curve.turned(at, *robots as f64, over);
        }
        self.shaped = robots.len();
        self
    }

    /// The same, but its first crowd comes as `crowd` does, with the scenarios it had; without storms. Nothing where there is
    /// no crowd.
    pub fn led_by(&self, crowd: Crowd, run_time: Duration) -> Option<Schedule> {
        let mut crowds = self.crowds.clone();
        let first = crowds.first_mut()?;
        *first = crowd.of(first.members.clone());
        Some(Schedule::new(crowds, Some(run_time)))
    }

    /// Its storms.
    pub fn storms(&self) -> &[Storm] {
        &self.storms
    }

    /// `robots` robots that begin at `spawn_rate` a second, evenly inside each second, then stay.
    pub fn constant(robots: u64, spawn_rate: f64, run_time: Option<Duration>) -> Schedule {
        Schedule::new(vec![Crowd::constant(robots, spawn_rate)], run_time)
    }

    /// Stages one after the other, from no robots at all. The run ends with the last, or at `run_time` if that is set.
    pub fn stages(stages: &[Stage], run_time: Option<Duration>) -> Schedule {
        Schedule::new(vec![Crowd::stages(stages)], run_time)
    }

    /// What it is made of.
    pub fn crowds(&self) -> &[Crowd] {
        &self.crowds
    }

    /// How many robots there should be at `now`; arrivals are in no such number.
    pub fn robots_at(&self, now: Duration) -> u64 {
        self.crowds.iter().map(|crowd| crowd.robots_at(now)).fold(0, u64::saturating_add)
    }

    /// How many robots should come a second at `now`, where the plan says that.
    pub fn arrivals_at(&self, now: Duration) -> Option<f64> {
        self.crowds.iter().filter_map(|crowd| crowd.rate_at(now)).reduce(|one, other| one + other)
    }

    /// What the plan does at `now`, in one word: the name of its stage, or `ramp_up`, `hold` or `ramp_down`. Where there are
    /// several crowds, the first decides, or those that a shape moves together.
    pub fn phase(&self, now: Duration) -> &str {
        if self.shaped > 1 {
            let shaped = || self.crowds.iter().take(self.shaped).map(|crowd| &crowd.curve);
            let (here, end): (f64, f64) =
                (shaped().map(|curve| curve.at(now)).sum(), shaped().map(Curve::last).sum());
            return curve::phase_of(end.total_cmp(&here));
        }
        self.crowds.first().map_or("hold", |crowd| crowd.curve.phase(now))
    }

    /// The names of stages that may be phases.
    pub fn stage_names(&self) -> impl Iterator<Item = &str> {
        self.crowds.first().into_iter().flat_map(|crowd| crowd.curve.names())
    }

    /// How many robots of each crowd there may be in all; where nobody knows, without bound.
    pub(crate) fn most_places(&self) -> impl Iterator<Item = u64> {
        self.crowds.iter().enumerate().map(|(place, crowd)| match crowd.model {
            _ if place < self.shaped => u64::MAX,
            Model::Open { .. } if crowd.curve.peak() > 0.0 => u64::MAX,
            Model::Open { .. } => 0,
            Model::Closed | Model::Online { .. } => crowd.curve.peak() as u64,
        })
    }

    /// The most robots it ever asks for at once; of arrivals, the most that are likely.
    pub fn peak(&self) -> u64 {
        self.crowds.iter().map(|crowd| crowd.peak(self.run_time)).fold(0, u64::saturating_add)
    }

    /// The same for each of the first `scenarios` scenarios.
    pub fn peaks(&self, scenarios: usize) -> Vec<u64> {
        let mut peaks = vec![0; scenarios];
        for crowd in &self.crowds {
            for (scenario, robots) in crowd.parts(crowd.peak(self.run_time)) {
                if let Some(peak) = peaks.get_mut(scenario) {
                    *peak += robots;
                }
            }
        }
        peaks
    }

    /// When the run ends by itself, if ever.
    pub fn run_time(&self) -> Option<Duration> {
        self.run_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn robots_begin_evenly_inside_the_second() {
        let schedule = Schedule::constant(10, 5.0, None);
        let at = |millis| schedule.robots_at(Duration::from_millis(millis));
        assert_eq!([at(0), at(199), at(200), at(399), at(400), at(2000), at(9000)], [0, 0, 1, 1, 2, 10, 10]);
        assert_eq!(schedule.run_time(), None);
    }

    #[test]
    fn stages_ramp_up_hold_and_ramp_down() {
        let stages = [
            Stage::new(4, 2 * SECOND),
            Stage::new(4, 3 * SECOND),
            Stage::new(1, 3 * SECOND),
            Stage::new(8, Duration::ZERO),
        ];
        let schedule = Schedule::stages(&stages, None);
        let at = |seconds: f64| schedule.robots_at(Duration::from_secs_f64(seconds));
        assert_eq!(
            [at(0.0), at(1.0), at(2.0), at(4.0), at(5.0), at(5.5), at(6.0), at(7.9)],
            [0, 2, 4, 4, 4, 4, 3, 2]
        );
        assert_eq!(at(8.0), 8);
        assert_eq!(schedule.peak(), 8);
        assert_eq!(schedule.run_time(), Some(8 * SECOND));
    }

    #[test]
    fn phases_are_what_the_number_of_robots_does() {
        let stages =
            [(3, 30), (3, 10), (1, 20)].map(|(robots, seconds)| Stage::new(robots, seconds * SECOND));
        let schedule = Schedule::stages(&stages, None);
        let phases = [0, 5, 29, 30, 39, 40, 59, 60].map(|second| schedule.phase(second * SECOND));
        assert_eq!(phases[..4], ["ramp_up", "ramp_up", "ramp_up", "hold"]);
        assert_eq!(phases[4..], ["hold", "ramp_down", "ramp_down", "hold"]);
        let constant = Schedule::constant(2, 0.1, None);
        assert_eq!([7, 20].map(|second| constant.phase(second * SECOND)), ["ramp_up", "hold"]);
    }

    #[test]
    fn a_stage_s_name_is_what_its_seconds_are_called() {
        let named = |robots, name: &str| Stage { name: Some(name.into()), ..Stage::new(robots, 10 * SECOND) };
        let stages = [named(5, "morning"), Stage::new(5, 10 * SECOND), named(9, "evening")];
        let schedule = Schedule::stages(&stages, Some(60 * SECOND));
        let phases = [0, 9, 10, 20, 29, 30, 59].map(|second| schedule.phase(second * SECOND));
        assert_eq!(phases, ["morning", "morning", "hold", "evening", "evening", "evening", "evening"]);
    }

    #[test]
    fn an_instant_spawn_is_a_jump() {
        let schedule = Schedule::constant(3, f64::INFINITY, Some(SECOND));
        assert_eq!(schedule.robots_at(Duration::ZERO), 3);
    }

    #[test]
    fn crowds_that_a_shape_moves_get_there_together() {
        let none = || Crowd::constant(0, f64::INFINITY);
        let schedule = Schedule::new(vec![none(), none(), Crowd::constant(5, 5.0)], None);
        let schedule = schedule.reshaped(Duration::ZERO, &[30, 10], 4.0);
        let at = |schedule: &Schedule, second| {
            schedule.crowds().iter().map(|crowd| crowd.robots_at(second * SECOND)).collect::<Vec<_>>()
        };
        assert_eq!((at(&schedule, 5), at(&schedule, 20)), (vec![15, 5, 5], vec![30, 10, 5]));
        assert_eq!([5, 15].map(|second| schedule.phase(second * SECOND)), ["ramp_up", "hold"]);
        let schedule = schedule.reshaped(12 * SECOND, &[0, 30], 10.0);
        assert_eq!(at(&schedule, 14), [18, 18, 5]);
        assert_eq!([13, 18].map(|second| schedule.phase(second * SECOND)), ["ramp_down", "hold"]);
        assert_eq!(schedule.run_time(), None);
    }

    #[test]
    fn crowds_add_up_and_end_with_the_last_of_them() {
        let crowds =
            || vec![Crowd::stages(&[Stage::new(4, 2 * SECOND)]), Crowd::stages(&[Stage::new(6, 3 * SECOND)])];
        let schedule = Schedule::new(crowds(), None);
        assert_eq!((schedule.robots_at(2 * SECOND), schedule.peak()), (8, 10));
        assert_eq!(schedule.run_time(), Some(3 * SECOND));
        let endless = [crowds(), vec![Crowd::constant(1, 1.0)]].concat();
        assert_eq!(Schedule::new(endless, None).run_time(), None);
    }

    #[test]
    fn how_many_arrivals_will_be_there_follows_from_how_long_they_stay() {
        let crowd = |session| Crowd::arrivals(5.0, Spacing::Poisson, 1_000).staying(session);
        let peak = |session, run_time| Schedule::new(vec![crowd(session)], run_time).peak();
        assert_eq!(peak(Some(Stay::Exponential(60 * SECOND)), Some(600 * SECOND)), 300);
        assert_eq!(peak(Some(Stay::Exponential(60 * SECOND)), Some(6 * SECOND)), 30);
        assert_eq!(peak(None, Some(60 * SECOND)), 300);
        assert_eq!((peak(None, None), peak(None, Some(3_600 * SECOND))), (1_000, 1_000));
    }

    #[test]
    fn scenarios_have_their_parts_of_a_peak() {
        let member = |scenario, share| Member { scenario, share, session: None };
        let crowds = vec![
            Crowd::constant(10, 5.0).of(vec![member(0, 0.8), member(1, 0.2)]),
            Crowd::constant(7, 5.0).of(vec![member(2, 1.0)]),
        ];
        assert_eq!(Schedule::new(crowds, None).peaks(3), [8, 2, 7]);
    }
}
