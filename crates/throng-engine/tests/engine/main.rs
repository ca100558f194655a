//! The engine with a scripted host, a network in memory and virtual time.

mod ahead;
mod books;
mod calls;
mod closing;
mod fairness;
mod heartbeats;
mod intended;
mod life;
mod lives;
mod loads;
mod order;
mod questions;
mod rates;
mod scenarios;
mod storms;
mod unmeasured;
mod world;
