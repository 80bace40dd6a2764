//! The thread of the ids: writes full generations to disk. Callers wait for it when it is late, so
//! it does nothing that takes long.

use super::LOOK_AROUND;
use crate::core::Core;
use crate::error::IndexError;
use courant_engine::{Engine, Frozen, Spare};
use courant_journal::Storage;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

/// Beyond so many runs, a merge under way is waited for before one more is added: a look-up asks
/// the filter of each.
const RUNS_MAX: usize = 64;

/// Writes generations as they come, and makes room for the next one in between.
pub(super) fn seal_ids<S: Storage>(core: &Core<S>, frozen: &Receiver<Arc<Frozen>>) {
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
    let forgotten = match forgotten.wait() {
        Err(_) if core.is_ending() => return Ok(ControlFlow::Break(())),
        forgotten => forgotten.map_err(|stopped| stopped.to_string())?,
    };
    if let Some(spare) = forgotten.into_iter().find_map(Spare::reuse) {
        drop(core.visit(move |engine: &mut Engine| engine.keep_spare(spare)).wait());
    }
    Ok(ControlFlow::Continue(()))
}

fn is_full(error: &IndexError) -> bool {
    matches!(error, IndexError::Io(error)
        if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

/// Makes room for the next generation of ids if none was left over from an earlier one.
fn make_spare<S: Storage>(core: &Core<S>) {
    let wanted = core.visit(|engine: &mut Engine| engine.ids().wants_spare());
    if wanted.wait().unwrap_or(false) {
        let spare = Spare::new(core.options.recent_ids);
        drop(core.visit(move |engine: &mut Engine| engine.keep_spare(spare)).wait());
    }
}
