//! The background thread: merges runs of ids, makes snapshots, tells of the clock. Nobody waits for
//! any of it.

use super::{LOOK_AROUND, Pause};
use crate::clock;
use crate::core::Core;
use crate::snapshots::{self, SnapshotWriter};
use crate::ticket::Stopped;
use courant_engine::{Cursor, Engine, Lsn, Section};
use courant_journal::Storage;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};

/// Works until the node ends.
pub(super) fn background<S: Storage>(core: &Core<S>) {
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
