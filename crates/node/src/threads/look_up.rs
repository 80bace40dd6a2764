//! The threads that read the disk: one for commands that wait to be decided, one for whoever only
//! looks.

use crate::core::Core;
use crate::inbox::{Admitted, Refused};
use crate::lookup::{self, Found, LookupError};
use crate::messages::{Job, Lookup, Message};
use crate::pending::Pending;
use crate::prepared::{Known, Prepared};
use crate::request::{Reply, Unavailable};
use courant_engine::{Engine, Lsn};
use courant_journal::Storage;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// The look-up thread: for commands that wait to be decided.
pub(super) fn look_ups<S: Storage>(core: &Core<S>, lookups: &Receiver<Lookup>) {
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
    range: Range<usize>,
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
            Err(Refused::Stopped(stopped)) => return pending.stop(&stopped),
            Err(Refused::Full(_)) => unreachable!("there is no limit here"),
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

/// The thread of reads: however slow they are, no payment waits for them.
pub(super) fn read<S: Storage>(core: &Core<S>, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        core.counters().lookup();
        job();
    }
}
