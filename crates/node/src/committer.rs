//! Committing: write, sync, publish, and then let those who waited see the result.

use crate::clock;
use crate::inbox::Shared;
use crate::messages::{Completion, Work};
use crate::stats::Counters;
use crate::ticket::Stopped;
use courant_engine::Lsn;
use courant_journal::{Storage, Writer};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// Called with the durable end after each batch.
pub(crate) type OnDurable = Box<dyn Fn(Lsn) + Send + Sync>;

/// The journal's writer, and what follows a commit.
pub(crate) struct Committer<S: Storage> {
    writer: Mutex<Writer<S>>,
    shared: Arc<Shared>,
    on_durable: RwLock<Vec<OnDurable>>,
    counters: Arc<Counters>,
    space: (Mutex<Space>, Condvar),
}

/// How the last tries to prepare space ended.
#[derive(Default)]
struct Space {
    /// How many in a row failed.
    failures: u32,
    why: String,
}

impl<S: Storage> Committer<S> {
    pub(crate) fn new(writer: Writer<S>, shared: Arc<Shared>, counters: Arc<Counters>) -> Self {
        Committer {
            writer: Mutex::new(writer),
            shared,
            on_durable: RwLock::default(),
            counters,
            space: Default::default(),
        }
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub(crate) fn on_durable(&self, call: OnDurable) {
        self.on_durable.write().unwrap_or_else(PoisonError::into_inner).push(call);
    }

    /// Commits one batch, then frees the writer by `free`, and then completes who waited for the
    /// batch. After an error nothing is ever acknowledged again.
    pub(crate) fn commit(&self, work: Work, free: impl FnOnce()) -> Result<(), Stopped> {
        let Work { batch, completions } = work;
        let (records, bytes) = (batch.record_count(), batch.frame_bytes());
        let begun = clock::instant();
        let committed = {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.commit(batch)
        };
        match committed {
            Ok(durable) => {
                self.counters.batch(records, bytes, begun.elapsed());
                free();
                completions.into_iter().for_each(Completion::complete);
                let calls = self.on_durable.read().unwrap_or_else(PoisonError::into_inner);
                calls.iter().for_each(|call| call(Lsn(durable.end.0)));
                Ok(())
            }
            Err(error) => {
                let stopped = Stopped { why: error.to_string().into() };
                self.shared.stop(stopped.clone());
                completions.into_iter().for_each(|c| c.stop(&stopped));
                Err(stopped)
            }
        }
    }

    /// The writer thread: commits what the engine thread hands over.
    pub(crate) fn run(&self) {
        while let Some(work) = self.shared.next_work() {
            if self.commit(work, || self.shared.written()).is_err() {
                return;
            }
        }
    }

    /// Waits until space was prepared, at most for `timeout`. If as many tries in a row as
    /// `failures_max` failed, the node stops: who waits would wait for ever.
    pub(crate) fn wait_for_space(
        &self,
        timeout: Duration,
        failures_max: u32,
    ) -> Result<(), Stopped> {
        let space = self.space.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.space.1.wait_timeout(space, timeout);
        let (space, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if space.failures < failures_max {
            return Ok(());
        }
        let stopped = Stopped { why: space.why.as_str().into() };
        drop(space);
        self.shared.stop(stopped.clone());
        Err(stopped)
    }

    /// Space was prepared, or the disk is known to be full.
    pub(crate) fn space_is_ready(&self) {
        *self.space.0.lock().unwrap_or_else(PoisonError::into_inner) = Space::default();
        self.space.1.notify_all();
    }

    /// Space could not be prepared; gives how many tries in a row failed.
    pub(crate) fn space_failed(&self, why: String) -> u32 {
        let mut space = self.space.0.lock().unwrap_or_else(PoisonError::into_inner);
        *space = Space { failures: space.failures.saturating_add(1), why };
        self.space.1.notify_all();
        space.failures
    }
}
