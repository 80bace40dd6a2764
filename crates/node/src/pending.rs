//! A request that waits for its replies, and the room it takes until then.

use crate::request::{Reply, Request, Unavailable};
use crate::ticket::{Answer, Stopped};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

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
        let blank = Reply::Unavailable(Unavailable::StorageFull);
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
    pub(crate) fn without(self, gone: Load) -> Load {
        Load {
            commands: self.commands.saturating_sub(gone.commands),
            bytes: self.bytes.saturating_sub(gone.bytes),
        }
    }

    pub(crate) fn is_within(self, limit: Load) -> bool {
        self.commands <= limit.commands && self.bytes <= limit.bytes
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
