//! The closed enums of a run: why something failed, why a connection ended, what ran, what state a robot is in.
//!
//! Each variant has a stable `snake_case` name, which is what JSON, thresholds and the screens say, and most have a
//! phrase that explains them to a person.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::tally::Kind;

/// Declares a closed enum with names and phrases, and makes it a [`Kind`].
macro_rules! closed_enum {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $text:literal, $phrase:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_meta])* $variant,)* }

        impl Kind for $name {
            type Slots = [u64; [$($name::$variant),*].len()];
            const ALL: &'static [Self] = &[$($name::$variant),*];
            fn index(self) -> usize { self as usize }
            fn name(self) -> &'static str { match self { $($name::$variant => $text,)* } }
        }

        impl $name {
            /// A phrase that says to a person what the name means.
            pub fn phrase(self) -> &'static str { match self { $($name::$variant => $phrase,)* } }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.name()) }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                let known = Self::ALL.iter().copied().find(|kind| kind.name() == name);
                known.ok_or_else(|| D::Error::custom(format_args!("'{name}' is not known here")))
            }
        }
    };
}

closed_enum! {
    /// Why a request, a connect, a task or anything else of a robot failed.
    pub enum FailureKind {
        /// No reply within the request's time-out.
        Timeout = "timeout", "no reply in time";
        /// The connection ended, before it was used or while something waited on it.
        Closed = "closed", "the connection has ended";
        /// The robot has no open connection of that name.
        NotConnected = "not_connected", "there was no open connection of that name";
        /// The target refused the connection.
        Refused = "refused", "the connection was refused";
        /// The connection was reset.
        Reset = "reset", "the connection was reset";
        /// The connection was not up within its time-out.
        ConnectTimeout = "connect_timeout", "the connection was not up in time";
        /// The host's name has no address.
        Resolve = "resolve", "the host name could not be resolved";
        /// No route to the target.
        Unreachable = "unreachable", "the target could not be reached";
        /// The target is not on the list of allowed ones.
        Forbidden = "forbidden", "the target is not on the allow list";
        /// The WebSocket upgrade failed.
        Handshake = "handshake", "the handshake failed";
        /// TLS could not be set up, or the peer broke it.
        Tls = "tls", "TLS could not be set up or was broken";
        /// The peer broke the protocol.
        Protocol = "protocol", "the peer broke the protocol";
        /// The stream cannot be cut into messages, or a message is over the maximum.
        Framing = "framing", "the stream could not be cut into messages";
        /// A body does not fit its schema when sent.
        Encode = "encode", "the message did not fit its schema";
        /// A body does not fit its schema when received.
        Decode = "decode", "what came did not fit the schema";
        /// The connection's outbox was full.
        Backpressure = "backpressure", "the connection's outbox was full";
        /// An uncaught error in Lua.
        Script = "script", "an error in the script";
        /// A script ran past its deadline and was cut off.
        ScriptDeadline = "script_deadline", "the script ran too long without yielding and was cut off";
        /// A script wanted more memory than it may have.
        ScriptMemory = "script_memory", "the script wanted more memory than it may have";
        /// A check did not hold.
        Check = "check", "a check did not hold";
        /// The script said so.
        Fail = "fail", "the script called it a failure";
        /// It cannot be told whether this request was answered.
        Ambiguous = "ambiguous", "it cannot be told which request the reply was for";
        /// The reply says no.
        Rejected = "rejected", "the server said no";
        /// This machine is out of descriptors or ports.
        LocalResources = "local_resources", "this machine is out of descriptors or ports";
        /// A task ran past its time-out.
        TaskTimeout = "task_timeout", "the task was not done in time";
        /// A robot was not ready within its time-out.
        ReadyTimeout = "ready_timeout", "the robot was not ready in time";
        /// A bounded queue was full and something was dropped.
        Overflow = "overflow", "a queue was full and something was dropped";
    }
}

closed_enum! {
    /// Why an open connection ended.
    pub enum EndCause {
        /// The server closed it in good order.
        Server = "server", "closed by the server";
        /// The server ended its side while replies were owed. A server that has gone and one that would still listen look the
        /// same: both send the end of their stream and nothing else.
        HalfClosed = "half_closed", "ended on the server's side while replies were owed";
        /// The server ended its stream in the middle of a message.
        Truncated = "truncated", "closed by the server in the middle of a message";
        /// The connection was reset.
        Reset = "reset", "reset";
        /// The connection stopped answering.
        Timeout = "timeout", "stopped answering";
        /// The peer broke the protocol or the framing.
        Protocol = "protocol", "ended because the peer broke the protocol";
        /// The robot opened another connection under the same name.
        Replaced = "replaced", "replaced by another of the same name";
        /// The robot closed it.
        Own = "self", "closed by the robot";
        /// The robot dropped it without a goodbye.
        Dropped = "dropped", "dropped by the robot like a pulled cable";
        /// A storm of the load plan took it.
        Storm = "storm", "lost in a storm of the load plan";
        /// The robot stopped, or the run was over.
        RunEnd = "run_end", "open until the robot's or the run's end";
    }
}

closed_enum! {
    /// What ran when a duration is booked as work.
    pub enum WorkKind {
        /// One run of a task.
        Task = "task", "task";
        /// One run of a whole sequence.
        Sequence = "sequence", "sequence";
        /// One step of a sequence.
        Step = "step", "step";
        /// One mod's `start`.
        Start = "start", "start";
        /// One run of a group.
        Group = "group", "group";
    }
}

closed_enum! {
    /// Where the generator was late.
    pub enum LagSource {
        /// A ready socket waited for the loop: kernel stamp to read.
        Ready = "ready", "ready sockets waited";
        /// A timer or a paced send came late.
        Timer = "timer", "timers came late";
        /// The script's collector stopped the shard.
        Collector = "collector", "the collector stopped the shard";
        /// A robot began later than its arrival was due.
        Spawn = "spawn", "arriving robots began late";
    }
}

closed_enum! {
    /// Where a robot is in its life. `Failed` and `Stopped` are final: the end of the run does not move a failed robot.
    pub enum RobotState {
        /// Started, with no connection open yet.
        Connecting = "connecting", "connecting";
        /// Connected, its starts not all returned.
        LoggingIn = "logging_in", "logging in";
        /// Doing tasks.
        Ready = "ready", "ready";
        /// Ended by a failure.
        Failed = "failed", "failed";
        /// Ended in good order.
        Stopped = "stopped", "stopped";
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[track_caller]
    fn check<K: Kind>() {
        let names: HashSet<_> = K::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), K::ALL.len(), "every name is used once");
        for (index, kind) in K::ALL.iter().enumerate() {
            assert_eq!(kind.index(), index);
            assert!(kind.name().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", kind.name());
        }
    }

    #[test]
    fn names_are_snake_case_and_unique() {
        check::<FailureKind>();
        check::<EndCause>();
        check::<WorkKind>();
        check::<LagSource>();
        check::<RobotState>();
    }
}
