//! Committing: write, sync, publish, and then let those who waited see the result.

use crate::clock;
use crate::inbox::{Shared, Work};
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
    space: (Mutex<()>, Condvar),
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
                completions.into_iter().for_each(crate::inbox::Completion::complete);
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

    /// Waits until space was prepared, at most for `timeout`.
    pub(crate) fn wait_for_space(&self, timeout: Duration) {
        let guard = self.space.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.space.1.wait_timeout(guard, timeout));
    }

    /// Space was prepared.
    pub(crate) fn space_is_ready(&self) {
        self.space.1.notify_all();
    }
}
