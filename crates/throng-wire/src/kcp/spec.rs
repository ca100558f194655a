//! How a conversation behaves, in the words of KCP's own settings.

use super::segment::HEADER;
use super::{FRAGMENTS, MILLISECOND};
use crate::Nanos;
use std::time::Duration;

/// What KCP is told; by default what its reference does when nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KcpSpec {
    /// Resends begin after 30 ms at least, not 100, and their time-out grows by half instead of doubling.
    pub nodelay: bool,
    /// The beat of acknowledgements and resends.
    pub interval: Duration,
    /// A segment is sent again at once when so many later ones were acknowledged; 0 is never.
    pub resend: u32,
    /// No congestion window: only the two ends' windows limit what is under way.
    pub no_congestion: bool,
    /// Segments that may be under way.
    pub send_window: u16,
    /// Segments that are kept for a message; at least 128, as with the reference.
    pub receive_window: u16,
    /// The longest datagram, in bytes.
    pub mtu: usize,
    /// Bytes have no message bounds.
    pub stream: bool,
    /// How often a segment is sent before the peer is given up.
    pub dead_link: u32,
    /// Which number a conversation has.
    pub conv: Conv,
}

/// Where a conversation's number comes from, unless the script says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conv {
    /// From the robot's random stream; never 0.
    #[default]
    Random,
    /// The robot's id.
    Robot,
    /// Always the same.
    Number(u32),
}

/// A description that makes no conversation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KcpSpecError {
    /// The interval is none that works.
    #[error("an interval of {0:?} is not between 1ms and 5s")]
    Interval(Duration),
    /// The datagrams hold nothing, or are none.
    #[error("an mtu of {0} is not between 50 and 65507")]
    Mtu(usize),
    /// A window of nothing.
    #[error("a window of 0")]
    Window,
    /// Nothing is ever sent.
    #[error("a dead_link of 0")]
    DeadLink,
}

impl Default for KcpSpec {
    fn default() -> KcpSpec {
        KcpSpec {
            nodelay: false,
            interval: Duration::from_millis(100),
            resend: 0,
            no_congestion: false,
            send_window: 32,
            receive_window: 128,
            mtu: 1400,
            stream: false,
            dead_link: 20,
            conv: Conv::Random,
        }
    }
}

impl KcpSpec {
    /// Whether it can work.
    ///
    /// # Errors
    /// See [`KcpSpecError`].
    pub fn validate(&self) -> Result<(), KcpSpecError> {
        if self.interval < Duration::from_millis(1) || self.interval > Duration::from_secs(5) {
            return Err(KcpSpecError::Interval(self.interval));
        }
        if !(50..=65_507).contains(&self.mtu) {
            return Err(KcpSpecError::Mtu(self.mtu));
        }
        match (self.send_window, self.receive_window, self.dead_link) {
            (0, ..) | (_, 0, _) => Err(KcpSpecError::Window),
            (.., 0) => Err(KcpSpecError::DeadLink),
            _ => Ok(()),
        }
    }

    /// The longest message, in bytes.
    pub fn longest_message(&self) -> usize {
        FRAGMENTS * self.segment()
    }

    /// The most a segment carries, in bytes.
    pub(super) fn segment(&self) -> usize {
        self.mtu.saturating_sub(HEADER).max(1)
    }

    pub(super) fn interval_nanos(&self) -> Nanos {
        u64::try_from(self.interval.as_nanos()).unwrap_or(Nanos::MAX).max(MILLISECOND)
    }
}
