//! The index of ids against the journal: whatever a record is to be found by must lead to it, and
//! what was retired must be in it.

use courant_engine::{Frozen, Lsn};
use courant_journal::{OsStorage, Storage};
use courant_node::IndexError;
use courant_node::parts::{RunSet, inspect_ids};

/// How often the index is listed anew because runs were merged meanwhile.
const TRIES_MAX: usize = 8;

/// The index of a directory, while the journal is replayed beside it.
#[derive(Debug, Default)]
pub(super) struct Ids {
    runs: Option<RunSet<<OsStorage as Storage>::File>>,
    /// Ids that were looked for and found.
    pub(super) found: u64,
    missing: u64,
    /// The first record that was not found by an id of it.
    first_missing: Option<Lsn>,
    pub(super) problems: Vec<String>,
}

impl Ids {
    /// Opens the index. Of a journal that begins at `begin`, ids of earlier records are nowhere
    /// else.
    pub(super) fn open(storage: Option<&OsStorage>, begin: Lsn) -> Ids {
        let mut ids = Ids::default();
        if let Some(storage) = storage {
            ids.read(storage);
        }
        let through = ids.through();
        if through < begin {
            ids.problems.push(format!(
                "ids/ ends at LSN {through}, and the journal begins at LSN {begin}: the ids of \
                 what was archived or dropped in between are lost"
            ));
        }
        ids
    }

    fn read(&mut self, storage: &OsStorage) {
        for nth in 1..=TRIES_MAX {
            match inspect_ids(storage) {
                Ok((runs, damaged)) => {
                    let damaged = damaged
                        .map(|file| format!("ids/{file} is damaged, or one before it is missing"));
                    self.problems.extend(damaged);
                    self.runs = Some(runs);
                    return;
                }
                Err(IndexError::Io(error))
                    if error.kind() == std::io::ErrorKind::NotFound && nth < TRIES_MAX => {}
                Err(error) => return self.problems.push(error.to_string()),
            }
        }
    }

    /// Where the index ends.
    pub(super) fn through(&self) -> Lsn {
        self.runs.as_ref().map_or(Lsn::NONE, RunSet::through)
    }

    /// Looks for all ids of some records.
    pub(super) fn check(&mut self, frozen: &Frozen) {
        let through = self.through();
        let Some(runs) = &self.runs else { return };
        let mut entries: Vec<(u64, Lsn)> =
            frozen.entries().filter(|(_, lsn)| *lsn <= through).collect();
        // The runs are in this order.
        entries.sort_unstable();
        for (tag, lsn) in entries {
            match runs.find(tag) {
                Ok(found) if found.contains(&lsn) => self.found += 1,
                Ok(_) => {
                    self.missing += 1;
                    let first = self.first_missing.map_or(lsn, |first| first.min(lsn));
                    self.first_missing = Some(first);
                }
                Err(error) => {
                    self.problems.push(error.to_string());
                    self.runs = None;
                    return;
                }
            }
        }
    }

    /// All that is wrong, once everything was checked.
    pub(super) fn end(&mut self) {
        if let Some(lsn) = self.first_missing {
            let missing = self.missing;
            self.problems.push(format!(
                "{missing} ids of the journal are not in the index; the first is of the record at \
                 LSN {lsn}"
            ));
        }
    }
}
