//! What lies beside the journal, is made from it, and must not show more than it.

use std::path::Path;

use courant_engine::Lsn;
use courant_journal::repair::Plan;
use courant_journal::{DirectIo, OsStorage};
use courant_node::parts::{check_snapshot, inspect_ids, list_snapshots};

use crate::exit::Failure;

const SNAPSHOTS: &str = "snapshots";
const IDS: &str = "ids";

/// What shows more than the journal will after a repair.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Derived {
    /// Paths in the data directory.
    beyond: Vec<String>,
}

impl Derived {
    /// Looks; refuses if nothing would be left that shows what was before a retired journal's
    /// begin.
    pub(super) fn of(data: &Path, plan: &Plan) -> Result<Derived, Failure> {
        let (begin, end) = (Lsn(plan.begin.0), Lsn(plan.end.0));
        let mut beyond = Vec::new();
        let mut snapshots_left = 0;
        if let Some(storage) = directory(data, SNAPSHOTS)? {
            let unreadable = |error| Failure::file(&data.join(SNAPSHOTS), "list", &error);
            for name in list_snapshots(&storage).map_err(unreadable)? {
                // A start passes over those that are not sound.
                let Ok(extent) = check_snapshot(&storage, &name) else { continue };
                if extent.end >= end {
                    beyond.push(format!("{SNAPSHOTS}/{name}"));
                } else if extent.begin >= begin {
                    snapshots_left += 1;
                }
            }
        }
        let mut ids_through = Lsn::NONE;
        if let Some(storage) = directory(data, IDS)? {
            let (runs, _) =
                inspect_ids(&storage).map_err(|error| Failure::negative(error.to_string()))?;
            ids_through = runs.through();
            if ids_through > Lsn::NONE && ids_through >= end {
                beyond.push(IDS.to_owned());
            }
        }
        let ids_left = (begin..end).contains(&ids_through);
        if begin != Lsn::NONE && (snapshots_left == 0 || !ids_left) {
            return Err(refused(plan, if ids_left { "snapshot" } else { "index of ids" }));
        }
        Ok(Derived { beyond })
    }

    /// Moves it to `removed-<when>`.
    pub(super) fn keep_aside(&self, data: &Path, when: &str) -> Result<(), Failure> {
        let aside = data.join(format!("removed-{when}"));
        for name in &self.beyond {
            let (from, to) = (data.join(name), aside.join(name));
            let failed = |error: std::io::Error| Failure::file(&from, "move", &error);
            std::fs::create_dir_all(to.parent().unwrap_or(&aside)).map_err(failed)?;
            std::fs::rename(&from, &to).map_err(failed)?;
        }
        Ok(())
    }
}

/// A directory of the data directory, if it is there.
pub(super) fn directory(data: &Path, name: &str) -> Result<Option<OsStorage>, Failure> {
    let path = data.join(name);
    match OsStorage::open_existing(&path, DirectIo::Auto) {
        Ok(storage) => Ok(Some(storage)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file(&path, "read", &error)),
    }
}

fn refused(plan: &Plan, lacking: &str) -> Failure {
    let damage = plan.damage.as_ref().map(|damage| format!("{damage}. ")).unwrap_or_default();
    let message = format!(
        "{damage}A repair would end the journal at LSN {}, what lies before LSN {} was archived or \
         dropped, and no sound {lacking} between the two would remain; nothing was changed",
        plan.end, plan.begin
    );
    Failure::negative(message).next("restore a backup")
}
