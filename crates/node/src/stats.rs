//! Counters and gauges of a running node.

use crate::clock::Look;
use crate::request::Reply;
use crate::retention::Need;
use courant_engine::Lsn;
use courant_ledger::{Status, Timestamp};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many buckets the histogram of commit times has: bucket `n` counts commits of less than 2^n
/// microseconds.
pub const COMMIT_BUCKETS: usize = 24;

#[derive(Debug, Default)]
pub(crate) struct Counters {
    commands: AtomicU64,
    records: AtomicU64,
    repeats: AtomicU64,
    refused: AtomicU64,
    unavailable: AtomicU64,
    payments: [AtomicU64; Status::ALL.len()],
    due: AtomicU64,
    batches: AtomicU64,
    batch_bytes: AtomicU64,
    commit_us: [AtomicU64; COMMIT_BUCKETS],
    commit_us_total: AtomicU64,
    storage_full: AtomicBool,
    snapshots: AtomicU64,
    snapshot_lsn: AtomicU64,
    snapshot_bytes: AtomicU64,
    snapshot_ms: AtomicU64,
    snapshot_pause_us_max: AtomicU64,
    lookups: AtomicU64,
    retired_segments: AtomicU64,
    readers_lost: AtomicU64,
    held_by: Mutex<Option<(Need, Lsn)>>,
    open_payments: AtomicU64,
    /// The node's time.
    now: AtomicU64,
    clock_step_ns: AtomicI64,
}

/// What a node has done since it was opened, and how it stands.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Commands decided, with those answered without a record.
    pub commands: u64,
    /// Records made durable.
    pub records: u64,
    /// Commands that were repeats.
    pub repeats: u64,
    /// Commands refused without a record.
    pub refused: u64,
    /// Commands not decided because the disk was full or could not be read.
    pub unavailable: u64,
    /// Commands about payments by the status they led to, in the order of [`Status::ALL`].
    pub payments: [u64; Status::ALL.len()],
    /// Payments executed or expired by the clock.
    pub due: u64,
    /// Batches committed.
    pub batches: u64,
    /// Bytes of those batches on disk.
    pub batch_bytes: u64,
    /// Commits by duration: place `n` counts those of less than 2^n microseconds (the last one all
    /// others).
    pub commit_us: [u64; COMMIT_BUCKETS],
    /// Microseconds of all commits together.
    pub commit_us_total: u64,
    /// Commands under way: taken and not answered yet.
    pub inbox: usize,
    /// Bytes of those commands.
    pub inbox_bytes: usize,
    /// Payments that are not final.
    pub open_payments: u64,
    /// How many of them there may be.
    pub open_payments_max: u64,
    /// True while nothing can be recorded because the disk is full.
    pub storage_full: bool,
    /// Snapshots made.
    pub snapshots: u64,
    /// Where the last snapshot begins.
    pub snapshot_lsn: u64,
    /// Its bytes.
    pub snapshot_bytes: u64,
    /// How long it took, in milliseconds.
    pub snapshot_ms: u64,
    /// The longest that one step of any snapshot kept the engine, in microseconds.
    pub snapshot_pause_us_max: u64,
    /// Commands and reads that had to look at the disk.
    pub lookups: u64,
    /// Segments of the journal that were archived or dropped.
    pub retired_segments: u64,
    /// Readers that lost their places because they were too far behind.
    pub readers_lost: u64,
    /// What holds back a segment that could go otherwise, and the first record it needs. What is
    /// found first is named; there may be more.
    pub held_by: Option<(Need, Lsn)>,
    /// How far the machine's time of day has stepped ahead while the node ran, in nanoseconds; less
    /// than 0 if it was set back. Beyond [`CLOCK_STEP_MAX`](crate::CLOCK_STEP_MAX) ahead it is not
    /// followed.
    pub clock_step_ns: i64,
    /// Where the journal begins.
    pub journal_begin: u64,
    /// Where its durable part ends.
    pub journal_end: u64,
    /// Runs of ids on disk, their entries, and the bytes of their filters in memory.
    pub id_runs: usize,
    /// Ids in those runs.
    pub id_entries: u64,
    /// Bytes that the filters of those runs take in memory.
    pub id_filter_bytes: usize,
}

impl Counters {
    pub(crate) fn commands(&self, count: usize) {
        self.commands.fetch_add(count as u64, Relaxed);
    }

    #[inline]
    pub(crate) fn reply(&self, reply: &Reply) {
        let counter = match reply {
            Reply::Recorded { repeat: true, .. } => &self.repeats,
            Reply::Recorded { status: Some(status), .. } => &self.payments[*status as usize],
            Reply::Recorded { status: None, .. } => return,
            Reply::Refused { .. } | Reply::Retired { .. } => &self.refused,
            Reply::Unavailable(_) => &self.unavailable,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn due(&self) {
        self.due.fetch_add(1, Relaxed);
    }

    pub(crate) fn batch(&self, records: u32, bytes: u64, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - us.leading_zeros()) as usize;
        self.records.fetch_add(u64::from(records), Relaxed);
        self.batches.fetch_add(1, Relaxed);
        self.batch_bytes.fetch_add(bytes, Relaxed);
        self.commit_us[bucket.min(COMMIT_BUCKETS - 1)].fetch_add(1, Relaxed);
        self.commit_us_total.fetch_add(us, Relaxed);
    }

    pub(crate) fn storage_full(&self, full: bool) {
        self.storage_full.store(full, Relaxed);
    }

    pub(crate) fn is_storage_full(&self) -> bool {
        self.storage_full.load(Relaxed)
    }

    pub(crate) fn lookup(&self) {
        self.lookups.fetch_add(1, Relaxed);
    }

    pub(crate) fn retired(&self, segments: u64) {
        self.retired_segments.fetch_add(segments, Relaxed);
    }

    pub(crate) fn readers_lost(&self, count: u64) {
        self.readers_lost.fetch_add(count, Relaxed);
    }

    pub(crate) fn held_by(&self, need: Option<(Need, Lsn)>) {
        *self.held_by.lock().unwrap_or_else(PoisonError::into_inner) = need;
    }

    pub(crate) fn open_payments(&self, count: usize) {
        self.open_payments.store(count as u64, Relaxed);
    }

    pub(crate) fn clock(&self, look: Look) {
        self.now.store(look.now.nanos(), Relaxed);
        self.clock_step_ns.store(look.step_ns, Relaxed);
    }

    /// The node's time when the engine thread last looked, at most half a second ago if it is idle.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Relaxed))
    }

    pub(crate) fn clock_step_ns(&self) -> i64 {
        self.clock_step_ns.load(Relaxed)
    }

    pub(crate) fn snapshot_pause(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.snapshot_pause_us_max.fetch_max(us, Relaxed);
    }

    pub(crate) fn snapshot(&self, lsn: u64, bytes: u64, took: Duration) {
        self.snapshots.fetch_add(1, Relaxed);
        self.snapshot_lsn.store(lsn, Relaxed);
        self.snapshot_bytes.store(bytes, Relaxed);
        self.snapshot_ms.store(u64::try_from(took.as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    /// The counters as they are; what is not counted here stays at its default.
    pub(crate) fn read(&self) -> Stats {
        let all = |counters: &[AtomicU64], out: &mut [u64]| {
            for (counter, slot) in counters.iter().zip(out) {
                *slot = counter.load(Relaxed);
            }
        };
        let mut stats = Stats {
            commands: self.commands.load(Relaxed),
            records: self.records.load(Relaxed),
            repeats: self.repeats.load(Relaxed),
            refused: self.refused.load(Relaxed),
            unavailable: self.unavailable.load(Relaxed),
            due: self.due.load(Relaxed),
            batches: self.batches.load(Relaxed),
            batch_bytes: self.batch_bytes.load(Relaxed),
            commit_us_total: self.commit_us_total.load(Relaxed),
            storage_full: self.storage_full.load(Relaxed),
            snapshots: self.snapshots.load(Relaxed),
            snapshot_lsn: self.snapshot_lsn.load(Relaxed),
            snapshot_bytes: self.snapshot_bytes.load(Relaxed),
            snapshot_ms: self.snapshot_ms.load(Relaxed),
            snapshot_pause_us_max: self.snapshot_pause_us_max.load(Relaxed),
            lookups: self.lookups.load(Relaxed),
            retired_segments: self.retired_segments.load(Relaxed),
            readers_lost: self.readers_lost.load(Relaxed),
            held_by: *self.held_by.lock().unwrap_or_else(PoisonError::into_inner),
            open_payments: self.open_payments.load(Relaxed),
            clock_step_ns: self.clock_step_ns(),
            ..Stats::default()
        };
        all(&self.payments, &mut stats.payments);
        all(&self.commit_us, &mut stats.commit_us);
        stats
    }
}
