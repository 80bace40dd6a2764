//! Tests of the journal through its public interface, on memory and on the operating system's
//! files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod append;
mod backup;
mod backup_source;
mod bits;
mod chain;
mod crash;
mod full;
mod fuzz;
mod golden;
mod open;
mod repair;
mod retire;
mod support;
mod threads;
mod verify;
