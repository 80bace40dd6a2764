//! What the background thread and the preparer thread of a node do.

use super::{Held, Machine};
use crate::disk::Disk;
use crate::marks::Mark;
use crate::variant::Variant;
use courant_engine::{Cursor, Lsn, Section};
use courant_journal::Preparation;
use courant_node::parts::{SnapshotWriter, prune_snapshots};
use std::io;

/// The first byte of a section of open payments.
const OPEN_SECTION: u8 = 3;

/// Bytes that one step of the chain hashes.
const CHAIN_STEP_BYTES: u64 = 8 << 10;

/// A section that the engine made.
#[derive(Debug)]
pub(super) struct SectionMade {
    bytes: Vec<u8>,
    next: Section,
    /// The last record it may show.
    last: Lsn,
}

/// How far a snapshot is. It begins after the last record of its first section.
#[derive(Debug, Default)]
pub(super) enum Snapshot {
    /// There is none.
    #[default]
    Idle,
    /// It waits until all is durable that its next section shows.
    Waits(Option<SnapshotWriter<Disk>>, Lsn),
    /// It may write this section.
    Writes(Option<SnapshotWriter<Disk>>, Lsn, SectionMade),
}

impl Snapshot {
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self, Snapshot::Waits(Some(_), _) | Snapshot::Writes(Some(_), ..))
    }

    pub(super) fn may_write(&mut self, made: SectionMade) {
        if let Snapshot::Waits(writer, begin) = std::mem::take(self) {
            *self = Snapshot::Writes(writer, begin, made);
        }
    }
}

impl Machine {
    /// Prepares space ahead, one step.
    pub(crate) fn prepare(&mut self) {
        match self.preparer.step() {
            Ok(Preparation::Ready | Preparation::Working | Preparation::Full(_)) => {}
            Err(_) => self.marks.take(Mark::PrepareFailed),
        }
    }

    /// Writes a generation of ids to disk, or forgets in memory one that was written.
    pub(crate) fn seal_ids(&mut self) {
        if let Some(generation) = self.written.take() {
            drop(self.store.engine_mut().drop_ids_through(generation));
            self.freeze_if_full();
            return;
        }
        let end = self.history.reader.durable_end().0;
        let Some(frozen) = self.frozen.front().filter(|frozen| frozen.through.0 < end) else {
            return;
        };
        match self.index.add(frozen) {
            Ok(()) => {
                self.marks.take(Mark::IdsSealed);
                self.written = self.frozen.pop_front().map(|frozen| frozen.generation);
            }
            Err(_) => self.marks.take(Mark::SealFailed),
        }
    }

    /// Merges two runs of ids if two are alike.
    pub(crate) fn merge_ids(&mut self) {
        match self.index.merge_step() {
            Ok(merged) => self.marks.take_if(merged, Mark::IdsMerged),
            Err(_) => self.marks.take(Mark::MergeFailed),
        }
    }

    /// Hashes on what became durable; a chain that failed rests until the next start.
    pub(crate) fn step_chain(&mut self) {
        let Some(chain) = &mut self.chain else { return };
        match chain.step(CHAIN_STEP_BYTES) {
            Ok(more) => self.marks.take_if(more, Mark::ChainBehind),
            Err(_) => {
                self.marks.take(Mark::ChainFailed);
                self.chain = None;
            }
        }
    }

    /// Takes a snapshot one step further, or begins one.
    pub(crate) fn step_snapshot(&mut self) {
        match std::mem::take(&mut self.snapshot) {
            Snapshot::Idle => {
                let begin = self.engine().last();
                if begin > Lsn::NONE {
                    self.make_section(None, begin, Cursor::BEGIN);
                }
            }
            Snapshot::Writes(writer, begin, made) => {
                let written = self.write_section(writer, begin, made);
                self.marks.take_if(written.is_err(), Mark::SnapshotFailed);
            }
            waits @ Snapshot::Waits(..) => self.snapshot = waits,
        }
    }

    fn make_section(&mut self, writer: Option<SnapshotWriter<Disk>>, begin: Lsn, cursor: Cursor) {
        let mut bytes = Vec::new();
        let entries = self.options.snapshot_step_entries;
        let next = self.engine().snapshot_section(cursor, entries, &mut bytes);
        let made = SectionMade { bytes, next, last: self.engine().last() };
        match self.variant {
            Variant::SnapshotAhead => self.snapshot = Snapshot::Writes(writer, begin, made),
            _ => {
                self.snapshot = Snapshot::Waits(writer, begin);
                self.held.push(Held::SnapshotSection(made));
            }
        }
    }

    fn write_section(
        &mut self,
        writer: Option<SnapshotWriter<Disk>>,
        begin: Lsn,
        made: SectionMade,
    ) -> io::Result<()> {
        let mut writer = match writer {
            Some(writer) => writer,
            None => SnapshotWriter::create(&self.snapshots, begin)?,
        };
        let left_out =
            self.variant == Variant::OpenPaymentsForgotten && made.bytes[0] == OPEN_SECTION;
        if !left_out {
            writer.section(&made.bytes)?;
        }
        match made.next {
            Section::More(cursor) => self.make_section(Some(writer), begin, cursor),
            Section::Last => {
                writer.finish(&self.snapshots, made.last)?;
                self.marks.take(Mark::SnapshotMade);
                self.marks.take_if(made.last > begin, Mark::RecordsDuringSnapshot);
                let before = self.snapshots_count();
                prune_snapshots(&self.snapshots, self.options.snapshots_kept)?;
                self.marks.take_if(before > self.snapshots_count(), Mark::SnapshotPruned);
            }
        }
        Ok(())
    }

    fn snapshots_count(&self) -> usize {
        let names = self.snapshots.on_disk();
        names.iter().filter(|name| name.ends_with(".snap")).count()
    }
}
