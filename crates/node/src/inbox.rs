//! The inbox: what waits for whoever runs the engine, and what that one waits for.

use crate::clock;
use crate::prepared::Prepared;
use crate::request::{Reply, Request};
use crate::ticket::{Answer, Stopped};
use courant_engine::Engine;
use courant_journal::SealedBatch;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest the engine thread sleeps when nothing is due: bounds how late a clock that was set
/// is noticed.
pub(crate) const IDLE: Duration = Duration::from_millis(500);

/// The replies to a request, one per command, in their order.
pub type Replies = Vec<Reply>;

/// A request and where its replies are collected. They may come in parts and out of order. From its
/// first moment to its last it takes its room.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) request: Request,
    answer: Answer<Replies>,
    replies: Mutex<(usize, Replies)>,
    room: Arc<Room>,
}

impl Pending {
    pub(crate) fn new(request: Request, answer: Answer<Replies>, room: &Arc<Room>) -> Pending {
        // Every place is filled before the replies are seen; this value never is.
        let blank = Reply::Unavailable(crate::Unavailable::StorageFull);
        let count = request.len();
        room.take(Load::of(&request));
        let (replies, room) = (Mutex::new((count, vec![blank; count])), Arc::clone(room));
        Pending { request, answer, replies, room }
    }

    /// Puts in replies that may be seen now, and gives all of them out when the last is there.
    pub(crate) fn fill(&self, replies: &[(usize, Reply)]) {
        let done = {
            let mut guard = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
            let (missing, all) = &mut *guard;
            for (index, reply) in replies {
                all[*index] = *reply;
            }
            *missing -= replies.len();
            (*missing == 0).then(|| std::mem::take(all))
        };
        if let Some(all) = done {
            // Before the caller sees it, who may send the next one then.
            self.room.give_back(Load::of(&self.request));
            self.answer.give(Ok(all));
        }
    }

    pub(crate) fn stop(&self, stopped: &Stopped) {
        self.answer.give(Err(stopped.clone()));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let (missing, _) = self.replies.get_mut().unwrap_or_else(PoisonError::into_inner);
        if *missing > 0 {
            self.room.give_back(Load::of(&self.request));
        }
    }
}

/// How much all requests have that are not answered yet, wherever they are: in the queue, being
/// looked up, or in a batch that is not durable.
#[derive(Debug, Default)]
pub(crate) struct Room {
    commands: AtomicUsize,
    bytes: AtomicUsize,
}

impl Room {
    fn take(&self, load: Load) {
        self.commands.fetch_add(load.commands, Relaxed);
        self.bytes.fetch_add(load.bytes, Relaxed);
    }

    fn give_back(&self, load: Load) {
        self.commands.fetch_sub(load.commands, Relaxed);
        self.bytes.fetch_sub(load.bytes, Relaxed);
    }

    pub(crate) fn taken(&self) -> Load {
        Load { commands: self.commands.load(Relaxed), bytes: self.bytes.load(Relaxed) }
    }
}

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

/// How much waits, or may wait.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) commands: usize,
    /// Of encoded commands.
    pub(crate) bytes: usize,
}

impl Load {
    pub(crate) fn of(request: &Request) -> Load {
        Load { commands: request.len(), bytes: request.bytes_len() }
    }

    /// What is left without something that may not be in it any more.
    fn without(self, gone: Load) -> Load {
        Load {
            commands: self.commands.saturating_sub(gone.commands),
            bytes: self.bytes.saturating_sub(gone.bytes),
        }
    }

    fn is_within(self, limit: Load) -> bool {
        self.commands <= limit.commands && self.bytes <= limit.bytes
    }
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

/// What the threads share under one lock.
#[derive(Default)]
pub(crate) struct Inbox {
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

/// What whoever runs the engine is to do next.
pub(crate) enum Next {
    /// Decide these; the queue is empty now.
    Messages(VecDeque<Message>),
    /// The writer is free, or the time has come for something due.
    Continue,
    /// There is nothing to do, or the journal failed.
    Rest,
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
