//! The built binary from outside: robots written in Lua play against the demo server, with every fault it has, and what the
//! JSON report counts is compared with what the server counted.
//!
//! Start reading at [`play`], which makes projects and plays them. `envelope`, `rpc` and `frames` have a test for each
//! fault on each kind of protocol.

mod commands;
mod compare;
mod connections;
mod connects;
mod datagrams;
mod ends;
mod envelope;
mod export;
mod files;
mod frames;
mod hostile;
mod http;
mod kept;
mod lag;
mod loads;
mod measures;
mod network;
mod plan;
mod play;
mod protobuf;
mod report;
mod rpc;
mod run_functions;
mod screen;
mod search;
mod servers;
mod skynet;
mod tls;
mod wrong_servers;
