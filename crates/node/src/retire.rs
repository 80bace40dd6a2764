//! Retires the oldest segments of the journal, as the retention says, and the thread that does it.
//!
//! A segment goes when it is beyond what is to be kept and nothing needs it: not a snapshot that a
//! start may begin from, not ids that are only in memory, not an open payment, not a reader that is
//! within its limit. What must stay of it is copied first, then the log says where it goes, then it
//! goes.

use crate::core::Core;
use crate::history::History;
use crate::housekeeping::{LOOK_AROUND, Pause};
use crate::ids::index::IdIndex;
use crate::options::NodeOptions;
use crate::retention::{Keep, Need, RetiredLog, Retirement};
use crate::snapshots;
use courant_engine::{Engine, Lsn};
use courant_journal::{RetireError, Storage};
use courant_ledger::{IdBuf, Timestamp};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Open payments looked at between two commands.
const OPEN_PAYMENTS_STEP: usize = 2_000;

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

    /// Works until the node ends.
    pub(crate) fn run(mut self, core: &Core<S>) {
        let Some(keep) = core.options.retention.keep() else { return };
        let mut pause = Pause::default();
        let mut needs = Running { core, held_by: None, warned: false };
        while !core.is_ending() {
            if pause.is_over() {
                let site = Site {
                    history: &core.history,
                    retired: &core.retired,
                    index: &core.index,
                    snapshots: &core.snapshots,
                    options: &core.options,
                    now: core.counters().now(),
                };
                let tried = self.step(&site, keep, &mut needs);
                core.counters().held_by(match &tried {
                    Err(Failed::Needed(need, from)) => Some((*need, *from)),
                    _ => None,
                });
                needs.warn_of_reader(&tried);
                match tried {
                    Ok(segments) => {
                        core.counters().retired(segments);
                        let _ = pause.after(Ok::<(), String>(()));
                        continue;
                    }
                    Err(Failed::NotYet | Failed::Needed(..)) => {}
                    Err(Failed::Because(why)) => {
                        if let Some(why) = pause.after(Err::<(), String>(why)) {
                            core.warn(format!(
                                "retiring journal segments failed, will try again: {why}"
                            ));
                        }
                    }
                }
            }
            std::thread::park_timeout(LOOK_AROUND);
        }
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

/// What needs the journal of a running node.
struct Running<'a, S: Storage> {
    core: &'a Core<S>,
    /// An open payment whose first record holds the journal back.
    held_by: Option<(IdBuf, Lsn)>,
    /// It was told that a reader may soon lose its place.
    warned: bool,
}

impl<S: Storage> Running<'_, S> {
    /// A reader before this is too far behind.
    fn reach(&self) -> Lsn {
        let end = self.core.history.reader.durable_end().0;
        Lsn(end.saturating_sub(self.core.options.reader_lag_bytes_max))
    }

    /// Says once that a reader has used up half of what it may be behind.
    fn warn_of_reader<T>(&mut self, tried: &Result<T, Failed>) {
        let Err(Failed::Needed(Need::Reader, from)) = tried else {
            self.warned = false;
            return;
        };
        let most = self.core.options.reader_lag_bytes_max;
        let behind = self.core.history.reader.durable_end().0.saturating_sub(from.0);
        if behind > most / 2 && !std::mem::replace(&mut self.warned, true) {
            self.core.warn(format!(
                "a reader of the journal is {behind} bytes behind and keeps old segments; beyond \
                 {most} bytes it loses its place"
            ));
        }
    }
}

impl<S: Storage> Needs for Running<'_, S> {
    fn oldest_reader(&mut self) -> Option<Lsn> {
        self.core.cursors.oldest_from(self.reach())
    }

    fn lose_readers(&mut self, end: Lsn) -> Result<(), Failed> {
        let lost = self.core.cursors.lose_before(end, self.reach());
        let lost = lost.map_err(|needed| Failed::Needed(Need::Reader, needed))?;
        if lost > 0 {
            self.core.counters().readers_lost(lost as u64);
            self.core.warn(format!(
                "{lost} readers of the journal were more than {} bytes behind and have lost their \
                 places: what they have not read goes as the retention says",
                self.core.options.reader_lag_bytes_max
            ));
        }
        Ok(())
    }

    fn open_before(&mut self, end: Lsn) -> Result<Option<Lsn>, Failed> {
        if let Some((id, origin)) = self.held_by
            && origin < end
        {
            let visit = move |engine: &mut Engine| engine.open_payment(id.as_id()).is_some();
            if self.core.visit(visit).wait().map_err(|_| Failed::NotYet)? {
                return Ok(Some(origin));
            }
        }
        self.held_by = None;
        let mut after = None;
        loop {
            let step = self.core.visit(move |engine: &mut Engine| look(engine, after, end));
            match step.wait().map_err(|_| Failed::NotYet)? {
                ControlFlow::Break(held_by) => {
                    self.held_by = held_by;
                    return Ok(held_by.map(|(_, origin)| origin));
                }
                ControlFlow::Continue(last) => after = Some(last),
            }
        }
    }
}

/// Looks at some open payments: one that began before `end`, none, or where to go on.
fn look(
    engine: &Engine,
    after: Option<IdBuf>,
    end: Lsn,
) -> ControlFlow<Option<(IdBuf, Lsn)>, IdBuf> {
    let mut last = None;
    for (id, open) in engine.open_payments_after(after).take(OPEN_PAYMENTS_STEP) {
        if open.origin < end {
            return ControlFlow::Break(Some((*id, open.origin)));
        }
        last = Some(*id);
    }
    last.map_or(ControlFlow::Break(None), ControlFlow::Continue)
}
