//! The second reading of `courant verify`: record by record into a fresh ledger, with the snapshots
//! and the index of ids beside it.

use std::collections::HashMap;
use std::path::Path;

use courant_engine::{Command, Engine, EngineOptions, record};
use courant_journal::verify::Report;
use courant_journal::{DirectIo, Lsn, OsStorage};
use courant_node::parts::read_secret;

use super::ids::Ids;
use super::kept;
use super::snapshots::Snapshots;
use crate::exit::Failure;
use crate::offline::audit::Audit;
use crate::offline::{JOURNAL, walk};

/// Ids that are looked for together.
const IDS_AT_ONCE: usize = 100_000;

/// What replaying found.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) audit: Audit,
    pub(super) snapshots: Snapshots,
    pub(super) ids: Ids,
    /// What is wrong with the records kept of what was retired.
    pub(super) kept: Vec<String>,
    /// The first record that does not fit, and why.
    pub(super) contradiction: Option<(Lsn, String)>,
}

/// Replays all records, up to the first that does not fit.
pub(super) fn replay(
    data: &Path,
    (report, is_running): (&Report, bool),
    mut acknowledged: Option<&mut HashMap<String, u32>>,
) -> Result<Replayed, Failure> {
    let (begin, end) = (engine_lsn(report.begin), engine_lsn(report.end));
    let place = directory(data, "snapshots");
    let mut snapshots = Snapshots::open(place.as_ref(), end, is_running);
    let mut contradiction = None;
    let mut audit = Audit::new();
    if report.begin != Lsn::NONE {
        let base = place.as_ref().and_then(|place| snapshots.take_base(place, begin));
        match base {
            Some((engine, extent)) => audit = Audit::from_snapshot(engine, extent),
            None => {
                let why = "older ones were archived or dropped, and no sound snapshot shows them";
                contradiction = Some((report.begin, why.to_owned()));
            }
        }
    }
    let mut gathered = Gathered::new(data, (begin, end), is_running)?;
    walk::records(&data.join(JOURNAL), report.end, |lsn, bytes| {
        let at = engine_lsn(lsn);
        if contradiction.is_none() {
            snapshots.before(place.as_ref(), &audit.engine);
            contradiction = audit.take(at, bytes).err().map(|why| (lsn, why));
        }
        if contradiction.is_none() {
            snapshots.take(at, bytes, &audit.engine);
            gathered.take(at, bytes)?;
        }
        match &mut acknowledged {
            Some(acknowledged) => count_payments(bytes, acknowledged),
            None => Ok(()),
        }
    })?;
    let mut kept = Vec::new();
    if contradiction.is_none() {
        snapshots.before(place.as_ref(), &audit.engine);
        kept = kept::check(directory(data, "kept"), &audit.engine, begin);
    }
    Ok(Replayed { audit, snapshots, ids: gathered.end(), kept, contradiction })
}

fn engine_lsn(lsn: Lsn) -> courant_engine::Lsn {
    courant_engine::Lsn(lsn.0)
}

/// A directory of a data directory, if it is there.
fn directory(data: &Path, name: &str) -> Option<OsStorage> {
    OsStorage::open_existing(data.join(name), DirectIo::Auto).ok()
}

/// The ids of records, gathered to be looked for.
struct Gathered {
    ids: Ids,
    /// Remembers ids under the directory's secret, and nothing else.
    engine: Option<Engine>,
}

impl Gathered {
    /// Reads the index beside a journal that begins and ends here.
    fn new(
        data: &Path,
        (begin, end): (courant_engine::Lsn, courant_engine::Lsn),
        is_running: bool,
    ) -> Result<Gathered, Failure> {
        let failed = |error: std::io::Error| Failure::file(data, "read", &error);
        let root = OsStorage::open_existing(data, DirectIo::Auto).map_err(failed)?;
        let secret = read_secret(&root).map_err(|error| Failure::negative(error.to_string()))?;
        let mut ids = Ids::open(directory(data, "ids").as_ref(), begin);
        if secret.is_none() && begin > courant_engine::Lsn::NONE {
            let what = "secret is missing: without it the ids of what was archived or dropped \
                        cannot be looked up";
            ids.problems.push(what.to_owned());
        }
        let through = ids.through();
        if through >= end && !is_running && through > courant_engine::Lsn::NONE {
            let what = format!("ids/ reaches LSN {through}, and the journal ends at LSN {end}");
            ids.problems.push(what);
        }
        let (recent_ids, open_payments_max) = (IDS_AT_ONCE, 0);
        let options =
            |secret| EngineOptions { secret, recent_ids, open_payments_max, generation: 0 };
        Ok(Gathered { ids, engine: secret.map(|secret| Engine::new(options(secret))) })
    }

    fn take(&mut self, lsn: courant_engine::Lsn, bytes: &[u8]) -> Result<(), Failure> {
        let Some(engine) = &mut self.engine else { return Ok(()) };
        engine.replay_ids(lsn, bytes).map_err(|error| Failure::negative(error.to_string()))?;
        if engine.ids().is_full() {
            self.look();
        }
        Ok(())
    }

    fn look(&mut self) {
        if let Some(engine) = &mut self.engine {
            let frozen = engine.freeze_ids();
            drop(engine.drop_ids_through(frozen.generation));
            self.ids.check(&frozen);
        }
    }

    fn end(mut self) -> Ids {
        self.look();
        self.ids.end();
        self.ids
    }
}

/// Counts the payments that a record makes and that somebody waits for.
fn count_payments(bytes: &[u8], wanted: &mut HashMap<String, u32>) -> Result<(), Failure> {
    let decoded = record::decode(bytes).map_err(|e| Failure::negative(e.to_string()))?;
    let orders = match &decoded.command {
        Command::Pay(order) => std::slice::from_ref(order),
        Command::PayGroup(orders) => orders.as_slice(),
        _ => &[],
    };
    for order in orders {
        if let Some(count) = wanted.get_mut(order.id.as_str()) {
            *count += 1;
        }
    }
    Ok(())
}
