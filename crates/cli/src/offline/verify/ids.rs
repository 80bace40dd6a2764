//! The index of ids against the journal: whatever a record is to be found by must lead to it.

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
    pub(super) fn open(storage: Option<&OsStorage>) -> Ids {
        let mut ids = Ids::default();
        let Some(storage) = storage else { return ids };
        for nth in 1..=TRIES_MAX {
            match inspect_ids(storage) {
                Ok((runs, damaged)) => {
                    let damaged = damaged.map(|file| format!("ids/{file} is damaged"));
                    ids.problems.extend(damaged);
                    ids.runs = Some(runs);
                    break;
                }
                Err(IndexError::Io(error))
                    if error.kind() == std::io::ErrorKind::NotFound && nth < TRIES_MAX => {}
                Err(error) => {
                    ids.problems.push(error.to_string());
                    break;
                }
            }
        }
        ids
    }

    /// Looks for all ids of some records.
    pub(super) fn check(&mut self, frozen: &Frozen) {
        let Some(runs) = &self.runs else { return };
        let through = runs.through();
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
