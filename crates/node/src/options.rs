//! How a node is set up: sizes and intervals, each with its unit and default.

use crate::clock::WallClock;
use crate::pending::Load;
use crate::retention::Retention;
use courant_journal::{DirectIo, Progress};

/// Settings of a node. The defaults suit a machine with two cores and 4 GiB of memory.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// Settings of the journal.
    pub journal: courant_journal::Options,
    /// Whether files are written past the page cache.
    pub direct_io: DirectIo,
    /// Ids that a generation in memory holds; 32 bytes each, and at most [`FROZEN_MAX`] more
    /// generations wait to be written to disk. Default 2,000,000.
    pub recent_ids: usize,
    /// Commands that may be under way, from being taken to being answered, before callers are
    /// pushed back. Default 100,000.
    pub inbox_commands_max: usize,
    /// Bytes of encoded commands that may be under way before callers are pushed back. Default
    /// [`INBOX_BYTES_MAX`].
    pub inbox_bytes_max: usize,
    /// Payments that may be open at once. One that would stay open beyond it is refused with
    /// `open_payments_full`; those that are completed at once are not. Default
    /// [`OPEN_PAYMENTS_MAX`].
    pub open_payments_max: usize,
    /// Bytes of journal after which a snapshot is made. Default 1 GiB; it bounds the time of a
    /// restart.
    pub snapshot_bytes: u64,
    /// How many snapshots are kept. Default 2. Nothing of the journal is retired before there are
    /// as many.
    pub snapshots_kept: usize,
    /// Entries of the state in one step of a snapshot: bounds how long one step keeps the engine.
    /// Default 2,000.
    pub snapshot_step_entries: usize,
    /// What becomes of the oldest segments of the journal. Default: they stay.
    pub retention: Retention,
    /// Whether a start reads the journal on a thread of its own while it replays. Default true.
    pub read_ahead: bool,
    /// How many bytes a reader, such as a stream of events, may be behind the end of the journal
    /// and still keep segments that could go otherwise. Beyond it loses its place. Default
    /// [`READER_LAG_BYTES_MAX`].
    pub reader_lag_bytes_max: u64,
    /// Where the time of day comes from. Default: the machine.
    pub clock: WallClock,
    /// Is told how far opening has come in replaying the journal, in its bytes.
    pub recovery: Progress,
}

/// How many payments may be open unless a setting says otherwise; each takes about 600 bytes of
/// memory.
pub const OPEN_PAYMENTS_MAX: usize = 1_000_000;

/// Bytes of commands that may wait unless a setting says otherwise: 64 MiB, some hundred thousand
/// plain payments, or four of the largest requests.
pub const INBOX_BYTES_MAX: usize = 64 << 20;

/// How far a reader may be behind unless a setting says otherwise: 4 GiB, some ten million
/// payments.
pub const READER_LAG_BYTES_MAX: u64 = 4 << 30;

/// The most full generations of ids that wait to be written to disk; then commands wait too.
pub const FROZEN_MAX: usize = 3;

impl Default for NodeOptions {
    fn default() -> NodeOptions {
        NodeOptions {
            journal: courant_journal::Options::default(),
            direct_io: DirectIo::Auto,
            recent_ids: 2_000_000,
            inbox_commands_max: 100_000,
            inbox_bytes_max: INBOX_BYTES_MAX,
            open_payments_max: OPEN_PAYMENTS_MAX,
            snapshot_bytes: 1 << 30,
            snapshots_kept: 2,
            snapshot_step_entries: 2_000,
            retention: Retention::KeepAll,
            read_ahead: true,
            reader_lag_bytes_max: READER_LAG_BYTES_MAX,
            clock: WallClock::default(),
            recovery: Progress::default(),
        }
    }
}

impl NodeOptions {
    /// How much may wait for the engine.
    pub(crate) fn inbox_max(&self) -> Load {
        Load { commands: self.inbox_commands_max, bytes: self.inbox_bytes_max }
    }

    /// Small sizes, for tests: everything that happens rarely happens often.
    pub fn small() -> NodeOptions {
        NodeOptions {
            journal: courant_journal::Options::small(),
            recent_ids: 60,
            inbox_commands_max: 10_000,
            snapshot_bytes: 128 << 10,
            snapshot_step_entries: 7,
            ..NodeOptions::default()
        }
    }
}
