//! A bit is flipped while the node is stopped: it must be noticed, or harm nothing.

use super::{Failure, World, audit, count};
use crate::auditor::Problem;
use crate::disk::Disk;
use crate::marks::Mark;
use courant_node::OpenReport;
use courant_node::parts::open;

impl World {
    /// Between two lives.
    pub(super) fn between(&mut self) -> Result<(), Failure> {
        if self.rng.u32(..100) < self.habits.bit_flips { self.flip() } else { Ok(()) }
    }

    /// Flips a bit in a copy of the disk and opens that. What can be made again stays damaged; all
    /// else goes on from the disk as it was.
    fn flip(&mut self) -> Result<(), Failure> {
        let seed = self.seed();
        let flipped = self.disk.after(seed);
        let Some(name) = self.flip_somewhere(&flipped) else { return Ok(()) };
        // From a journal whose beginning went, nothing of it can be made again.
        let is_whole = !self.auditor.may_have_begun_later();
        let is_copy = name.starts_with("ids/") || name.starts_with("snapshots/");
        let can_be_made_again = is_copy && is_whole;
        let when = format!("after a bit of {name} was flipped");
        let runs = count(&flipped, "ids", ".ids");
        let opened = match open(&flipped, &self.habits.options) {
            Ok(opened) => opened,
            Err(error) if can_be_made_again => {
                return Err(Failure::new(format!("{when} it does not open: {error}")));
            }
            Err(error) => {
                self.tell(|_| format!("{when} it does not open: {error}"));
                self.marks.take(Mark::BitFlipRefused);
                return Ok(());
            }
        };
        let mut auditor = self.auditor.clone();
        match audit(&mut auditor, &opened) {
            Ok(()) => {}
            Err(Problem::Unreadable(what)) if !can_be_made_again => {
                self.tell(|_| format!("{when} it is unreadable: {what}"));
                self.marks.take(Mark::BitFlipFoundByReading);
                return Ok(());
            }
            Err(problem) => return Err(Failure::of(&when, problem)),
        }
        self.mark_flip(&opened.report, count(&flipped, "ids", ".ids") < runs);
        self.tell(|_| format!("{when} it opens: {:?}", opened.report));
        drop(opened);
        if can_be_made_again {
            self.auditor = auditor;
            self.disk = flipped;
        }
        Ok(())
    }

    fn mark_flip(&mut self, report: &OpenReport, ids_rebuilt: bool) {
        let left_out = !report.warnings.is_empty();
        let older = report.snapshot.0 > 0;
        self.marks.take_if(ids_rebuilt, Mark::IdsRebuilt);
        self.marks.take_if(left_out && older, Mark::SnapshotUnsound);
        self.marks.take_if(left_out && !older, Mark::NoSnapshotSound);
        let rebuilt = ids_rebuilt || left_out;
        self.marks.take(if rebuilt { Mark::BitFlipRebuilt } else { Mark::BitFlipHarmless });
    }

    /// Flips one bit of a file; the kinds of files come equally often.
    fn flip_somewhere(&mut self, disk: &Disk) -> Option<String> {
        let kind = ["journal/", "journal/0", "ids/", "snapshots/", "secret"][self.rng.usize(..5)];
        let files = disk.files();
        let files: Vec<&(String, u64)> =
            files.iter().filter(|(name, bytes)| name.starts_with(kind) && *bytes > 0).collect();
        if files.is_empty() {
            return None;
        }
        // The oldest segment is the one that opening does not read.
        let oldest = kind == "journal/0";
        let (name, bytes) = files[if oldest { 0 } else { self.rng.usize(..files.len()) }];
        // What is written lies at the front; the rest of a segment is zeros.
        let most = if self.rng.bool() { (*bytes).min(16 << 10) } else { *bytes };
        let (offset, bit) = (self.rng.u64(..most), self.rng.u8(..8));
        self.tell(|_| format!("bit {bit} of byte {offset} of {name}"));
        disk.flip_bit(name, offset, bit).then(|| name.clone())
    }
}
