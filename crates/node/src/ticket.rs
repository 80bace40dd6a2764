//! Tickets: a value that comes later, for threads that wait and for tasks that are polled.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::Thread;

/// The node stopped before there was an answer. Whether a command was recorded is known after a
/// restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Why it stopped.
    pub why: Arc<str>,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the node stopped: {}", self.why)
    }
}

impl std::error::Error for Stopped {}

/// A value that comes later: wait for it on a thread, or await it in a task.
#[derive(Debug)]
#[must_use = "the answer is lost if nobody waits for it"]
pub struct Ticket<T> {
    slot: Arc<Slot<T>>,
}

/// The other end of a ticket. If it is dropped without an answer, the answer is that the node
/// stopped.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    slot: Arc<Slot<T>>,
}

#[derive(Debug)]
struct Slot<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    value: Option<Result<T, Stopped>>,
    waiter: Option<Waiter>,
}

#[derive(Debug)]
enum Waiter {
    Thread(Thread),
    Task(Waker),
}

impl<T> Ticket<T> {
    pub(crate) fn new() -> (Ticket<T>, Answer<T>) {
        let inner = Inner { value: None, waiter: None };
        let slot = Arc::new(Slot { inner: Mutex::new(inner) });
        (Ticket { slot: Arc::clone(&slot) }, Answer { slot })
    }

    /// True if waiting would not wait.
    pub(crate) fn is_ready(&self) -> bool {
        self.slot.lock().value.is_some()
    }

    /// Waits until the value is there.
    ///
    /// # Errors
    /// [`Stopped`] if the node stops first.
    pub fn wait(self) -> Result<T, Stopped> {
        loop {
            {
                let mut inner = self.slot.lock();
                if let Some(value) = inner.value.take() {
                    return value;
                }
                inner.waiter = Some(Waiter::Thread(std::thread::current()));
            }
            std::thread::park();
        }
    }
}

impl<T> Future for Ticket<T> {
    type Output = Result<T, Stopped>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.slot.lock();
        if let Some(value) = inner.value.take() {
            return Poll::Ready(value);
        }
        match &mut inner.waiter {
            Some(Waiter::Task(waker)) => waker.clone_from(context.waker()),
            waiter => *waiter = Some(Waiter::Task(context.waker().clone())),
        }
        Poll::Pending
    }
}

impl<T> Answer<T> {
    /// Gives the value. Only the first one counts.
    pub(crate) fn give(&self, value: Result<T, Stopped>) {
        self.slot.complete(value);
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        if Arc::strong_count(&self.slot) > 1 {
            let why = "it was closed before there was an answer".into();
            self.slot.complete(Err(Stopped { why }));
        }
    }
}

impl<T> Slot<T> {
    fn complete(&self, value: Result<T, Stopped>) {
        let waiter = {
            let mut inner = self.lock();
            if inner.value.is_none() {
                inner.value = Some(value);
            }
            inner.waiter.take()
        };
        match waiter {
            Some(Waiter::Thread(thread)) => thread.unpark(),
            Some(Waiter::Task(waker)) => waker.wake(),
            None => {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
