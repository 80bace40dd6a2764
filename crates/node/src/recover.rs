//! Opening a data directory: identity, journal, snapshot, ids, replay.

use crate::error::{IndexError, Lacks, OpenError};
use crate::formats::check_formats;
use crate::history::History;
use crate::ids::index::IdIndex;
use crate::incarnation::{self, Incarnations};
use crate::kept::Kept;
use crate::options::{FROZEN_MAX, NodeOptions};
use crate::retention::RetiredLog;
use crate::snapshots::{self, Extent};
use courant_engine::{Engine, EngineOptions, Frozen, Lsn, Replay};
use courant_journal::storage::{read_file, replace_file};
use courant_journal::{
    Appender, Chain, Entry, Journal, Preparer, ReadError, Reader, Recovery, Scan, Storage, Writer,
};
use courant_ledger::Timestamp;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

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
    pub history: History<S>,
    /// What was taken from the journal.
    pub retired: RetiredLog<S>,
    /// Where the journal is written anew.
    pub incarnations: Incarnations,
    /// The chain of hashes over the journal.
    pub chain: Chain<S>,
    /// The ids that are on disk.
    pub index: IdIndex<S>,
    /// Full generations of ids that could not be written to disk yet, oldest first: the engine
    /// holds them until they are.
    pub unsealed: Vec<Arc<Frozen>>,
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
    /// The time of the last record; `None` if there is no record.
    pub last_record_at: Option<Timestamp>,
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
    check_formats(root, |name| root.subdirectory(name).ok()).map_err(OpenError::NewerFormat)?;
    let (journal, report) = Journal::open(directory("journal")?, options.journal.clone())?;
    let (appender, writer, preparer, reader) = journal.split();
    let retired = RetiredLog::open(root.clone()).map_err(io("reading retired.log"))?;
    let incarnations = Incarnations::read(root).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => {
            OpenError::Damaged { file: incarnation::FILE.into(), what: "contents" }
        }
        _ => OpenError::Io { doing: "reading incarnations".into(), error },
    })?;
    let kept = Kept::open(directory("kept")?).map_err(io("listing kept/"))?;
    let begin = Lsn(reader.begin().0);
    let (secret, fresh) = secret(root, begin)?;
    let ids = directory("ids")?;
    if fresh {
        // Tags made under another secret mean nothing.
        for name in ids.list().map_err(io("listing ids/"))? {
            ids.remove(&name).map_err(io(&format!("removing ids/{name}")))?;
        }
    }
    let index = open_index(ids, begin, &retired)?;
    let generation = index.runs().generations();
    let engine_options = EngineOptions {
        secret,
        recent_ids: options.recent_ids,
        open_payments_max: options.open_payments_max,
        generation,
    };
    let snapshots = directory("snapshots")?;
    let found = snapshots::load_newest(&snapshots, engine_options)?;
    let unsound = found.unsound.into_iter();
    let mut warnings: Vec<String> =
        unsound.map(|(name, what)| format!("snapshots/{name} was left out: {what}")).collect();
    let start = Extent { begin: Lsn::NONE, end: Lsn::NONE };
    let (engine, extent) = found.newest.unwrap_or_else(|| (Engine::new(engine_options), start));
    let chain = Chain::open(&reader).map_err(OpenError::Chain)?;
    check_reach(extent, &index, &reader, &retired)?;
    let mut replaying = Replaying { engine, index: &index, unsealed: Vec::new(), failed: None };
    let replayed = replaying.run(extent, &reader, options)?;
    let Replaying { engine, unsealed, failed, .. } = replaying;
    warnings.extend(failed.map(|error| format!("writing ids failed, will try again: {error}")));
    if !engine.is_balanced() {
        return Err(OpenError::Unbalanced);
    }
    let report = OpenReport {
        journal: report,
        snapshot: extent.begin,
        replayed,
        last_record_at: (engine.last() > Lsn::NONE).then(|| engine.now()),
        warnings,
    };
    let history = History { reader, kept };
    Ok(Opened {
        engine,
        appender,
        writer,
        preparer,
        history,
        retired,
        incarnations,
        chain,
        index,
        unsealed,
        snapshots,
        report,
    })
}

fn open_index<S: Storage>(
    ids: S,
    begin: Lsn,
    retired: &RetiredLog<S>,
) -> Result<IdIndex<S>, OpenError> {
    IdIndex::open(ids, begin).map_err(|error| match error {
        IndexError::Irreplaceable { file, through } => OpenError::HistoryMissing {
            needed: courant_journal::Lsn(through.0),
            begin: courant_journal::Lsn(begin.0),
            lacks: Lacks::Ids(Some(file)),
            retirement: retired.find(through),
        },
        error => index_failed("opening the index of ids", error),
    })
}

fn index_failed(doing: &str, error: IndexError) -> OpenError {
    let error = match error {
        IndexError::Io(error) => error,
        error => io::Error::other(error.to_string()),
    };
    OpenError::Io { doing: doing.into(), error }
}

/// Whether the journal reaches from where snapshot and ids end to beyond what they show.
fn check_reach<S: Storage>(
    extent: Extent,
    index: &IdIndex<S>,
    reader: &Reader<S>,
    retired: &RetiredLog<S>,
) -> Result<(), OpenError> {
    let ids_through = index.runs().through();
    let (begin, end) = (reader.begin(), reader.durable_end());
    for (file, knows) in [("the snapshot", extent.end), ("the index of ids", ids_through)] {
        if knows.0 >= end.0 {
            let (file, knows) = (file.to_string(), courant_journal::Lsn(knows.0));
            return Err(OpenError::JournalBehind { file, knows, end });
        }
    }
    for (lacks, known) in [(Lacks::Snapshot, extent.begin), (Lacks::Ids(None), ids_through)] {
        if known.0 < begin.0 {
            let needed = courant_journal::Lsn(known.0);
            let retirement = retired.find(known);
            return Err(OpenError::HistoryMissing { needed, begin, lacks, retirement });
        }
    }
    Ok(())
}

/// Records that are read ahead together: bytes after which a piece ends, and how many pieces wait.
const PIECE_BYTES: usize = 256 << 10;
const PIECES_AHEAD: usize = 8;

/// Reads and checks records until there is none, an error, or nobody wants them any more.
fn read_pieces<S: Storage>(mut scan: Scan<S>, sender: &SyncSender<Vec<Result<Entry, ReadError>>>) {
    loop {
        let (mut piece, mut bytes) = (Vec::new(), 0);
        while bytes < PIECE_BYTES
            && let Some(entry) = scan.next()
        {
            bytes += entry.as_ref().map_or(0, |entry| entry.payload.len());
            piece.push(entry);
        }
        if piece.is_empty() || sender.send(piece).is_err() {
            return;
        }
    }
}

/// After how many bytes of the journal it is told how far a replay has come.
const TOLD_BYTES: u64 = 1 << 20;

/// A replay under way.
struct Replaying<'a, S: Storage> {
    engine: Engine,
    index: &'a IdIndex<S>,
    unsealed: Vec<Arc<Frozen>>,
    /// Why generations could not be written.
    failed: Option<IndexError>,
}

impl<S: Storage> Replaying<'_, S> {
    /// Replays the journal from the snapshot on; for ids from as early as the index on disk needs
    /// it.
    fn run(
        &mut self,
        extent: Extent,
        reader: &Reader<S>,
        options: &NodeOptions,
    ) -> Result<u64, OpenError> {
        let from = extent.begin.min(self.index.runs().through());
        let begin = from.0.max(reader.begin().0);
        let total = reader.durable_end().0.saturating_sub(begin);
        let mut told = begin;
        let tell = |lsn: Lsn| {
            if lsn.0 - told >= TOLD_BYTES {
                told = lsn.0;
                options.recovery.tell(told - begin, total);
            }
        };
        let scan = reader.scan(courant_journal::Lsn(from.0));
        let replayed = if options.read_ahead {
            std::thread::scope(|scope| {
                let (sender, ahead) = sync_channel(PIECES_AHEAD);
                scope.spawn(move || read_pieces(scan, &sender));
                self.replay(extent, ahead.into_iter().flatten(), tell)
            })
        } else {
            self.replay(extent, scan, tell)
        }?;
        options.recovery.tell(total, total);
        Ok(replayed)
    }

    /// Replays `entries`; before each, `tell` is called with its place.
    fn replay(
        &mut self,
        extent: Extent,
        entries: impl Iterator<Item = Result<Entry, ReadError>>,
        mut tell: impl FnMut(Lsn),
    ) -> Result<u64, OpenError> {
        let mut replayed = 0;
        for entry in entries {
            let entry = entry?;
            let lsn = Lsn(entry.lsn.0);
            tell(lsn);
            if lsn <= extent.begin {
                let remembered = self.engine.replay_ids(lsn, &entry.payload);
                remembered.map_err(|error| OpenError::Record { lsn: entry.lsn, error })?;
            } else {
                let mode = if lsn <= extent.end { Replay::Converging } else { Replay::Exact };
                let applied = self.engine.replay(lsn, &entry.payload, mode);
                applied.map_err(|error| OpenError::Record { lsn: entry.lsn, error })?;
                replayed += 1;
            }
            if self.engine.ids().is_full() {
                self.freeze()?;
            }
        }
        Ok(replayed)
    }

    /// Freezes a full generation and writes it to disk. While the disk refuses, a few wait in
    /// memory, as they do in a running node, so that a full disk can be read.
    fn freeze(&mut self) -> Result<(), OpenError> {
        if self.failed.is_none() {
            let frozen = self.engine.freeze_ids();
            match self.index.add(&frozen) {
                Ok(()) => drop(self.engine.drop_ids_through(frozen.generation)),
                Err(error) => {
                    self.failed = Some(error);
                    self.unsealed.push(frozen);
                }
            }
            return Ok(());
        }
        if self.unsealed.len() < FROZEN_MAX {
            self.unsealed.push(self.engine.freeze_ids());
            return Ok(());
        }
        // A node that ran admits more only up to its inbox's limit, on top of a full generation;
        // beyond twice a generation this is a rebuild, which needs room.
        if self.engine.ids().len() < 2 * self.capacity() {
            return Ok(());
        }
        let error = self.failed.take().expect("a generation waits because of it");
        Err(index_failed("writing the index of ids", error))
    }

    fn capacity(&self) -> usize {
        self.engine.ids().capacity()
    }
}

const SECRET_FILE: &str = "secret";
const SECRET_MAGIC: &[u8; 8] = b"CourSecr";

/// The directory's secret; `None` if it has none yet.
pub fn read_secret<S: Storage>(root: &S) -> Result<Option<u128>, OpenError> {
    match read_file(root, SECRET_FILE) {
        Ok(bytes) => {
            let damaged = || OpenError::Damaged { file: SECRET_FILE.into(), what: "contents" };
            let rest = bytes.strip_prefix(SECRET_MAGIC.as_slice()).ok_or_else(damaged)?;
            let (secret, crc) = rest.split_at_checked(16).ok_or_else(damaged)?;
            if crc != crc32c::crc32c(secret).to_le_bytes() {
                return Err(damaged());
            }
            Ok(Some(u128::from_le_bytes(secret.try_into().expect("16 bytes"))))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OpenError::Io { doing: "reading secret".into(), error }),
    }
}

/// The directory's secret, and whether it was made just now.
fn secret<S: Storage>(root: &S, begin: Lsn) -> Result<(u128, bool), OpenError> {
    match read_secret(root)? {
        Some(secret) => Ok((secret, false)),
        None if begin > Lsn::NONE => {
            let what = "it is not there, and the ids of retired records mean nothing without it";
            Err(OpenError::Damaged { file: SECRET_FILE.into(), what })
        }
        None => {
            let random = || root.random_u64().map_err(OpenError::io("drawing a secret"));
            let secret = u128::from(random()?) << 64 | u128::from(random()?);
            let mut bytes = SECRET_MAGIC.to_vec();
            bytes.extend_from_slice(&secret.to_le_bytes());
            bytes.extend_from_slice(&crc32c::crc32c(&secret.to_le_bytes()).to_le_bytes());
            replace_file(root, SECRET_FILE, &bytes).map_err(OpenError::io("writing secret"))?;
            Ok((secret, true))
        }
    }
}
