//! What the threads of a node send each other.

use crate::pending::Pending;
use crate::prepared::Prepared;
use crate::request::Reply;
use crate::ticket::Stopped;
use courant_engine::{Engine, Lsn};
use courant_journal::SealedBatch;
use std::ops::Range;
use std::sync::Arc;

/// Something to be done once everything recorded before is durable; `Err` if it never will be.
pub(crate) type Afterwards = Box<dyn FnOnce(Result<(), Stopped>) + Send>;

/// Something to be done with the engine, between two commands.
pub(crate) type Visit = Box<dyn FnOnce(&mut Engine) -> Afterwards + Send>;

/// What waits for the engine.
#[expect(clippy::large_enum_variant, reason = "nearly every message has commands")]
pub(crate) enum Message {
    /// Commands of a request, with what was looked up for some of them.
    Commands { pending: Arc<Pending>, range: Range<usize>, prepared: Prepared },
    /// A read, or housekeeping.
    Visit(Visit),
}

/// Who waits for a batch to be durable.
pub(crate) enum Completion {
    Replies(Arc<Pending>, Vec<(usize, Reply)>),
    Afterwards(Afterwards),
}

impl Completion {
    pub(crate) fn complete(self) {
        match self {
            Completion::Replies(pending, replies) => pending.fill(&replies),
            Completion::Afterwards(then) => then(Ok(())),
        }
    }

    pub(crate) fn stop(self, stopped: &Stopped) {
        match self {
            Completion::Replies(pending, _) => pending.stop(stopped),
            Completion::Afterwards(then) => then(Err(stopped.clone())),
        }
    }
}

/// A batch on its way to the disk, and who waits for it.
pub(crate) struct Work {
    pub(crate) batch: SealedBatch,
    pub(crate) completions: Vec<Completion>,
}

/// What can be asked of the look-up thread.
pub(crate) enum Lookup {
    /// A request of which something may be in the index on disk.
    Request(Arc<Pending>),
    /// A command that the engine knows candidates for, or wants to be looked for on disk again.
    Again { pending: Arc<Pending>, index: usize, candidates: Vec<Lsn> },
}

/// A read of the disk for somebody who only looks.
pub(crate) type Job = Box<dyn FnOnce() + Send>;
