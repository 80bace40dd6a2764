//! The set of runs: opened at start, grown by sealed generations, kept few by merging.

use super::merge::{merge, seal};
use super::run::Run;
use crate::error::IndexError;
use courant_engine::{Frozen, Lsn};
use courant_journal::Storage;
use courant_journal::storage::File;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, PoisonError, RwLock};

/// The runs at one moment, oldest first, covering all generations before [`RunSet::generations`].
#[derive(Debug)]
pub struct RunSet<F: File> {
    runs: Vec<Arc<Run<F>>>,
}

impl<F: File> RunSet<F> {
    /// Their files.
    pub(crate) fn file_names(&self) -> impl Iterator<Item = String> + '_ {
        self.runs.iter().map(|run| run.span.file_name())
    }

    /// How many generations are here: all before this one.
    pub fn generations(&self) -> u64 {
        self.runs.last().map_or(0, |r| r.span.to + 1)
    }

    /// All ids of records up to and including this one are here.
    pub fn through(&self) -> Lsn {
        self.runs.iter().map(|r| r.span.through).max().unwrap_or(Lsn::NONE)
    }

    /// False if no run has anything under a tag; asks memory only.
    #[inline]
    pub fn may_hold(&self, tag: u64) -> bool {
        self.runs.iter().any(|r| r.may_hold(tag))
    }

    /// The records that may be about a tag, newest first. Reads the disk.
    pub fn find(&self, tag: u64) -> Result<Vec<Lsn>, IndexError> {
        let mut found = Vec::new();
        for run in self.runs.iter().filter(|r| r.may_hold(tag)) {
            run.find(tag, &mut found)?;
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.dedup();
        Ok(found)
    }

    /// How many runs and entries there are and how many bytes their filters take.
    pub fn size(&self) -> (usize, u64, usize) {
        let entries = self.runs.iter().map(|r| r.entries).sum();
        (self.runs.len(), entries, self.runs.iter().map(|r| r.filter_bytes()).sum())
    }
}

/// The index: a set of runs that is replaced as a whole, so that readers never wait for its owner.
#[derive(Debug)]
pub struct IdIndex<S: Storage> {
    storage: S,
    current: RwLock<Arc<RunSet<S::File>>>,
    journal_begin: AtomicU64,
    /// Where the journal has to be read from to make condemned runs again; `u64::MAX` if none was
    /// condemned.
    condemned_from: AtomicU64,
}

impl<S: Storage> IdIndex<S> {
    /// Opens the runs that are there. A damaged run and all after it are removed, and the caller
    /// replays the journal from [`RunSet::through`]; unless the journal begins later than that.
    ///
    /// # Errors
    /// [`IndexError::Irreplaceable`] if a damaged run could not be made again; nothing was changed.
    pub fn open(storage: S, journal_begin: Lsn) -> Result<IdIndex<S>, IndexError> {
        let (runs, unsound) = read_runs(&storage)?;
        if let Some(file) = &unsound.damaged
            && runs.through() < journal_begin
        {
            let (file, through) = (file.clone(), runs.through());
            return Err(IndexError::Irreplaceable { file, through });
        }
        for name in &unsound.files {
            storage.remove(name)?;
        }
        storage.sync_dir()?;
        let journal_begin = AtomicU64::new(journal_begin.0);
        let (current, condemned_from) = (RwLock::new(Arc::new(runs)), AtomicU64::new(u64::MAX));
        Ok(IdIndex { storage, current, journal_begin, condemned_from })
    }

    /// Records up to here have their ids on disk in files that the next start will find sound: the
    /// journal of later ones is still needed.
    pub(crate) fn sure_through(&self) -> Lsn {
        Lsn(self.runs().through().0.min(self.condemned_from.load(SeqCst)))
    }

    /// The journal begins here now: ids of earlier records cannot be read from it again.
    pub(crate) fn journal_begins(&self, begin: Lsn) {
        self.journal_begin.store(begin.0, SeqCst);
    }

    /// The runs as they are now.
    pub fn runs(&self) -> Arc<RunSet<S::File>> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a frozen generation, the next one.
    pub fn add(&self, frozen: &Frozen) -> Result<(), IndexError> {
        let present = self.runs();
        assert!(frozen.generation == present.generations(), "generations are added in order");
        let run = Arc::new(seal(&self.storage, frozen)?);
        self.change(|runs| runs.push(run));
        Ok(())
    }

    /// Merges the newest two runs that are of similar size, and says if it did. With each merge the
    /// number of times an entry was written grows with the logarithm of the index, and so does
    /// the number of runs. Generations may be added meanwhile; two merges at once may not be.
    pub fn merge_step(&self) -> Result<bool, IndexError> {
        let present = self.runs();
        if self.condemned_from.load(SeqCst) != u64::MAX {
            // A condemned run is no longer there to be opened; the next start makes it again.
            return Ok(false);
        }
        let similar = |w: &[Arc<Run<S::File>>]| w[0].entries <= w[1].entries.saturating_mul(2);
        let Some(at) = present.runs.windows(2).rposition(similar) else { return Ok(false) };
        let (earlier, later) = (&present.runs[at], &present.runs[at + 1]);
        let merged = merge(&self.storage, earlier, later);
        let merged = merged.inspect_err(|error| self.condemn(error))?;
        // What was added meanwhile stands behind them.
        self.change(|runs| drop(runs.splice(at..at + 2, [Arc::new(merged)])));
        self.storage.remove(&earlier.span.file_name())?;
        self.storage.remove(&later.span.file_name())?;
        Ok(true)
    }

    /// The records that may be about a tag, newest first. A run that is found damaged is condemned.
    pub(crate) fn find(&self, tag: u64) -> Result<Vec<Lsn>, IndexError> {
        self.runs().find(tag).inspect_err(|error| self.condemn(error))
    }

    /// Removes the file of a run that was found damaged: its header may be sound, so that only this
    /// makes the next start rebuild it. Until then it stays open, and what it holds elsewhere is
    /// found. If it could not be made again, it stays: the ids of its other pages are needed.
    fn condemn(&self, error: &IndexError) {
        if let IndexError::Damaged { file, .. } = error {
            let runs = self.runs();
            let before = runs.runs.iter().take_while(|run| run.span.file_name() != *file);
            let through = before.map(|run| run.span.through).max().unwrap_or(Lsn::NONE);
            // Said before it is asked where the journal begins, and retirement does it the other
            // way round: one of the two sees the other.
            self.condemned_from.fetch_min(through.0, SeqCst);
            if through.0 >= self.journal_begin.load(SeqCst) {
                // If that fails, whoever finds the damage next tries again.
                let _ = self.storage.remove(file);
            }
        }
    }

    /// Puts a changed set in the place of the present one.
    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Run<S::File>>>)) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let mut runs = current.runs.clone();
        change(&mut runs);
        *current = Arc::new(RunSet { runs });
    }
}

/// Files of an index that are not part of it.
#[derive(Debug, Default)]
struct Unsound {
    files: Vec<String>,
    /// The first that held what no other file holds.
    damaged: Option<String>,
}

/// The runs that lie without a gap from the first generation on.
fn read_runs<S: Storage>(storage: &S) -> Result<(RunSet<S::File>, Unsound), IndexError> {
    let (mut names, unfinished): (Vec<String>, Vec<String>) =
        storage.list()?.into_iter().partition(|name| span_in(name).is_some());
    // Of two runs that begin with the same generation the one that goes further was merged from the
    // other.
    names.sort_by(|a, b| a[..12].cmp(&b[..12]).then(b.cmp(a)));
    let mut runs: Vec<Arc<Run<S::File>>> = Vec::new();
    let mut unsound = Unsound { files: unfinished, damaged: None };
    for name in names {
        let next = runs.last().map_or(0, |r| r.span.to + 1);
        let (_, to) = span_in(&name).expect("others were left out");
        if to < next {
            // Merged into one before it.
            unsound.files.push(name);
            continue;
        }
        match Run::open(storage, &name) {
            Ok(run) if run.span.from == next => runs.push(Arc::new(run)),
            Ok(_) | Err(IndexError::Damaged { .. }) => {
                unsound.damaged.get_or_insert(name.clone());
                unsound.files.push(name);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((RunSet { runs }, unsound))
}

/// Opens the runs of an index to look at them, and names the first that is damaged. Changes
/// nothing.
pub fn inspect<S: Storage>(storage: &S) -> Result<(RunSet<S::File>, Option<String>), IndexError> {
    read_runs(storage).map(|(runs, unsound)| (runs, unsound.damaged))
}

/// The generations in a file's name; `None` for other files.
fn span_in(name: &str) -> Option<(u64, u64)> {
    let (from, to) = name.strip_suffix(".ids")?.split_once('-')?;
    (from.len() == 12 && to.len() == 12).then_some(())?;
    Some((from.parse().ok()?, to.parse().ok()?))
}
