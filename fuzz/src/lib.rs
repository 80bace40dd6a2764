//! What is fuzzed: one function for each decoder of bytes from outside, its name and its seeds.
//!
//! A target takes any bytes and must return: a panic, an abort, a hang or memory beyond the
//! decoder's own limits is a finding. A target also checks what must hold of what was decoded. It
//! never reads files, clocks or random numbers, so that an input is all it takes to reproduce.
//!
//! The same functions are driven by libFuzzer (`fuzz_targets/`, coverage-guided) and by a plain
//! mutation loop (`tests/replay.rs`, part of the ordinary tests). Seeds are made by the code that
//! writes the format, so they follow it when it changes.

mod amount;
mod amqp;
mod batch;
mod csv;
mod framing;
mod json;
mod order;
mod protobuf;
mod record;
mod segment;
mod snapshot;
mod story;

/// A target: its name, which is also that of its binary and of its corpus.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name, as in `cargo xtask fuzz NAME`.
    pub name: &'static str,
    /// Inputs to start from: valid ones, and ones that were findings once.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Takes any input; returns, or panics because of a fault in the code under test.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] =
    &[AMOUNT, AMQP, BATCH, CSV, FRAMING, JSON, PROTOBUF, RECORD, SEGMENT, SNAPSHOT];

/// A decimal amount with its currency: reading, and writing it back.
pub const AMOUNT: Target = Target { name: "amount", seeds: amount::seeds, run: amount::run };

/// AMQP: frames, methods, content headers, field tables, and whole sessions.
pub const AMQP: Target = Target { name: "amqp", seeds: amqp::seeds, run: amqp::run };

/// What stands in a segment of the journal: recovery, reading, verifying, repairing.
pub const BATCH: Target = Target { name: "batch", seeds: batch::seeds, run: batch::run };

/// A CSV file to import: its lines, where each ends, and the payments in them.
pub const CSV: Target = Target { name: "csv", seeds: csv::seeds, run: csv::run };

/// The headers of the journal's segments, batches and records.
pub const FRAMING: Target = Target { name: "framing", seeds: framing::seeds, run: framing::run };

/// A payment order as the JSON body of a request.
pub const JSON: Target = Target { name: "json", seeds: json::seeds, run: json::run };

/// A batch of payment orders in Protobuf.
pub const PROTOBUF: Target =
    Target { name: "protobuf", seeds: protobuf::seeds, run: protobuf::run };

/// A journal record as the engine reads it: command and outcome.
pub const RECORD: Target = Target { name: "record", seeds: record::seeds, run: record::run };

/// A journal directory with altered segments: recovery and reading.
pub const SEGMENT: Target = Target { name: "segment", seeds: segment::seeds, run: segment::run };

/// The sections of a snapshot.
pub const SNAPSHOT: Target =
    Target { name: "snapshot", seeds: snapshot::seeds, run: snapshot::run };
