//! throng: scripted robots on servers that keep long-lived connections. The binary's parts, and the face users build on.
//!
//! The command line ([`cli`]) and a project's settings ([`config`]) meet in the commands; [`preflight`] says in words what
//! will not fit before a run begins. Logic lives in the crates below; here it is wired, and only here anything is printed.

pub mod cli;
pub mod commands;
pub mod config;
pub mod editor;
pub mod exit;
pub mod junit;
pub mod preflight;
pub mod project;
pub mod session;
pub mod templates;
pub mod timeline;
