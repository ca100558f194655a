//! What goes: messages in fragments, resends, the windows, and the time-out that follows the round trips.

use super::segment::{Command, Header, distance};
use super::{FRAGMENTS, KcpSpec, KcpTooLong, MILLISECOND, Packet, stamp};
use crate::Nanos;
use std::collections::VecDeque;

/// Time-outs of resends, in milliseconds.
const FIRST_TIMEOUT: u32 = 200;
const LEAST_TIMEOUT: u32 = 100;
const LEAST_TIMEOUT_NODELAY: u32 = 30;
const LONGEST_TIMEOUT: u32 = 60_000;
/// How long a closed window is waited for before it is asked after, first and at most, in milliseconds.
const FIRST_PROBE: u32 = 7_000;
const LONGEST_PROBE: u32 = 120_000;
/// How often a segment goes out before only its time-out sends it again.
const FAST_RESENDS: u32 = 5;
const LEAST_THRESHOLD: u32 = 2;

#[derive(Debug)]
pub(super) struct Sender {
    segment: usize,
    window: u32,
    resend: u32,
    nodelay: bool,
    no_congestion: bool,
    dead_link: u32,
    interval: u32,
    /// Not sent yet.
    queue: VecDeque<Fragment>,
    /// Sent, from number `first` on.
    flight: VecDeque<Flying>,
    first: u32,
    peer_window: u32,
    congestion: Congestion,
    trip: Trip,
    probe: Option<Probe>,
    dead: bool,
}

#[derive(Debug)]
struct Fragment {
    fragment: u8,
    body: Vec<u8>,
}

#[derive(Debug)]
struct Flying {
    piece: Fragment,
    acknowledged: bool,
    /// How often it went out.
    sent: u32,
    stamp: u32,
    /// When it goes out again, and how long it waits for that, in milliseconds.
    again: Nanos,
    timeout: u32,
    /// Later segments that were acknowledged before it.
    overtaken: u32,
}

#[derive(Debug)]
struct Congestion {
    window: u32,
    threshold: u32,
    /// Bytes, so that the window can grow by less than a segment.
    bytes: usize,
}

/// Round trips, in milliseconds.
#[derive(Debug)]
struct Trip {
    smooth: Option<u32>,
    spread: u32,
    timeout: u32,
    least: u32,
}

#[derive(Debug)]
struct Probe {
    at: Nanos,
    wait: u32,
}

impl Sender {
    pub(super) fn new(spec: &KcpSpec) -> Sender {
        let least = if spec.nodelay { LEAST_TIMEOUT_NODELAY } else { LEAST_TIMEOUT };
        Sender {
            segment: spec.segment(),
            window: u32::from(spec.send_window),
            resend: spec.resend,
            nodelay: spec.nodelay,
            no_congestion: spec.no_congestion,
            dead_link: spec.dead_link,
            interval: (spec.interval_nanos() / MILLISECOND) as u32,
            queue: VecDeque::new(),
            flight: VecDeque::new(),
            first: 0,
            peer_window: 128,
            congestion: Congestion { window: 1, threshold: LEAST_THRESHOLD, bytes: spec.segment() },
            trip: Trip { smooth: None, spread: 0, timeout: FIRST_TIMEOUT, least },
            probe: None,
            dead: false,
        }
    }

    /// No more waits than the window twice, and one message.
    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < self.window as usize
    }

    pub(super) fn push_message(&mut self, message: &[u8]) -> Result<usize, KcpTooLong> {
        let count = message.len().div_ceil(self.segment).max(1);
        if count > FRAGMENTS {
            return Err(KcpTooLong { length: message.len(), max: FRAGMENTS * self.segment });
        }
        if !self.has_room() {
            return Ok(0);
        }
        for at in 0..count {
            let body = &message[at * self.segment..message.len().min((at + 1) * self.segment)];
            self.queue.push_back(Fragment { fragment: (count - at - 1) as u8, body: body.to_vec() });
        }
        Ok(message.len())
    }

    pub(super) fn push_stream(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        if let Some(last) = self.queue.back_mut() {
            let (more, behind) = rest.split_at(rest.len().min(self.segment - last.body.len()));
            last.body.extend_from_slice(more);
            rest = behind;
        }
        while !rest.is_empty() && self.has_room() {
            let (body, behind) = rest.split_at(rest.len().min(self.segment));
            self.queue.push_back(Fragment { fragment: 0, body: body.to_vec() });
            rest = behind;
        }
        bytes.len() - rest.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.len() + self.flight.len()
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead
    }

    /// All before this number is acknowledged.
    pub(super) fn acknowledged(&self) -> u32 {
        self.first
    }

    /// Any segment tells how much its sender can take, and what it expects next.
    pub(super) fn peer_says(&mut self, window: u16, expected: u32) {
        self.peer_window = u32::from(window);
        if window > 0 {
            self.probe = None;
        }
        while distance(expected, self.first) > 0 && self.flight.pop_front().is_some() {
            self.first = self.first.wrapping_add(1);
        }
        self.drop_acknowledged();
    }

    pub(super) fn acknowledge(&mut self, number: u32, sent: u32, now: Nanos) {
        if let Ok(trip) = u32::try_from(distance(stamp(now), sent)) {
            self.trip.took(trip.min(LONGEST_TIMEOUT), self.interval);
        }
        let at = usize::try_from(distance(number, self.first)).ok();
        if let Some(flying) = at.and_then(|at| self.flight.get_mut(at)) {
            flying.acknowledged = true;
            flying.piece.body = Vec::new();
        }
        self.drop_acknowledged();
    }

    fn drop_acknowledged(&mut self) {
        while self.flight.front().is_some_and(|flying| flying.acknowledged) {
            self.flight.pop_front();
            self.first = self.first.wrapping_add(1);
        }
    }

    /// What was sent before a segment that came, and has not come itself, may be lost.
    pub(super) fn overtaken(&mut self, number: u32, sent: u32) {
        let before = usize::try_from(distance(number, self.first)).unwrap_or(0);
        for flying in self.flight.iter_mut().take(before) {
            if !flying.acknowledged && distance(sent, flying.stamp) >= 0 {
                flying.overtaken = flying.overtaken.saturating_add(1);
            }
        }
    }

    /// Something was acknowledged: the congestion window grows.
    pub(super) fn widen(&mut self) {
        if self.congestion.window < self.peer_window {
            self.congestion.widen(self.segment, self.peer_window);
        }
    }

    /// The number behind which nothing may be sent, as a count of segments under way.
    fn limit(&self) -> usize {
        let window = self.window.min(self.peer_window);
        let window = if self.no_congestion { window } else { window.min(self.congestion.window) };
        window as usize
    }

    /// Whether a flush would send something that was not to wait.
    pub(super) fn can_write(&self) -> bool {
        !self.queue.is_empty() && self.flight.len() < self.limit()
            || self.flight.iter().any(|flying| self.is_overtaken(flying))
    }

    fn is_overtaken(&self, flying: &Flying) -> bool {
        let often = self.resend > 0 && flying.overtaken >= self.resend;
        !flying.acknowledged && often && flying.sent <= FAST_RESENDS
    }

    /// When something has waited long enough.
    pub(super) fn deadline(&self) -> Option<Nanos> {
        let flying =
            self.flight.iter().filter(|flying| !flying.acknowledged).map(|flying| flying.again).min();
        let closed = self.peer_window == 0 && self.waiting() > 0;
        // Without a probe the next flush begins one.
        let probe = closed.then(|| self.probe.as_ref().map_or(0, |probe| probe.at));
        flying.into_iter().chain(probe).min()
    }

    pub(super) fn write(&mut self, base: &Header, now: Nanos, packet: &mut Packet<'_>) {
        if self.asks_window(now) {
            packet.put(&Header { command: Command::AskWindow, ..*base }, &[]);
        }
        let limit = self.limit();
        while self.flight.len() < limit
            && let Some(piece) = self.queue.pop_front()
        {
            self.flight.push_back(Flying::new(piece));
        }
        let under_way = self.flight.len() as u32;
        let (mut lost, mut fast) = (false, false);
        let base = Header { command: Command::Push, stamp: stamp(now), ..*base };
        for at in 0..self.flight.len() {
            let overtaken = self.is_overtaken(&self.flight[at]);
            let flying = &mut self.flight[at];
            if flying.acknowledged {
                continue;
            }
            let timeout = self.trip.timeout;
            if flying.sent == 0 {
                flying.timeout = timeout;
                // The first wait is a little longer where there is no hurry.
                let extra = if self.nodelay { 0 } else { timeout / 8 };
                flying.again = later(now, timeout + extra);
            } else if now >= flying.again {
                let more = if self.nodelay { flying.timeout / 2 } else { flying.timeout.max(timeout) };
                flying.timeout = flying.timeout.saturating_add(more).min(LONGEST_TIMEOUT);
                flying.again = later(now, flying.timeout);
                lost = true;
            } else if overtaken {
                flying.again = later(now, flying.timeout);
                fast = true;
            } else {
                continue;
            }
            flying.overtaken = 0;
            flying.sent = flying.sent.saturating_add(1);
            flying.stamp = base.stamp;
            self.dead |= flying.sent >= self.dead_link;
            let number = self.first.wrapping_add(at as u32);
            packet.put(&Header { fragment: flying.piece.fragment, number, ..base }, &flying.piece.body);
        }
        if fast {
            self.congestion.shrink(under_way / 2, self.resend, self.segment);
        }
        if lost {
            self.congestion.collapse(limit as u32 / 2, self.segment);
        }
    }

    /// A peer that has closed its window may have said since that it is open, unheard.
    fn asks_window(&mut self, now: Nanos) -> bool {
        if self.peer_window > 0 || self.waiting() == 0 {
            self.probe = None;
            return false;
        }
        match &mut self.probe {
            None => {
                self.probe = Some(Probe { at: later(now, FIRST_PROBE), wait: FIRST_PROBE });
                false
            }
            Some(probe) if now < probe.at => false,
            Some(probe) => {
                probe.wait = (probe.wait + probe.wait / 2).min(LONGEST_PROBE);
                probe.at = later(now, probe.wait);
                true
            }
        }
    }
}

impl Flying {
    fn new(piece: Fragment) -> Flying {
        Flying { piece, acknowledged: false, sent: 0, stamp: 0, again: 0, timeout: 0, overtaken: 0 }
    }
}

impl Congestion {
    /// By a segment below the threshold, and by a part of one above.
    fn widen(&mut self, segment: usize, most: u32) {
        if self.window < self.threshold {
            self.window += 1;
            self.bytes += segment;
        } else {
            self.bytes = self.bytes.max(segment);
            self.bytes += segment * segment / self.bytes + segment / 16;
            self.window = self.window.max((self.bytes / segment) as u32);
        }
        if self.window > most {
            self.window = most;
            self.bytes = most as usize * segment;
        }
    }

    fn shrink(&mut self, threshold: u32, more: u32, segment: usize) {
        self.threshold = threshold.max(LEAST_THRESHOLD);
        self.window = self.threshold.saturating_add(more).min(u32::from(u16::MAX));
        self.bytes = self.window as usize * segment;
    }

    fn collapse(&mut self, threshold: u32, segment: usize) {
        self.threshold = threshold.max(LEAST_THRESHOLD);
        self.window = 1;
        self.bytes = segment;
    }
}

impl Trip {
    fn took(&mut self, trip: u32, interval: u32) {
        let smooth = match self.smooth {
            None => {
                self.spread = trip / 2;
                trip
            }
            Some(smooth) => {
                self.spread = (3 * self.spread + smooth.abs_diff(trip)) / 4;
                (7 * smooth + trip) / 8
            }
        };
        let smooth = smooth.max(1);
        self.smooth = Some(smooth);
        let timeout = smooth + interval.max(4 * self.spread);
        self.timeout = timeout.clamp(self.least, LONGEST_TIMEOUT);
    }
}

fn later(now: Nanos, milliseconds: u32) -> Nanos {
    now.saturating_add(Nanos::from(milliseconds) * MILLISECOND)
}
