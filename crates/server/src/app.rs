//! What every handler works with: the node, the settings, the keys, and the signs that something
//! happened.

use crate::access::Keyring;
use crate::config::Config;
use crate::metrics::HttpMetrics;
use crate::problem::{Fault, Problem};
use crate::records;
use courant_engine::Lsn;
use courant_node::{Node, Replies, Reply, Request, SubmitError, Unavailable};
use tokio::sync::{Mutex, Semaphore, watch};

/// The one state of the server, shared by all requests.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) node: Node,
    pub(crate) config: Config,
    pub(crate) keyring: Keyring,
    /// Taken while keys are changed and read again, so that an older view never replaces a newer
    /// one.
    pub(crate) key_changes: Mutex<()>,
    /// All records below are durable; event streams wait for it to move.
    pub(crate) durable: watch::Receiver<Lsn>,
    /// True once the server shuts down: event streams end.
    pub(crate) closing: watch::Receiver<bool>,
    /// A permit for each event stream.
    pub(crate) streams: std::sync::Arc<Semaphore>,
    pub(crate) metrics: HttpMetrics,
    /// Names this data directory in events.
    pub(crate) source: String,
}

/// What became of a command that was recorded, now or before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded {
    pub(crate) lsn: Lsn,
    pub(crate) is_repeat: bool,
}

impl App {
    /// Hands commands to the engine and waits until what they came to is durable.
    pub(crate) async fn submit(&self, request: Request) -> Result<Replies, Problem> {
        let ticket = self.node.submit(request).map_err(|error| match error {
            SubmitError::Full { .. } => Problem::from(Fault::Busy),
            SubmitError::Stopped(_) => Fault::Stopped.into(),
            SubmitError::Empty => Problem::internal(error),
        })?;
        ticket.await.map_err(|_| Fault::Stopped.into())
    }

    /// As [`App::submit`], for the one command of a request.
    pub(crate) async fn record(&self, request: Request) -> Result<Recorded, Problem> {
        let replies = self.submit(request).await?;
        let reply = replies.first().ok_or_else(|| Problem::internal("a command has no reply"))?;
        match *reply {
            Reply::Recorded { lsn, repeat, .. } => Ok(Recorded { lsn, is_repeat: repeat }),
            Reply::Refused { reason, index } => Err(Problem::from(reason).of_payment(index)),
            Reply::Unavailable(why) => Err(unavailable(why)),
            Reply::Retired { lsn } => Err(records::retired(&self.node.retired(lsn))),
        }
    }

    /// Runs something that may wait for the disk where it holds up no other request.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Node) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let node = self.node.clone();
        match tokio::task::spawn_blocking(move || work(&node)).await {
            Ok(done) => done,
            Err(error) => Err(Problem::internal(error)),
        }
    }
}

/// Why the server cannot decide now.
pub(crate) fn unavailable(unavailable: Unavailable) -> Problem {
    match unavailable {
        Unavailable::StorageFull => Fault::StorageFull.into(),
        Unavailable::HistoryUnreadable => Fault::HistoryUnreadable.into(),
    }
}
