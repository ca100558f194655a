//! The engine on real loopback sockets: what virtual time cannot show. Ports are free ones, waits are bounded.

mod datagrams;
mod ends;
mod flow;
mod http;
mod network;
mod play;
mod shutdown;
mod tls;
