//! What is fuzzed: one function for each decoder of bytes from outside, and its name.
//!
//! A target takes any bytes and must return: a panic, an abort, a hang or memory beyond the
//! decoder's own limits is a finding. A target also checks what must hold of what was decoded. It
//! never reads files, clocks or random numbers, so that an input is all it takes to reproduce.
//!
//! The same functions are driven by libFuzzer (`fuzz_targets/`, coverage-guided) and by a plain
//! mutation loop (`tests/replay.rs`, part of the ordinary tests).

mod amount;

/// A target: its name, which is also that of its binary and of its seeds' directory.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name, as in `cargo xtask fuzz NAME`.
    pub name: &'static str,
    /// Takes any input; returns, or panics because of a fault in the code under test.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[AMOUNT];

/// A decimal amount with its currency: reading, and writing it back.
pub const AMOUNT: Target = Target { name: "amount", run: amount::run };
