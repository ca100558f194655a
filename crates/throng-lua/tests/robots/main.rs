//! Robots in Lua on the engine's network in memory, in virtual time: what is promised to their authors, one test each.

mod ciphers;
mod connections;
mod crypto;
mod greed;
mod intended;
mod life;
mod measures;
mod mistakes;
mod own;
mod protobuf;
mod pushes;
mod requests;
mod sproto;
mod streams;
mod world;
