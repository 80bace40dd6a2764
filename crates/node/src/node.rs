//! The node: a handle to the threads that run an engine on a journal.

use crate::clock::{self, Clock};
use crate::committer::Committer;
use crate::core::Core;
use crate::cursors::Cursor;
use crate::error::{CallError, OpenError, SubmitError};
use crate::inbox::Shared;
use crate::incarnation::Incarnations;
use crate::lookup::LookupError;
use crate::options::NodeOptions;
use crate::pending::Replies;
use crate::read::{AccountRead, PaymentRead, TrialBalance};
use crate::recover::{self, OpenReport, Opened};
use crate::request::{Reply, Request};
use crate::retention::{Retention, Retired};
use crate::retire::Retirer;
use crate::runner::Runner;
use crate::stats::Stats;
use crate::store::Store;
use crate::threads::{self, Threads, Tools};
use crate::ticket::{Stopped, Ticket};
use courant_engine::{Caller, Command, Frozen, Key, Lsn};
use courant_journal::{OsStorage, Payload, Scan, Storage};
use courant_ledger::{AccountNo, Id, IdBuf};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A running node. Clones are handles to the same one.
pub struct Node<S: Storage = OsStorage> {
    core: Arc<Core<S>>,
    threads: Arc<Threads<S>>,
}

impl<S: Storage> Clone for Node<S> {
    fn clone(&self) -> Node<S> {
        Node { core: Arc::clone(&self.core), threads: Arc::clone(&self.threads) }
    }
}

impl<S: Storage> std::fmt::Debug for Node<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("report", &self.core.report).finish_non_exhaustive()
    }
}

/// The most accounts in one page.
pub const ACCOUNTS_PAGE_MAX: usize = 1_000;

impl Node {
    /// Opens a data directory, or creates it with mode 0700, and starts the threads.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub fn open(directory: &Path, options: NodeOptions) -> Result<Node, OpenError> {
        let storage = OsStorage::open(directory, options.direct_io)
            .map_err(OpenError::io(format!("opening {}", directory.display())))?;
        Node::open_in(&storage, options)
    }
}

impl<S: Storage> Node<S> {
    /// As [`Node::open`], in any storage.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub fn open_in(storage: &S, options: NodeOptions) -> Result<Node<S>, OpenError> {
        let archive = match &options.retention {
            Retention::Archive { directory, .. } => {
                let opened = storage.elsewhere(directory);
                Some(opened.map_err(OpenError::io(format!("opening {}", directory.display())))?)
            }
            Retention::KeepAll | Retention::Drop { .. } => None,
        };
        let opened = recover::open(storage, &options)?;
        Ok(Node::start(opened, archive, options))
    }

    fn start(opened: Opened<S>, archive: Option<S>, options: NodeOptions) -> Node<S> {
        let shared = Arc::new(Shared::default());
        let committer =
            Arc::new(Committer::new(opened.writer, Arc::clone(&shared), Arc::default()));
        let (lookup_sender, lookups) = channel();
        let (job_sender, jobs) = channel();
        let (frozen_sender, frozen) = channel::<Arc<Frozen>>();
        let (space_sender, wake_preparer) = sync_channel::<()>(1);
        for generation in opened.unsealed {
            let _ = frozen_sender.send(generation);
        }
        let wake = Box::new(move || {
            let _ = space_sender.try_send(());
        });
        let tagger = opened.engine.tagger();
        let store = Store::new(opened.engine, opened.appender);
        let senders = (lookup_sender.clone(), frozen_sender);
        let clock = Clock::start(options.clock.clone());
        let writer = (Arc::clone(&shared), Arc::clone(&committer));
        let engine = Runner::new(store, writer.0, writer.1, senders, (wake, clock));
        let retirer = Retirer::new(opened.preparer.retirer(), archive);
        let (preparer, chain) = (opened.preparer, opened.chain);
        let tools = Tools { preparer, wake_preparer, chain, retirer, lookups, jobs, frozen };
        let core = Arc::new(Core {
            shared,
            engine: Mutex::new(Some(engine)),
            committer,
            index: opened.index,
            history: opened.history,
            retired: opened.retired,
            incarnations: opened.incarnations,
            cursors: Arc::default(),
            snapshots: opened.snapshots,
            tagger,
            options,
            snapshot_at: AtomicU64::new(opened.report.snapshot.0),
            report: opened.report,
            merging: AtomicBool::new(false),
            lookups: Mutex::new(Some(lookup_sender)),
            jobs: Mutex::new(Some(job_sender)),
            warnings: Mutex::default(),
            snapshotting: Mutex::default(),
        });
        Node { threads: Arc::new(Threads::start(&core, tools)), core }
    }

    /// What opening found and did.
    pub fn report(&self) -> &OpenReport {
        &self.core.report
    }

    /// Takes a request. It never waits: the ticket gives the replies once they are durable.
    ///
    /// # Errors
    /// [`SubmitError::Full`] pushes back; the others are final.
    pub fn submit(&self, request: Request) -> Result<Ticket<Replies>, SubmitError> {
        self.core.submit(request)
    }

    /// Submits one command and waits for its reply.
    ///
    /// # Errors
    /// [`CallError`]: the command breaks a rule, or was not taken, or the node stopped.
    pub fn call(&self, caller: Caller<'_>, command: &Command<'_>) -> Result<Reply, CallError> {
        let request = Request::new(caller, command).map_err(CallError::Field)?;
        let replies = self.core.call(request)?;
        Ok(replies[0])
    }

    /// An account by its id.
    pub fn account(&self, id: Id<'_>) -> Ticket<Option<AccountRead>> {
        let id = IdBuf::from(id);
        self.core.visit(move |engine| {
            let (no, account) = engine.account(id.as_id())?;
            Some(AccountRead { no, account: account.clone() })
        })
    }

    /// Accounts from a number on, at most [`ACCOUNTS_PAGE_MAX`].
    pub fn accounts(&self, from: AccountNo, limit: usize) -> Ticket<Vec<AccountRead>> {
        let limit = limit.min(ACCOUNTS_PAGE_MAX);
        self.core.visit(move |engine| {
            let all = engine.accounts_from(from).take(limit);
            all.map(|(no, account)| AccountRead { no, account: account.clone() }).collect()
        })
    }

    /// A payment by its id, however old; an error if its records were archived or dropped.
    pub fn payment(&self, id: Id<'_>) -> Ticket<Result<Option<PaymentRead>, Retired>> {
        self.core.payment(IdBuf::from(id))
    }

    /// The sums of all accounts.
    pub fn trial_balance(&self) -> Ticket<TrialBalance> {
        self.core.visit(|engine| TrialBalance {
            lsn: engine.last(),
            at: engine.now(),
            currencies: engine.totals().collect(),
            balanced: engine.is_balanced(),
            accounts: engine.accounts_count(),
            records: engine.records_count(),
            payments: engine.payments_count(),
            open_payments: engine.open_payments_count(),
        })
    }

    /// All API keys.
    pub fn keys(&self) -> Ticket<Vec<Key>> {
        self.core.visit(|engine| engine.keys().cloned().collect())
    }

    /// The record at a position; `None` if it is not durable yet. Blocks while it reads the disk.
    ///
    /// # Errors
    /// [`LookupError::Retired`] if it was archived or dropped; others if it cannot be read.
    pub fn record(&self, lsn: Lsn) -> Result<Option<Payload>, LookupError> {
        self.core.history.read(lsn)
    }

    /// What is known about a record that was archived or dropped.
    pub fn retired(&self, lsn: Lsn) -> Retired {
        self.core.retired(lsn)
    }

    /// Where the journal begins: what lies before was archived or dropped.
    pub fn journal_begin(&self) -> Lsn {
        Lsn(self.core.history.reader.begin().0)
    }

    /// Where the journal was written anew after it had lost its end.
    pub fn incarnations(&self) -> &Incarnations {
        &self.core.incarnations
    }

    /// A reader's place: records from it on are not retired while the cursor is there, and not
    /// further behind than [`NodeOptions::reader_lag_bytes_max`].
    pub fn cursor(&self, at: Lsn) -> Cursor {
        self.core.cursors.add(at)
    }

    /// The durable records from a position on. Blocks while it reads the disk; ends at the durable
    /// end.
    pub fn scan(&self, from: Lsn) -> Scan<S> {
        self.core.history.reader.scan(courant_journal::Lsn(from.0))
    }

    /// Every record below it is durable.
    pub fn durable_end(&self) -> Lsn {
        Lsn(self.core.history.reader.durable_end().0)
    }

    /// Waits until something above `after` is durable, at most for `timeout`; gives the durable
    /// end.
    pub fn wait_durable(&self, after: Lsn, timeout: Duration) -> Lsn {
        let after = courant_journal::Lsn(after.0);
        Lsn(self.core.history.reader.wait_durable(after, timeout).0)
    }

    /// Calls `call` with the durable end after each batch, on the thread that committed it, which
    /// may be that of a caller: it must be quick, must not wait for the node, and if it panics the
    /// node stops. Calls of different batches may overtake each other.
    pub fn on_durable(&self, call: impl Fn(Lsn) + Send + Sync + 'static) {
        self.core.committer.on_durable(Box::new(call));
    }

    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        let (id_runs, id_entries, id_filter_bytes) = self.core.index.runs().size();
        let counted = self.core.counters().read();
        let waiting = self.core.shared.room().taken();
        Stats {
            inbox: waiting.commands,
            inbox_bytes: waiting.bytes,
            open_payments_max: self.core.options.open_payments_max as u64,
            storage_full: counted.storage_full || self.core.shared.ids_lack_room(),
            journal_begin: self.journal_begin().0,
            journal_end: self.durable_end().0,
            id_runs,
            id_entries,
            id_filter_bytes,
            ..counted
        }
    }

    /// What is wrong with the machine's clock, if something is, and what to do.
    pub fn clock_complaint(&self) -> Option<String> {
        clock::complaint(self.core.counters().clock_step_ns())
    }

    /// What went wrong in the background and was or will be tried again, since the last call: at
    /// most 100 texts, and how many more there were.
    pub fn take_warnings(&self) -> Vec<String> {
        self.core.take_warnings()
    }

    /// Makes a snapshot now. Blocks until it is durable, and before that while the background makes
    /// one.
    pub fn snapshot(&self) -> Result<(), String> {
        threads::snapshot(&self.core)
    }

    /// Why the node has stopped, if it has: after a failed write or sync nothing is acknowledged
    /// any more.
    pub fn stopped(&self) -> Option<Stopped> {
        self.core.shared.stopped()
    }

    /// Takes nothing new, answers everything that was taken, and ends the threads. The same happens
    /// when the last handle is dropped.
    pub fn close(self) {
        self.threads.close();
    }
}

#[cfg(test)]
mod tests;
