//! Connections whose frames a protocol's own functions cut, which the host runs: what becomes of what it finds.

use super::Core;
use super::connection::Phase;
use super::ending::End;
use crate::host::{OwnHead, ScriptError};
use crate::id::{ConnectionKey, RobotKey};
use std::ops::Range;
use throng_metrics::EndCause;
use throng_wire::{ChannelError, FramingError, Head};

/// What cuts the bytes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cutter {
    /// Its channel.
    Channel,
    /// The protocol's own function.
    Host,
    /// Its channel, which calls the host for what decrypts.
    Lent,
    /// The robot's script, for there are no messages.
    Script,
}

impl Core {
    /// What cuts the bytes of a connection.
    #[inline]
    pub(crate) fn cutter(&self, key: ConnectionKey) -> Cutter {
        match self.connections.get(key).map(|connection| connection.channel.as_ref()) {
            Some(None) => Cutter::Script,
            Some(Some(channel)) if channel.is_cut_by_host() => Cutter::Host,
            Some(Some(channel)) if channel.receives_by_host() => Cutter::Lent,
            Some(Some(_)) | None => Cutter::Channel,
        }
    }

    /// Whether the frames of a connection lie in a stream, and not each in messages of a layer.
    pub(crate) fn has_bare_frames(&self, key: ConnectionKey) -> bool {
        let channel = self.connections.get(key).and_then(|connection| connection.channel.as_ref());
        channel.is_some_and(throng_wire::Channel::is_stream)
    }

    /// A frame of `input` was cut: whether its connection is still there to get it.
    pub(crate) fn frame_cut(&mut self, key: ConnectionKey, input: &[u8], frame: Range<usize>) -> bool {
        let channel = self.connections.get_mut(key).and_then(|connection| connection.channel.as_mut());
        let Some(channel) = channel else { return false };
        match channel.frame_cut(frame.len()) {
            Ok(()) => true,
            Err(error) => {
                self.broken(key, &error, &input[frame]);
                false
            }
        }
    }

    /// What is left of the input is no whole frame, and is kept until one can be whole.
    pub(crate) fn frame_begun(&mut self, key: ConnectionKey, rest: &[u8], at_least: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(channel) = &mut connection.channel else { return };
        match channel.frame_begun(rest.len(), at_least) {
            Ok(wanted) if channel.is_stream() => connection.keep_tail(rest, wanted, &mut self.pools),
            Ok(_) => {}
            Err(error) => self.broken(key, &error, rest),
        }
    }

    /// What came is no frame: counted, and the connection ends.
    pub(crate) fn not_a_frame(&mut self, key: ConnectionKey, reason: Box<str>, rest: &[u8]) {
        self.broken(key, &ChannelError::Framing(FramingError::Own(reason)), rest);
    }

    /// A function of the protocol's is wrong or was cut off: counted as an error of a script, and the connection ends, for it
    /// would only fail again.
    pub(crate) fn own_function_failed(&mut self, key: ConnectionKey, robot: RobotKey, error: &ScriptError) {
        let Some(connection) = self.connections.get(key) else { return };
        if connection.phase == Phase::Open {
            self.script_error(robot, error);
        }
        self.end_connection(key, End::new(EndCause::Protocol, error.message.as_str()));
    }
}

impl OwnHead {
    /// The head of its payload.
    pub(crate) fn of(self, payload: &[u8]) -> Head<'_> {
        Head {
            kind: self.kind,
            message: self.message,
            unknown_name: None,
            body: payload.get(self.body..).unwrap_or_default(),
            refused: self.refused,
        }
    }
}
