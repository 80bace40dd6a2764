//! Whose turn it is: who runs the engine, and what the writer has to do.

use super::Shared;
use crate::clock;
use crate::messages::{Message, Work};
use crate::ticket::Stopped;
use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::Duration;

/// The longest the engine thread sleeps when nothing is due: bounds how late a clock that was set
/// is noticed.
pub(crate) const IDLE: Duration = Duration::from_millis(500);

/// What whoever runs the engine is to do next.
pub(crate) enum Next {
    /// Decide these; the queue is empty now.
    Messages(VecDeque<Message>),
    /// The writer is free, or the time has come for something due.
    Continue,
    /// There is nothing to do, or the journal failed.
    Rest,
}

impl Shared {
    /// For the engine thread: waits until it is to run the engine; false if never again.
    pub(crate) fn wait_to_run(&self) -> bool {
        let mut inbox = self.lock();
        loop {
            if inbox.stopped.is_some() {
                return false;
            }
            if !inbox.running && inbox.is_over() {
                return false;
            }
            let now = clock::instant();
            let until = match inbox.run_at {
                // Whoever runs it says when it rests.
                _ if inbox.running => now + IDLE,
                _ if inbox.has_work() => now,
                Some(at) => at,
                None => now + IDLE,
            };
            if until <= now {
                inbox.running = true;
                return true;
            }
            inbox.thread_waits = Some(until);
            let waited = self.thread.wait_timeout(inbox, until - now);
            inbox = waited.unwrap_or_else(PoisonError::into_inner).0;
            inbox.thread_waits = None;
        }
    }

    /// The engine is run no longer by whom it was. It may have a batch or replies `in_hand`, and is
    /// to run again after `sleep` at the latest.
    pub(crate) fn rest(&self, in_hand: bool, sleep: Duration) {
        let mut inbox = self.lock();
        let run_at = clock::instant() + sleep;
        (inbox.running, inbox.in_hand, inbox.run_at) = (false, in_hand, Some(run_at));
        if inbox.thread_waits.take_if(|until| run_at < *until).is_some() {
            drop(inbox);
            return self.thread.notify_one();
        }
        self.wake(inbox);
    }

    /// What to do next. With `in_hand`, a batch or a completion is, so a free writer is something
    /// to do, and waited for until `sleep` has passed.
    pub(crate) fn next(&self, in_hand: bool, sleep: Duration) -> Next {
        let mut inbox = self.lock();
        let mut waited = false;
        loop {
            if inbox.stopped.is_some() {
                return Next::Rest;
            }
            if !inbox.queue.is_empty() {
                return Next::Messages(std::mem::take(&mut inbox.queue));
            }
            if waited || sleep.is_zero() || in_hand && !inbox.writing {
                return Next::Continue;
            }
            if !in_hand {
                return Next::Rest;
            }
            inbox.runner_waits = true;
            let (guard, result) =
                self.runner.wait_timeout(inbox, sleep).unwrap_or_else(PoisonError::into_inner);
            inbox = guard;
            inbox.runner_waits = false;
            waited = result.timed_out();
        }
    }

    /// True if nothing waits and the writer is free: then a batch is best committed right here.
    pub(crate) fn is_quiet(&self) -> bool {
        let inbox = self.lock();
        inbox.queue.is_empty() && !inbox.writing
    }

    /// True if the writer has nothing to do.
    pub(crate) fn writer_is_free(&self) -> bool {
        !self.lock().writing
    }

    /// Hands a batch to the writer, waiting until it is free. If the journal failed, who waited for
    /// the batch is told so.
    pub(crate) fn hand_over(&self, work: Work) -> Result<(), Stopped> {
        let mut inbox = self.lock();
        while inbox.writing && inbox.stopped.is_none() {
            inbox.runner_waits = true;
            inbox = self.runner.wait(inbox).unwrap_or_else(PoisonError::into_inner);
            inbox.runner_waits = false;
        }
        if let Some(stopped) = inbox.stopped.clone() {
            drop(inbox);
            work.completions.into_iter().for_each(|c| c.stop(&stopped));
            return Err(stopped);
        }
        inbox.work = Some(work);
        inbox.writing = true;
        let wake = std::mem::take(&mut inbox.writer_waits);
        drop(inbox);
        if wake {
            self.writer.notify_one();
        }
        Ok(())
    }

    /// The writer's next batch; `None` when the node closes or has stopped.
    pub(crate) fn next_work(&self) -> Option<Work> {
        let mut inbox = self.lock();
        loop {
            if let Some(work) = inbox.work.take() {
                return Some(work);
            }
            if inbox.stopped.is_some() || inbox.ended {
                return None;
            }
            inbox.writer_waits = true;
            inbox = self.writer.wait(inbox).unwrap_or_else(PoisonError::into_inner);
            inbox.writer_waits = false;
        }
    }

    /// The writer is free again.
    pub(crate) fn written(&self) {
        let mut inbox = self.lock();
        inbox.writing = false;
        self.wake(inbox);
    }
}
