//! The deterministic simulator: one seed drives clients, a node, a failing disk and a jumping
//! clock, in one thread.
//!
//! It runs the product's own single-threaded parts on a disk in memory, crashes them at any call,
//! and lets an independent auditor check after each restart that what was acknowledged is there,
//! once, in order. It reads no clock and no entropy and touches no real file: a seed reproduces its
//! run. How it is built and what it found is in docs/internals/simulation.md.
#![forbid(unsafe_code)]

mod auditor;
mod disk;
mod habits;
mod machine;
mod marks;
mod variant;
mod workload;
mod world;

pub use marks::{Mark, Marks};
pub use variant::Variant;
pub use world::{Done, Failure};

/// Simulates one seed; with `trace`, tells on standard error what happens.
///
/// # Errors
/// [`Failure`]: something that must never happen did.
pub fn simulate(seed: u64, variant: Variant, trace: bool) -> Result<Done, Failure> {
    world::World::new(seed, variant, trace).run()
}

#[expect(clippy::print_stderr, reason = "a trace is for the person who asked for it")]
fn trace(line: &str) {
    eprintln!("{line}");
}
