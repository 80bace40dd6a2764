//! Retires the oldest segments of the journal, as the retention says.
//!
//! A segment goes when it is beyond what is to be kept and nothing needs it: not a snapshot that a
//! start may begin from, not ids that are only in memory, not an open payment, not a reader that is
//! within its limit. What must stay of it is copied first, then the log says where it goes, then it
//! goes.

use crate::history::History;
use crate::ids::index::IdIndex;
use crate::options::NodeOptions;
use crate::retention::{Keep, Need, RetiredLog, Retirement};
use crate::snapshots;
use courant_engine::Lsn;
use courant_journal::{RetireError, Storage};
use courant_ledger::Timestamp;
use std::collections::BTreeSet;

/// What retires segments, and what it remembers to do so at little cost.
#[derive(Debug)]
pub struct Retirer<S: Storage> {
    journal: courant_journal::Retirer<S>,
    archive: Option<S>,
    /// Snapshots that were read to their ends and found sound.
    sound: BTreeSet<String>,
}

/// What a retirement looks at.
#[derive(Debug)]
pub struct Site<'a, S: Storage> {
    /// The journal, and what is kept of what goes.
    pub history: &'a History<S>,
    /// Notes what goes.
    pub retired: &'a RetiredLog<S>,
    /// The ids that are on disk.
    pub index: &'a IdIndex<S>,
    /// The directory of snapshots.
    pub snapshots: &'a S,
    /// What is to be kept.
    pub options: &'a NodeOptions,
    /// What time it is.
    pub now: Timestamp,
}

/// Who else may need an old segment, asked when it is about to go.
pub trait Needs {
    /// The first record that a reader needs which is not too far behind.
    fn oldest_reader(&mut self) -> Option<Lsn>;

    /// What lies before `end` goes: readers that have not read it and are too far behind lose their
    /// places. Asked last of all, so that none loses its place for what then stays.
    ///
    /// # Errors
    /// [`Failed::Needed`] by a reader that has come in the meantime; none has lost its place.
    fn lose_readers(&mut self, end: Lsn) -> Result<(), Failed>;

    /// Where an open payment began that began before `end`, if there is one.
    ///
    /// # Errors
    /// [`Failed`], mostly because the node ends.
    fn open_before(&mut self, end: Lsn) -> Result<Option<Lsn>, Failed>;
}

/// Why a segment did not go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// It is to be kept, or the node ends; nothing is wrong.
    NotYet,
    /// Something needs it, from this record on.
    Needed(Need, Lsn),
    /// Something went wrong and is tried again.
    Because(String),
}

impl From<RetireError> for Failed {
    fn from(error: RetireError) -> Failed {
        match error {
            RetireError::ChainBehind { chain_end, .. } => {
                Failed::Needed(Need::Chain, Lsn(chain_end.0))
            }
            error => Failed::Because(error.to_string()),
        }
    }
}

impl<S: Storage> Retirer<S> {
    /// Retires segments of a journal into an archive, if there is one.
    pub fn new(journal: courant_journal::Retirer<S>, archive: Option<S>) -> Retirer<S> {
        Retirer { journal, archive, sound: BTreeSet::new() }
    }

    /// Retires the oldest segment; gives how many went.
    ///
    /// # Errors
    /// [`Failed`]: nothing went, and nothing is lost.
    pub fn step(
        &mut self,
        site: &Site<'_, S>,
        keep: Keep,
        needs: &mut impl Needs,
    ) -> Result<u64, Failed> {
        let reader = &site.history.reader;
        let begin = Lsn(reader.begin().0);
        let end = reader.oldest_segment_end().ok_or(Failed::NotYet)?;
        let end = Lsn(end.0);
        check_policy(site, end, keep)?;
        // Asked before the work, which would be done again at every look around.
        self.journal.check_chain(courant_journal::Lsn(end.0))?;
        self.check_needs(site, end, needs)?;
        let because = |error: &dyn std::fmt::Display| Failed::Because(error.to_string());
        site.history.kept.keep(reader, begin, end).map_err(|error| because(&error))?;
        let place = site.options.retention.place();
        let retirement = Retirement { begin: end, at: site.now, place };
        site.retired.note(retirement).map_err(|error| because(&error))?;
        if let Some(archive) = &self.archive {
            self.journal.archive_before(courant_journal::Lsn(end.0), archive)?;
        }
        // Before it goes: what can no longer be made from the journal must not be removed.
        site.index.journal_begins(end);
        if site.index.sure_through() < end {
            // A run was condemned in the meantime.
            return Err(Failed::Needed(Need::Ids, site.index.sure_through()));
        }
        needs.lose_readers(end)?;
        let retired = self.journal.retire_before(courant_journal::Lsn(end.0))?;
        Ok(retired.segments)
    }

    /// Whether nothing needs what lies before `end`.
    fn check_needs(
        &mut self,
        site: &Site<'_, S>,
        end: Lsn,
        needs: &mut impl Needs,
    ) -> Result<(), Failed> {
        let unless = |need, from: Lsn| match from < end {
            true => Err(Failed::Needed(need, from)),
            false => Ok(()),
        };
        unless(Need::Ids, site.index.sure_through())?;
        unless(Need::Reader, needs.oldest_reader().unwrap_or(end))?;
        unless(Need::Snapshot, self.oldest_snapshot(site)?.unwrap_or(Lsn::NONE))?;
        unless(Need::OpenPayment, needs.open_before(end)?.unwrap_or(end))
    }

    /// Where the oldest of the kept snapshots begins, if there are as many as are to be kept and
    /// all of them are sound on disk.
    fn oldest_snapshot(&mut self, site: &Site<'_, S>) -> Result<Option<Lsn>, Failed> {
        let because = |error: &dyn std::fmt::Display| Failed::Because(error.to_string());
        let names = snapshots::list(site.snapshots).map_err(|error| because(&error))?;
        self.sound.retain(|name| names.contains(name));
        let mut oldest = None;
        let wanted = site.options.snapshots_kept.max(1);
        if names.len() < wanted {
            return Ok(None);
        }
        for name in names {
            let extent = match self.sound.contains(&name) {
                true => snapshots::extent(site.snapshots, &name),
                false => snapshots::check(site.snapshots, &name),
            };
            let extent =
                extent.map_err(|what| Failed::Because(format!("snapshots/{name}: {what}")))?;
            self.sound.insert(name);
            oldest = Some(oldest.map_or(extent.begin, |oldest: Lsn| oldest.min(extent.begin)));
        }
        Ok(oldest)
    }
}

/// Whether the operator lets go what lies before `end`.
fn check_policy<S: Storage>(site: &Site<'_, S>, end: Lsn, keep: Keep) -> Result<(), Failed> {
    let reader = &site.history.reader;
    if reader.durable_end().0.saturating_sub(end.0) < keep.bytes {
        return Err(Failed::NotYet);
    }
    if keep.time.is_zero() {
        return Ok(());
    }
    // Time never goes back, so nothing before the next segment's first record is younger.
    let Some(first) = reader.scan(courant_journal::Lsn(end.0)).next() else {
        return Err(Failed::NotYet);
    };
    let first = first.map_err(|error| Failed::Because(error.to_string()))?;
    let age_ns = u128::from(site.now.nanos().saturating_sub(first.time_ns));
    if age_ns < keep.time.as_nanos() { Err(Failed::NotYet) } else { Ok(()) }
}
