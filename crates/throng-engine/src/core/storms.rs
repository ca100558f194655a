//! Storms: robots lose their connections, and are watched until they are back.
//!
//! To a robot a storm is a connection lost like any other: `closed` runs, `on_close` applies, scripts connect again.

use super::Core;
use super::ending::End;
use crate::id::{ConnectionKey, RobotKey};
use crate::random::Random;
use crate::schedule::{Loss, Storm};
use throng_metrics::{EndCause, StormId};
use throng_wire::Nanos;

/// The random stream of storms, beside those of robots.
const STREAM: u64 = 0x5702_5702;

/// What a storm did to a robot that is not back yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    storm: StormId,
    at: Nanos,
    /// How many connections it is to have again.
    connections: usize,
}

impl Core {
    /// Takes the connections of the storm's share of this shard's robots.
    pub(crate) fn storm(&mut self, storm: &Storm) {
        let books = self.recorder.storm(&storm.id.to_string());
        let (there, hit) = self.choose_for(storm);
        let now = self.now();
        let mut lost = Vec::new();
        for robot in &hit {
            let Some(slot) = self.robots.get_mut(*robot) else { continue };
            let connections = slot.connections.len();
            lost.extend(slot.connections.iter().copied());
            let before = slot.hit.replace(Box::new(Hit { storm: books, at: now, connections }));
            if let Some(before) = before {
                // Who is hit again before he is back is not back from the first storm any more.
                self.recorder.storm_gone(before.storm);
            }
        }
        self.recorder.storm_hit(books, there, hit.len() as u64, lost.len() as u64);
        lost.into_iter().for_each(|connection| self.lose(connection, storm.loss));
    }

    /// How many robots have a connection to lose, and those who do: who that is depends on the seed and their ids alone.
    fn choose_for(&self, storm: &Storm) -> (u64, Vec<RobotKey>) {
        let seed = self.settings.seed ^ STREAM ^ (u64::from(storm.id) << 32);
        let connected = self.robots.iter().filter(|(_, slot)| !slot.leaving && !slot.connections.is_empty());
        let mut drawn: Vec<(u64, RobotKey)> =
            connected.map(|(robot, slot)| (Random::new(seed, slot.id.0).next(), robot)).collect();
        drawn.sort_unstable_by_key(|(draw, _)| *draw);
        let there = drawn.len();
        // Shards round at different places, so that their parts add up to the whole share.
        let place = (self.share.index as f64 + 0.5) / self.share.count as f64;
        drawn.truncate((storm.drop * there as f64 + place).floor() as usize);
        (there as u64, drawn.into_iter().map(|(_, robot)| robot).collect())
    }

    fn lose(&mut self, key: ConnectionKey, loss: Loss) {
        if !self.connections.contains_key(key) {
            return;
        }
        match loss {
            Loss::Cable => self.pull_cable(key),
            Loss::Close => self.flush_connection(key),
        }
        self.end_connection(key, End::new(EndCause::Storm, ""));
    }

    /// A robot that a storm had hit begins anew: it is back when it is ready again.
    pub(crate) fn storm_restarts(&mut self, robot: RobotKey) {
        if let Some(hit) = self.robots.get_mut(robot).and_then(|slot| slot.hit.as_deref_mut()) {
            hit.connections = 0;
        }
    }

    /// A robot may be back from a storm: it became ready, or opened a connection.
    pub(crate) fn storm_passes(&mut self, robot: RobotKey) {
        let now = self.now();
        let Some(slot) = self.robots.get_mut(robot).filter(|slot| slot.hit.is_some()) else { return };
        let (ready, open) = (slot.is_ready(), slot.connections.len());
        if let Some(hit) = slot.hit.take_if(|hit| ready && open >= hit.connections) {
            self.recorder.storm_back(hit.storm, (now - hit.at) / 1000);
        }
    }

    /// The run ends: who is not back by now never was, and has not ended by himself.
    pub(crate) fn close_storms(&mut self) {
        self.robots.values_mut().for_each(|slot| slot.hit = None);
    }

    /// A robot has ended: it will not be back from a storm.
    pub(crate) fn storm_gone(&mut self, hit: Option<&Hit>) {
        if let Some(hit) = hit {
            self.recorder.storm_gone(hit.storm);
        }
    }
}
