//! The threads beside the engine: look-ups, space ahead, and what goes to disk in the background.

use crate::clock;
use crate::committer::Committer;
use crate::core::Core;
use crate::error::IndexError;
use crate::inbox::{Admitted, Message, Pending, Shared};
use crate::lookup::{self, Found, LookupError};
use crate::prepared::{Known, Prepared};
use crate::request::{Reply, Unavailable};
use crate::snapshots::{self, SnapshotWriter};
use crate::ticket::Stopped;
use courant_engine::{Cursor, Engine, Frozen, Lsn, Section, Spare};
use courant_journal::{Chain, Preparation, Preparer, Storage};
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How often the background looks whether a snapshot is due, and the preparer whether the disk has
/// room again.
pub(crate) const LOOK_AROUND: Duration = Duration::from_millis(200);

/// The longest pause before something that failed is tried again.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Bytes that one step of the chain hashes.
const CHAIN_STEP_BYTES: u64 = 1 << 20;

/// How long the chain rests when it has caught up: a hash of many small batches at once costs less
/// than one of each.
const CHAIN_PAUSE: Duration = Duration::from_millis(20);

/// Beyond so many runs, a merge under way is waited for before one more is added: a look-up asks
/// the filter of each.
const RUNS_MAX: usize = 64;

/// What can be asked of the look-up thread.
pub(crate) enum Lookup {
    /// A request of which something may be in the index on disk.
    Request(Arc<Pending>),
    /// A command that the engine knows candidates for, or wants to be looked for on disk again.
    Again { pending: Arc<Pending>, index: usize, candidates: Vec<Lsn> },
}

/// A read of the disk for somebody who only looks.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// The thread of reads: however slow they are, no payment waits for them.
pub(crate) fn read<S: Storage>(core: &Core<S>, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        core.counters().lookup();
        job();
    }
}

/// The look-up thread: for commands that wait to be decided.
pub(crate) fn look_ups<S: Storage>(core: &Core<S>, lookups: &Receiver<Lookup>) {
    while let Ok(lookup) = lookups.recv() {
        core.counters().lookup();
        match lookup {
            Lookup::Request(pending) => {
                let count = pending.request.len();
                enqueue(core, pending, 0..count, Vec::new());
                core.shared.end_look();
            }
            Lookup::Again { pending, index, candidates } => {
                if let Some(newest) = candidates.iter().max() {
                    core.wait_durable(*newest);
                }
                enqueue(core, pending, index..index + 1, candidates);
                core.shared.end_look();
            }
        }
    }
}

/// Looks commands up and sends what is not answered by that to the engine.
fn enqueue<S: Storage>(
    core: &Core<S>,
    pending: Arc<Pending>,
    range: std::ops::Range<usize>,
    candidates: Vec<Lsn>,
) {
    loop {
        let runs = core.index.runs();
        let generations = runs.generations();
        let mut prepared = Prepared::default();
        prepared.usual.searched_before = generations;
        for index in range.clone() {
            let asked = pending.request.asked(index);
            if candidates.is_empty() && !lookup::may_hold(&runs, &core.tagger, asked) {
                continue;
            }
            let found = look_up(core, (&pending, index), &candidates);
            let known = match found {
                Ok(Found::Answer(reply)) => Known::Answer(reply),
                Ok(Found::Facts(facts)) => Known::Facts(facts),
                Err(error) => {
                    core.warn(format!("a look-up failed: {error}"));
                    Known::Answer(Reply::Unavailable(Unavailable::HistoryUnreadable))
                }
            };
            prepared.found.insert(index, known);
        }
        let message =
            Message::Commands { pending: Arc::clone(&pending), range: range.clone(), prepared };
        // They were admitted once; they are not refused now.
        match core.shared.push(message, || core.index.runs().generations() == generations) {
            Ok(Admitted::Queued | Admitted::Leads) => return,
            Ok(Admitted::OutOfDate) => {}
            Err(crate::inbox::Refused::Stopped(stopped)) => return pending.stop(&stopped),
            Err(crate::inbox::Refused::Full(_)) => unreachable!("there is no limit here"),
        }
    }
}

/// Looks one command up. Before it is told that a record is gone, all that the engine's memory has
/// about the command is looked at too.
fn look_up<S: Storage>(
    core: &Core<S>,
    (pending, index): (&Arc<Pending>, usize),
    candidates: &[Lsn],
) -> Result<Found, LookupError> {
    let asked = pending.request.asked(index);
    let found = core.archive().look_up(asked, candidates)?;
    let Found::Answer(Reply::Retired { .. }) = found else { return Ok(found) };
    let asking = Arc::clone(pending);
    let visit = move |engine: &mut Engine| lookup::in_memory(engine, asking.request.asked(index));
    // What it names is durable when it answers; if it does not, the node ends.
    let memory = core.visit(visit).wait().unwrap_or_default();
    match memory.iter().all(|lsn| candidates.contains(lsn)) {
        true => Ok(found),
        false => core.archive().look_up(asked, &memory),
    }
}

/// The preparer thread: keeps segments ready, and notices when a full disk has room again.
pub(crate) fn prepare<S: Storage>(
    shared: &Shared,
    committer: &Committer<S>,
    preparer: &mut Preparer<S>,
    wake: &Receiver<()>,
    warn: &dyn Fn(String),
) {
    loop {
        match preparer.run() {
            Ok(Preparation::Ready | Preparation::Working | Preparation::Full(_)) => {
                committer.space_is_ready();
            }
            Err(error) => {
                if committer.space_failed(error.to_string()) == 1 {
                    warn(format!("{error}; this is tried again"));
                }
            }
        }
        match wake.recv_timeout(LOOK_AROUND) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while wake.try_recv().is_ok() {}
        if shared.stopped().is_some() {
            return;
        }
    }
}

/// The chain thread: hashes what became durable, a little behind the journal.
pub(crate) fn chain<S: Storage>(core: &Core<S>, chain: &mut Chain<S>) {
    let mut pause = Pause::default();
    loop {
        if pause.is_over() {
            let stepped = chain.step(CHAIN_STEP_BYTES);
            let is_more = matches!(stepped, Ok(true));
            if let Some(error) = pause.after(stepped) {
                core.warn(format!("the chain of hashes failed, will try again: {error}"));
            }
            if is_more {
                continue;
            }
        }
        if core.is_ending() {
            return;
        }
        std::thread::park_timeout(CHAIN_PAUSE);
    }
}

/// The thread of the ids: writes full generations to disk. Callers wait for it when it is late, so
/// it does nothing that takes long.
pub(crate) fn seal_ids<S: Storage>(core: &Core<S>, frozen: &Receiver<Arc<Frozen>>) {
    loop {
        match frozen.recv_timeout(LOOK_AROUND) {
            Ok(generation) => {
                while core.index.runs().size().0 >= RUNS_MAX && core.merging.load(Relaxed) {
                    std::thread::park_timeout(LOOK_AROUND);
                }
                match seal(core, generation) {
                    Ok(ControlFlow::Continue(())) => {}
                    // Those after it would leave a gap behind it.
                    Ok(ControlFlow::Break(())) => return,
                    Err(error) => return core.fail(error),
                }
            }
            Err(RecvTimeoutError::Timeout) if core.is_ending() => return,
            Err(RecvTimeoutError::Timeout) => make_spare(core),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The background thread: merges runs of ids, makes snapshots. Nobody waits for either.
pub(crate) fn background<S: Storage>(core: &Core<S>) {
    let (mut merging, mut snapshots) = (Pause::default(), Pause::default());
    let mut complained = false;
    while !core.is_ending() {
        let complaint = clock::complaint(core.counters().clock_step_ns());
        let is_new = !std::mem::replace(&mut complained, complaint.is_some());
        complaint.filter(|_| is_new).into_iter().for_each(|text| core.warn(text));
        let mut merged = Ok(false);
        if merging.is_over() {
            core.merging.store(true, Relaxed);
            merged = core.index.merge_step();
            core.merging.store(false, Relaxed);
        }
        // After each merge: however many there are to do, snapshots are made.
        if core.snapshot_is_due() && snapshots.is_over() {
            let made = snapshot(core);
            if let Some(error) = snapshots.after(made) {
                core.warn(format!("the snapshot failed, will try again: {error}"));
            }
        }
        match merged {
            Ok(true) => merging = Pause::default(),
            Ok(false) => std::thread::park_timeout(LOOK_AROUND),
            Err(error) => {
                if let Some(error) = merging.after(Err::<(), _>(error)) {
                    core.warn(format!("merging ids failed, will try again: {error}"));
                }
            }
        }
    }
}

/// When something that failed is tried again: at first soon, later less often.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    until: Option<Instant>,
    length: Duration,
}

impl Pause {
    /// True if it is time to try.
    pub(crate) fn is_over(&self) -> bool {
        self.until.is_none_or(|until| clock::instant() >= until)
    }

    /// Notes how a try ended; gives its error if it is the first in a row.
    pub(crate) fn after<T, E>(&mut self, tried: Result<T, E>) -> Option<E> {
        match tried {
            Ok(_) => {
                *self = Pause::default();
                None
            }
            Err(error) => {
                let is_first = self.until.is_none();
                self.length = (self.length * 2).clamp(LOOK_AROUND, PAUSE_MAX);
                self.until = Some(clock::instant() + self.length);
                is_first.then_some(error)
            }
        }
    }
}

fn is_full(error: &IndexError) -> bool {
    matches!(error, IndexError::Io(error)
        if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

/// Writes a generation of ids to disk, again and again while the disk refuses, and lets the engine
/// forget it. Meanwhile the engine holds a few more generations and then pushes callers back.
/// `Break` if the node ended before it was on disk; the next start remembers it by the journal.
fn seal<S: Storage>(core: &Core<S>, frozen: Arc<Frozen>) -> Result<ControlFlow<()>, String> {
    core.wait_durable(frozen.through);
    if core.history.reader.durable_end().0 <= frozen.through.0 {
        // What may never become durable must not be on disk elsewhere.
        return Ok(ControlFlow::Break(()));
    }
    let mut warned = false;
    while let Err(error) = core.index.add(&frozen) {
        if core.is_ending() {
            return Ok(ControlFlow::Break(()));
        }
        core.shared.set_ids_lack_room(is_full(&error));
        if !std::mem::replace(&mut warned, true) {
            core.warn(format!("writing ids failed, will try again: {error}"));
        }
        std::thread::sleep(LOOK_AROUND);
    }
    core.shared.set_ids_lack_room(false);
    let generation = frozen.generation;
    drop(frozen);
    let forgotten = core.visit(move |engine: &mut Engine| engine.drop_ids_through(generation));
    // Emptied here and not on the engine thread: these are tens of megabytes.
    let forgotten = forgotten.wait().map_err(|stopped| stopped.to_string())?;
    if let Some(spare) = forgotten.into_iter().find_map(Spare::reuse) {
        drop(core.visit(move |engine: &mut Engine| engine.keep_spare(spare)).wait());
    }
    Ok(ControlFlow::Continue(()))
}

/// Makes room for the next generation of ids if none was left over from an earlier one.
fn make_spare<S: Storage>(core: &Core<S>) {
    let wanted = core.visit(|engine: &mut Engine| engine.ids().wants_spare());
    if wanted.wait().unwrap_or(false) {
        let spare = Spare::new(core.options.recent_ids);
        drop(core.visit(move |engine: &mut Engine| engine.keep_spare(spare)).wait());
    }
}

/// Makes a snapshot, section by section, between the engine's commands. One at a time.
pub(crate) fn snapshot<S: Storage>(core: &Core<S>) -> Result<(), String> {
    let _one_at_a_time = core.snapshotting.lock().unwrap_or_else(PoisonError::into_inner);
    let begun = clock::instant();
    let text = |error: std::io::Error| error.to_string();
    // The snapshot begins at the very record that its first section shows last: replaying goes on
    // from there.
    let (mut section, begin, mut bytes) = snapshot_section(core, Cursor::BEGIN, Vec::new())?;
    let mut end = begin;
    let mut writer = SnapshotWriter::create(&core.snapshots, begin).map_err(text)?;
    loop {
        writer.section(&bytes).map_err(text)?;
        let Section::More(cursor) = section else { break };
        (section, end, bytes) = snapshot_section(core, cursor, bytes)?;
    }
    let bytes = writer.finish(&core.snapshots, end).map_err(text)?;
    core.snapshot_at.store(begin.0, Relaxed);
    snapshots::prune(&core.snapshots, core.options.snapshots_kept).map_err(text)?;
    core.counters().snapshot(begin.0, bytes, begun.elapsed());
    Ok(())
}

/// One section, made in `buffer` between two commands, and the last record it may show, which is
/// durable.
fn snapshot_section<S: Storage>(
    core: &Core<S>,
    cursor: Cursor,
    mut buffer: Vec<u8>,
) -> Result<(Section, Lsn, Vec<u8>), String> {
    let entries = core.options.snapshot_step_entries;
    let counters = Arc::clone(core.counters());
    let step = core.visit(move |engine: &mut Engine| {
        let begun = clock::instant();
        buffer.clear();
        let section = engine.snapshot_section(cursor, entries, &mut buffer);
        counters.snapshot_pause(begun.elapsed());
        (section, engine.last(), buffer)
    });
    step.wait().map_err(|stopped: Stopped| stopped.to_string())
}
