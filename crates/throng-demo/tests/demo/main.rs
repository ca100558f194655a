//! The demo spoken to by clients that share nothing with it but the Sproto crate, and each fault asserted by counts.

mod battle;
mod client;
mod datagrams;
mod dead_ends;
mod echo;
mod example;
mod faults;
mod game;
mod program;
mod skynet;
mod timing;
