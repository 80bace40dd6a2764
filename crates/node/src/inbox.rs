//! The inbox: what waits for whoever runs the engine, and what that one waits for.

mod turns;

pub(crate) use turns::{IDLE, Next};

use crate::messages::{Message, Work};
use crate::pending::{Load, Pending, Room};
use crate::prepared::Prepared;
use crate::request::Request;
use crate::ticket::Stopped;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What the threads share under one lock.
#[derive(Default)]
struct Inbox {
    queue: VecDeque<Message>,
    work: Option<Work>,
    writing: bool,
    closing: bool,
    /// The engine thread has ended: no more work will come.
    ended: bool,
    /// The ids of too many commands wait to be written to disk.
    behind: bool,
    /// How many look-ups are under way that will send messages.
    looking: usize,
    /// Somebody runs the engine: its thread, or a caller who leads.
    running: bool,
    /// Whoever ran the engine last left a batch or replies in its hands.
    in_hand: bool,
    /// When the engine is to run again though nothing comes.
    run_at: Option<Instant>,
    runner_waits: bool,
    /// Until when the engine thread waits, if it does.
    thread_waits: Option<Instant>,
    writer_waits: bool,
    stopped: Option<Stopped>,
}

/// How a message was taken.
pub(crate) enum Admitted {
    /// Whoever runs the engine, or its thread, will see it.
    Queued,
    /// The engine rested, and now the sender has it: to run it, and then [`Shared::rest`].
    Leads,
    /// It was not: what was looked up for it is out of date.
    OutOfDate,
}

/// The inbox, and who waits for a change of it.
///
/// One at a time runs the engine: its own thread, or a caller who found it at rest and does so for
/// its own command instead of waking the thread and waiting.
#[derive(Default)]
pub(crate) struct Shared {
    inbox: Mutex<Inbox>,
    room: Arc<Room>,
    /// Whoever runs the engine waits for messages or for the writer.
    runner: Condvar,
    /// The engine thread waits until it is to run the engine.
    thread: Condvar,
    writer: Condvar,
    /// Ids wait in memory because the disk has no room for them.
    ids_lack_room: AtomicBool,
}

/// Why a message was not taken.
pub(crate) enum Refused {
    Full(Load),
    Stopped(Stopped),
}

impl Inbox {
    /// True if there is something to do for the engine, or never will be.
    fn has_work(&self) -> bool {
        self.stopped.is_some()
            || !self.queue.is_empty()
            || self.in_hand && !self.writing
            || self.is_over()
    }

    /// True if closing has begun and nothing more will come.
    fn is_over(&self) -> bool {
        self.closing && self.queue.is_empty() && !self.in_hand && !self.writing && self.looking == 0
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes who has something to do now.
    fn wake(&self, mut inbox: MutexGuard<'_, Inbox>) {
        let (is_thread, waits) = match inbox.running {
            true => (false, std::mem::take(&mut inbox.runner_waits)),
            false if inbox.has_work() => (true, inbox.thread_waits.take().is_some()),
            false => return,
        };
        drop(inbox);
        match (waits, is_thread) {
            (false, _) => {}
            (true, true) => self.thread.notify_one(),
            (true, false) => self.runner.notify_one(),
        }
    }

    /// Refuses a request from outside that there is no room for; its own room is taken already.
    /// Without any other there is room for any request, which has limits of its own. While ids
    /// wait for want of room on the disk, the engine refuses what is new, and tells what was done
    /// before.
    fn check_room(&self, inbox: &Inbox, own: &Request, limit: Load) -> Result<(), Refused> {
        if inbox.closing {
            return Err(Refused::Stopped(Stopped { why: "it is closing".into() }));
        }
        let taken = self.room.taken();
        let others = taken.without(Load::of(own));
        let is_behind = inbox.behind && !self.ids_lack_room();
        if is_behind || others.commands > 0 && !taken.is_within(limit) {
            return Err(Refused::Full(others));
        }
        Ok(())
    }

    /// Takes a request from outside, if there is room and the node is not closing. `accept` is
    /// asked under the lock and says whether what was looked up still holds. Who `may_lead` gets to
    /// run the engine if it rests.
    pub(crate) fn admit(
        &self,
        (pending, prepared): (&Arc<Pending>, Prepared),
        limit: Load,
        may_lead: bool,
        accept: impl FnOnce() -> bool,
    ) -> Result<Admitted, Refused> {
        let range = 0..pending.request.len();
        let message = Message::Commands { pending: Arc::clone(pending), range, prepared };
        let inbox = self.lock();
        self.check_room(&inbox, &pending.request, limit)?;
        self.put(inbox, message, may_lead, accept)
    }

    /// Takes a message that was admitted before, or that the node itself sends.
    pub(crate) fn push(
        &self,
        message: Message,
        accept: impl FnOnce() -> bool,
    ) -> Result<Admitted, Refused> {
        self.put(self.lock(), message, false, accept)
    }

    fn put(
        &self,
        mut inbox: MutexGuard<'_, Inbox>,
        message: Message,
        may_lead: bool,
        accept: impl FnOnce() -> bool,
    ) -> Result<Admitted, Refused> {
        if let Some(stopped) = &inbox.stopped {
            return Err(Refused::Stopped(stopped.clone()));
        }
        if inbox.ended {
            return Err(Refused::Stopped(Stopped { why: "it was closed".into() }));
        }
        if !accept() {
            return Ok(Admitted::OutOfDate);
        }
        let rests = !inbox.running && !inbox.writing && !inbox.has_work();
        inbox.queue.push_back(message);
        if may_lead && rests {
            inbox.running = true;
            return Ok(Admitted::Leads);
        }
        self.wake(inbox);
        Ok(Admitted::Queued)
    }

    /// Where requests take their room.
    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Nothing new is taken from now on; what waits is still done.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.wake_all();
    }

    fn wake_all(&self) {
        self.runner.notify_all();
        self.thread.notify_all();
        self.writer.notify_all();
    }

    /// Pushes callers back, or no longer.
    pub(crate) fn set_behind(&self, behind: bool) {
        self.lock().behind = behind;
    }

    /// Notes whether ids wait for want of room on the disk.
    pub(crate) fn set_ids_lack_room(&self, lack: bool) {
        self.ids_lack_room.store(lack, Relaxed);
    }

    /// True while ids wait for want of room on the disk.
    pub(crate) fn ids_lack_room(&self) -> bool {
        self.ids_lack_room.load(Relaxed)
    }

    /// A look-up begins that will send messages, for a command that was admitted before.
    pub(crate) fn begin_look(&self) {
        self.lock().looking += 1;
    }

    /// A look-up begins for a request from outside, if there is room for it.
    pub(crate) fn admit_look(&self, request: &Request, limit: Load) -> Result<(), Refused> {
        let mut inbox = self.lock();
        self.check_room(&inbox, request, limit)?;
        inbox.looking += 1;
        Ok(())
    }

    /// A look-up has sent its messages.
    pub(crate) fn end_look(&self) {
        let mut inbox = self.lock();
        inbox.looking -= 1;
        self.wake(inbox);
    }

    /// The engine thread has ended: the writer may end too, and what still waits is dropped, which
    /// answers it.
    pub(crate) fn engine_ended(&self) {
        let left = {
            let mut inbox = self.lock();
            inbox.ended = true;
            std::mem::take(&mut inbox.queue)
        };
        self.writer.notify_all();
        drop(left);
    }

    /// True once closing has begun.
    pub(crate) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// The end: nothing is taken or acknowledged any more. What still waits is told so.
    pub(crate) fn stop(&self, stopped: Stopped) {
        let (queue, work) = {
            let mut inbox = self.lock();
            inbox.stopped.get_or_insert(stopped.clone());
            (std::mem::take(&mut inbox.queue), inbox.work.take())
        };
        self.wake_all();
        for message in queue {
            match message {
                Message::Commands { pending, .. } => pending.stop(&stopped),
                Message::Visit(_) => {}
            }
        }
        for completion in work.into_iter().flat_map(|w| w.completions) {
            completion.stop(&stopped);
        }
    }

    /// Why everything stopped, if it did.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
        self.lock().stopped.clone()
    }
}

/// Stops the node if the thread that has it panics, so that nobody waits for it for ever.
pub(crate) struct StopOnPanic<'a>(pub(crate) &'a Shared);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(Stopped { why: "a broken invariant ended one of its threads".into() });
        }
    }
}

#[cfg(test)]
mod tests;
