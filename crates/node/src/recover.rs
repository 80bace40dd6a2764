//! Opening a data directory: identity, journal, snapshot, ids, replay.

use crate::error::OpenError;
use crate::ids::index::IdIndex;
use crate::options::NodeOptions;
use crate::snapshots::{self, Extent};
use courant_engine::{Engine, EngineOptions, Lsn, Replay};
use courant_journal::storage::{read_file, replace_file};
use courant_journal::{Appender, Chain, Journal, Preparer, Reader, Recovery, Storage, Writer};
use std::io;

/// Everything that an open data directory consists of.
#[derive(Debug)]
pub struct Opened<S: Storage> {
    /// The state after the last record.
    pub engine: Engine,
    /// Places new batches.
    pub appender: Appender<S>,
    /// Commits them.
    pub writer: Writer<S>,
    /// Prepares space ahead.
    pub preparer: Preparer<S>,
    /// Reads what is durable.
    pub reader: Reader<S>,
    /// The chain of hashes over the journal.
    pub chain: Chain<S>,
    /// The ids that are on disk.
    pub index: IdIndex<S>,
    /// The directory of snapshots.
    pub snapshots: S,
    /// What opening found and did.
    pub report: OpenReport,
}

/// What opening found and did.
#[derive(Debug, Clone)]
pub struct OpenReport {
    /// What the journal's recovery found.
    pub journal: Recovery,
    /// Where the snapshot begins from which records were replayed; `Lsn::NONE` without one.
    pub snapshot: Lsn,
    /// How many records were replayed.
    pub replayed: u64,
    /// What was wrong with files that can be made again, and were left out.
    pub warnings: Vec<String>,
}

/// Opens a data directory, or creates it, and replays what the last snapshot does not show.
///
/// # Errors
/// [`OpenError`]; nothing acknowledged is ever left out silently.
pub fn open<S: Storage>(root: &S, options: &NodeOptions) -> Result<Opened<S>, OpenError> {
    let io = |doing: &str| OpenError::io(doing.to_string());
    let directory = |name: &str| root.subdirectory(name).map_err(io(&format!("opening {name}/")));
    let (journal, report) = Journal::open(directory("journal")?, options.journal.clone())?;
    let (secret, fresh) = secret(root)?;
    let ids = directory("ids")?;
    if fresh {
        // Tags made under another secret mean nothing.
        for name in ids.list().map_err(io("listing ids/"))? {
            ids.remove(&name).map_err(io(&format!("removing ids/{name}")))?;
        }
    }
    let index = open_index(ids)?;
    let generation = index.runs().generations();
    let engine_options = EngineOptions { secret, recent_ids: options.recent_ids, generation };
    let snapshots = directory("snapshots")?;
    let found = snapshots::load_newest(&snapshots, engine_options)?;
    let mut warnings = Vec::new();
    for (name, what) in found.unsound {
        warnings.push(format!("snapshots/{name} was left out: {what}"));
    }
    let start = Extent { begin: Lsn::NONE, end: Lsn::NONE };
    let (mut engine, extent) = found.newest.unwrap_or_else(|| (Engine::new(engine_options), start));
    let (appender, writer, preparer, reader) = journal.split();
    let chain = Chain::open(&reader).map_err(OpenError::Chain)?;
    let replayed = replay(&mut engine, extent, &index, &reader)?;
    if !engine.is_balanced() {
        return Err(OpenError::Unbalanced);
    }
    let report = OpenReport { journal: report, snapshot: extent.begin, replayed, warnings };
    Ok(Opened { engine, appender, writer, preparer, reader, chain, index, snapshots, report })
}

fn open_index<S: Storage>(ids: S) -> Result<IdIndex<S>, OpenError> {
    IdIndex::open(ids).map_err(|error| OpenError::Io {
        doing: "opening the index of ids".into(),
        error: io::Error::other(error.to_string()),
    })
}

/// Replays the journal from the snapshot on; for ids from as early as the index on disk needs it.
fn replay<S: Storage>(
    engine: &mut Engine,
    extent: Extent,
    index: &IdIndex<S>,
    reader: &Reader<S>,
) -> Result<u64, OpenError> {
    let ids_through = index.runs().through();
    let end = reader.durable_end();
    for (file, knows) in [("the snapshot", extent.end), ("the index of ids", ids_through)] {
        if knows.0 >= end.0 {
            let (file, knows) = (file.to_string(), courant_journal::Lsn(knows.0));
            return Err(OpenError::JournalBehind { file, knows, end });
        }
    }
    let from = extent.begin.min(ids_through);
    if from.0 < reader.begin().0 {
        let needed = courant_journal::Lsn(from.0);
        return Err(OpenError::HistoryMissing { needed, begin: reader.begin() });
    }
    let mut replayed = 0;
    for entry in reader.scan(courant_journal::Lsn(from.0)) {
        let entry = entry?;
        let lsn = Lsn(entry.lsn.0);
        if lsn <= extent.begin {
            let remembered = engine.replay_ids(lsn, &entry.payload);
            remembered.map_err(|error| OpenError::Record { lsn: entry.lsn, error })?;
        } else {
            let mode = if lsn <= extent.end { Replay::Converging } else { Replay::Exact };
            let applied = engine.replay(lsn, &entry.payload, mode);
            applied.map_err(|error| OpenError::Record { lsn: entry.lsn, error })?;
            replayed += 1;
        }
        if engine.ids().is_full() {
            seal_now(engine, index)?;
        }
    }
    Ok(replayed)
}

fn seal_now<S: Storage>(engine: &mut Engine, index: &IdIndex<S>) -> Result<(), OpenError> {
    let frozen = engine.freeze_ids();
    index.add(&frozen).map_err(|error| OpenError::Io {
        doing: "writing the index of ids".into(),
        error: io::Error::other(error.to_string()),
    })?;
    drop(engine.drop_ids_through(frozen.generation));
    Ok(())
}

const SECRET_FILE: &str = "secret";
const SECRET_MAGIC: &[u8; 8] = b"CourSecr";

/// The directory's secret, and whether it was made just now.
fn secret<S: Storage>(root: &S) -> Result<(u128, bool), OpenError> {
    match read_file(root, SECRET_FILE) {
        Ok(bytes) => {
            let damaged = || OpenError::Damaged { file: SECRET_FILE.into(), what: "contents" };
            let rest = bytes.strip_prefix(SECRET_MAGIC.as_slice()).ok_or_else(damaged)?;
            let (secret, crc) = rest.split_at_checked(16).ok_or_else(damaged)?;
            if crc != crc32c::crc32c(secret).to_le_bytes() {
                return Err(damaged());
            }
            Ok((u128::from_le_bytes(secret.try_into().expect("16 bytes")), false))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let random = || root.random_u64().map_err(OpenError::io("drawing a secret"));
            let secret = u128::from(random()?) << 64 | u128::from(random()?);
            let mut bytes = SECRET_MAGIC.to_vec();
            bytes.extend_from_slice(&secret.to_le_bytes());
            bytes.extend_from_slice(&crc32c::crc32c(&secret.to_le_bytes()).to_le_bytes());
            replace_file(root, SECRET_FILE, &bytes).map_err(OpenError::io("writing secret"))?;
            Ok((secret, true))
        }
        Err(error) => Err(OpenError::Io { doing: "reading secret".into(), error }),
    }
}
