//! Snapshots against the state that replaying gives: each is loaded, taken to its end by the
//! records that were made while it was written, and compared byte by byte.

use std::panic::{AssertUnwindSafe, catch_unwind};

use courant_engine::{Cursor, Engine, EngineOptions, Lsn, Replay, Section};
use courant_journal::OsStorage;
use courant_node::parts::{Extent, list_snapshots, load_snapshot};

/// Entries compared at once.
const STEP_ENTRIES: usize = 10_000;

/// Ids are not in snapshots.
const OPTIONS: EngineOptions =
    EngineOptions { secret: 1, recent_ids: 1, open_payments_max: 0, generation: 0 };

/// The snapshots of a directory, while the journal is replayed beside them.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// Not begun yet, the newest first.
    waiting: Vec<(String, Extent)>,
    /// Begun: the journal is between their begin and their end.
    begun: Vec<Begun>,
    /// How many were found to be what replaying gives.
    pub(super) equal: usize,
    pub(super) problems: Vec<String>,
}

#[derive(Debug)]
struct Begun {
    name: String,
    engine: Engine,
    end: Lsn,
}

impl Snapshots {
    /// Lists and loads all of them, one after the other; `end` is where the journal ends. Of a
    /// running directory, what is newer than that is left out.
    pub(super) fn open(storage: Option<&OsStorage>, end: Lsn, is_running: bool) -> Snapshots {
        let mut snapshots = Snapshots::default();
        let Some(storage) = storage else { return snapshots };
        let names = match list_snapshots(storage) {
            Ok(names) => names,
            Err(error) => {
                snapshots.problems.push(format!("snapshots/ cannot be listed: {error}"));
                return snapshots;
            }
        };
        for name in names {
            match load_snapshot(storage, &name, OPTIONS) {
                Ok((_, extent)) if extent.end < end => snapshots.waiting.push((name, extent)),
                Ok(_) if is_running => {}
                Ok((_, extent)) => snapshots.problems.push(format!(
                    "snapshots/{name} shows records up to LSN {}, \
                     and the journal ends at LSN {end}",
                    extent.end
                )),
                // Others are pruned while we look.
                Err(_) if is_running && !is_there(storage, &name) => {}
                Err(what) => snapshots.problems.push(format!("snapshots/{name}: {what}")),
            }
        }
        snapshots
    }

    /// The oldest snapshot from which everything can be replayed that is in the journal from
    /// `begin` on. Older ones show nothing that can be compared.
    pub(super) fn take_base(
        &mut self,
        storage: &OsStorage,
        begin: Lsn,
    ) -> Option<(Engine, Extent)> {
        while let Some((name, extent)) = self.waiting.pop() {
            if extent.begin < begin {
                continue;
            }
            match load_snapshot(storage, &name, OPTIONS) {
                Ok(loaded) => return Some(loaded),
                Err(what) => self.problems.push(format!("snapshots/{name}: {what}")),
            }
        }
        None
    }

    /// Begins with those whose first records come now, before the next record is taken: `state` is
    /// what replaying gave.
    pub(super) fn before(&mut self, storage: Option<&OsStorage>, state: &Engine) {
        let due = |(_, extent): &(String, Extent)| extent.begin <= state.last();
        while let Some(storage) = storage
            && let Some((name, extent)) = self.waiting.pop_if(|waiting| due(waiting))
        {
            match load_snapshot(storage, &name, OPTIONS) {
                Ok((engine, _)) => self.begun.push(Begun { name, engine, end: extent.end }),
                Err(what) => self.problems.push(format!("snapshots/{name}: {what}")),
            }
        }
        self.compare(state);
    }

    /// Takes a record that fits the state.
    pub(super) fn take(&mut self, lsn: Lsn, bytes: &[u8], state: &Engine) {
        let problems = &mut self.problems;
        self.begun.retain_mut(|begun| {
            let engine = &mut begun.engine;
            // A snapshot that somebody altered may contradict the record: that stops the engine.
            let replay = || engine.replay(lsn, bytes, Replay::Converging).is_ok();
            let fits = catch_unwind(AssertUnwindSafe(replay)).unwrap_or(false);
            if !fits {
                let name = &begun.name;
                problems.push(format!("snapshots/{name} contradicts the record at LSN {lsn}"));
            }
            fits
        });
        self.compare(state);
    }

    fn compare(&mut self, state: &Engine) {
        for begun in self.begun.extract_if(.., |begun| begun.end <= state.last()) {
            match same(&begun.engine, state) {
                true => self.equal += 1,
                false => self.problems.push(format!(
                    "snapshots/{} is not what replaying the journal gives at LSN {}",
                    begun.name, begun.end
                )),
            }
        }
    }
}

fn is_there(storage: &OsStorage, name: &str) -> bool {
    storage.path().join(name).exists()
}

/// Whether two engines show the same state.
fn same(one: &Engine, other: &Engine) -> bool {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut cursor = Cursor::BEGIN;
    loop {
        left.clear();
        right.clear();
        let next = one.snapshot_section(cursor, STEP_ENTRIES, &mut left);
        if next != other.snapshot_section(cursor, STEP_ENTRIES, &mut right) || left != right {
            return false;
        }
        match next {
            Section::More(more) => cursor = more,
            Section::Last => return true,
        }
    }
}
