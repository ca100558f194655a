//! The engine with a scripted host, a network in memory and virtual time.

mod books;
mod calls;
mod fairness;
mod life;
mod order;
mod world;
