//! A node as programs use it: over a disk in memory that can fail, and over the system's files.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

mod clock;
mod due;
mod example;
mod faults;
mod files;
mod leading;
mod retention;
mod running;
