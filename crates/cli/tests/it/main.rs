//! The binary as its users run it: every command's way through, its usual errors, its exit codes
//! and its JSON.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail, and say more")]

#[path = "../common/mod.rs"]
mod common;

mod accounts;
mod directories;
mod errors;
mod events;
mod example;
mod import;
mod json;
mod keys;
mod payments;
mod serve;
mod steps;
