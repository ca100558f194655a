//! The engine with a scripted host, a network in memory and virtual time.

mod calls;
mod life;
mod world;
