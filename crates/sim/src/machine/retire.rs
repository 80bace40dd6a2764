//! What the thread of a node does that retires segments.

use super::Machine;
use crate::disk::Disk;
use crate::marks::Mark;
use courant_engine::{Engine, Lsn};
use courant_ledger::Timestamp;
use courant_node::parts::{Needs, NotRetired, RetireSite};
use courant_node::{Need, Retention};

/// Who needs old segments.
struct Needed<'a> {
    engine: &'a Engine,
    reader: Lsn,
}

impl Needs for Needed<'_> {
    fn oldest_reader(&mut self) -> Option<Lsn> {
        Some(self.reader)
    }

    fn lose_readers(&mut self, end: Lsn) -> Result<(), NotRetired> {
        assert!(self.reader >= end, "it is not too far behind");
        Ok(())
    }

    fn open_before(&mut self, end: Lsn) -> Result<Option<Lsn>, NotRetired> {
        let mut open = self.engine.open_payments_after(None);
        Ok(open.find(|(_, open)| open.origin < end).map(|(_, open)| open.origin))
    }
}

impl Machine {
    /// Where the journal would begin if its oldest segment went, which it may.
    pub(crate) fn may_begin(&self) -> Option<Lsn> {
        self.options.retention.keep()?;
        self.reader().oldest_segment_end().map(|end| Lsn(end.0))
    }

    /// Retires the oldest segment, if nothing needs it; a follower has yet to read `reader`.
    pub(crate) fn retire(&mut self, now: Timestamp, reader: Lsn) {
        let Some(keep) = self.options.retention.keep() else { return };
        // A node's answer to which payments are open comes when all it shows is durable.
        if self.engine().last().0 >= self.reader().durable_end().0 {
            return;
        }
        let site: RetireSite<'_, Disk> = RetireSite {
            history: &self.history,
            retired: &self.retired,
            index: &self.index,
            snapshots: &self.snapshots,
            options: &self.options,
            now,
        };
        let mut needs = Needed { engine: self.store.engine(), reader };
        let mark = match self.retirer.step(&site, keep, &mut needs) {
            Ok(_) => match self.options.retention {
                Retention::Archive { .. } => Mark::SegmentArchived,
                Retention::Drop { .. } | Retention::KeepAll => Mark::SegmentDropped,
            },
            Err(NotRetired::Needed(need, _)) => match need {
                Need::Ids => Mark::HeldByIds,
                // Too rare for a mark: a follower reads often.
                Need::Reader => return,
                Need::Snapshot => Mark::HeldBySnapshot,
                Need::OpenPayment => Mark::HeldByOpenPayment,
                Need::Chain => Mark::HeldByChain,
            },
            Err(NotRetired::Because(_)) => Mark::RetireFailed,
            Err(NotRetired::NotYet) => return,
        };
        self.marks.take(mark);
    }
}
