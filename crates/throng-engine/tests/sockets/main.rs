//! The engine on real loopback sockets: what virtual time cannot show. Ports are free ones, waits are bounded.

mod ends;
mod flow;
mod play;
mod shutdown;
