//! The node: a handle to the threads that run an engine on a journal.

use crate::committer::Committer;
use crate::engine_thread::EngineThread;
use crate::error::{OpenError, SubmitError};
use crate::housekeeping::{self, Lookup};
use crate::ids::index::IdIndex;
use crate::inbox::{Message, Pending, Refused, Replies, Shared};
use crate::options::NodeOptions;
use crate::prepared::Prepared;
use crate::read::{AccountRead, PaymentRead, TrialBalance};
use crate::recover::{self, OpenReport, Opened};
use crate::request::{Reply, Request};
use crate::stats::{Counters, Stats};
use crate::store::Store;
use crate::ticket::{Stopped, Ticket};
use crate::{examine, lookup};
use courant_engine::{Caller, Candidates, Command, Engine, Frozen, Key, Lsn, record};
use courant_journal::{OsStorage, Payload, ReadError, Reader, Scan, Storage};
use courant_ledger::{AccountNo, FieldError, Id, IdBuf, TagDomain, Tagger};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A running node. Clones are handles to the same one.
#[derive(Clone)]
pub struct Node {
    core: Arc<Core<OsStorage>>,
    threads: Arc<Threads>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("report", &self.core.report).finish_non_exhaustive()
    }
}

/// What the node's threads share.
pub(crate) struct Core<S: Storage> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) committer: Arc<Committer<S>>,
    pub(crate) index: IdIndex<S>,
    pub(crate) reader: Reader<S>,
    pub(crate) snapshots: S,
    pub(crate) tagger: Tagger,
    pub(crate) options: NodeOptions,
    report: OpenReport,
    snapshot_at: AtomicU64,
    lookups: Mutex<Option<Sender<Lookup>>>,
    warnings: Mutex<Vec<String>>,
}

/// The most accounts in one page.
pub const ACCOUNTS_PAGE_MAX: usize = 1_000;

/// How many warnings are kept until somebody takes them.
const WARNINGS_MAX: usize = 100;

impl Node {
    /// Opens a data directory, or creates it with mode 0700, and starts the threads.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub fn open(directory: &Path, options: NodeOptions) -> Result<Node, OpenError> {
        let storage = OsStorage::open(directory, options.direct_io)
            .map_err(OpenError::io(format!("opening {}", directory.display())))?;
        let opened = recover::open(&storage, &options)?;
        Ok(Node::start(opened, options))
    }

    fn start(opened: Opened<OsStorage>, options: NodeOptions) -> Node {
        let Opened { engine, appender, writer, reader, index, snapshots, report, .. } = opened;
        let (mut preparer, mut chain) = (opened.preparer, opened.chain);
        let shared = Arc::new(Shared::default());
        let counters = Arc::new(Counters::default());
        let committer = Arc::new(Committer::new(writer, Arc::clone(&shared), counters));
        let (lookup_sender, lookup_receiver) = channel();
        let (frozen_sender, frozen_receiver) = channel::<Arc<Frozen>>();
        let (space_sender, space_receiver) = sync_channel::<()>(1);
        let core = Arc::new(Core {
            shared: Arc::clone(&shared),
            committer: Arc::clone(&committer),
            index,
            reader,
            snapshots,
            tagger: engine.tagger(),
            options,
            snapshot_at: AtomicU64::new(report.snapshot.0),
            report,
            lookups: Mutex::new(Some(lookup_sender.clone())),
            warnings: Mutex::default(),
        });
        let wake = Box::new(move || {
            let _ = space_sender.try_send(());
        });
        let store = Store::new(engine, appender);
        let senders = (lookup_sender, frozen_sender);
        let engine = EngineThread::new(store, shared, Arc::clone(&committer), senders, wake);
        let mut threads = Threads::new(&core);
        threads.spawn("courant-engine", move || engine.run());
        let writer = Arc::clone(&committer);
        threads.spawn("courant-journal", move || writer.run());
        let this = Arc::clone(&core);
        threads.spawn("courant-lookup", move || housekeeping::look_ups(&this, &lookup_receiver));
        let this = Arc::clone(&core);
        threads.spawn("courant-space", move || {
            let warn = |text| this.warn(text);
            housekeeping::prepare(
                &this.shared,
                &this.committer,
                &mut preparer,
                &space_receiver,
                &warn,
            );
        });
        let this = Arc::clone(&core);
        threads.spawn("courant-background", move || {
            housekeeping::background(&this, &frozen_receiver);
        });
        let this = Arc::clone(&core);
        threads.spawn("courant-chain", move || housekeeping::chain(&this, &mut chain));
        Node { core, threads: Arc::new(threads) }
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
        let ticket = self.submit(request).map_err(CallError::Submit)?;
        let replies = ticket.wait().map_err(CallError::Stopped)?;
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

    /// A payment by its id, however old.
    pub fn payment(&self, id: Id<'_>) -> Ticket<Option<PaymentRead>> {
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
    pub fn record(&self, lsn: Lsn) -> Result<Option<Payload>, ReadError> {
        let read = self.core.reader.read(courant_journal::Lsn(lsn.0))?;
        Ok(read.map(|record| record.payload))
    }

    /// The durable records from a position on. Blocks while it reads the disk; ends at the durable
    /// end.
    pub fn scan(&self, from: Lsn) -> Scan<OsStorage> {
        self.core.reader.scan(courant_journal::Lsn(from.0))
    }

    /// Every record below it is durable.
    pub fn durable_end(&self) -> Lsn {
        Lsn(self.core.reader.durable_end().0)
    }

    /// Waits until something above `after` is durable, at most for `timeout`; gives the durable
    /// end.
    pub fn wait_durable(&self, after: Lsn, timeout: Duration) -> Lsn {
        Lsn(self.core.reader.wait_durable(courant_journal::Lsn(after.0), timeout).0)
    }

    /// Calls `call` with the durable end after each batch, on the thread that committed it: it must
    /// be quick. Calls of different batches may overtake each other.
    pub fn on_durable(&self, call: impl Fn(Lsn) + Send + Sync + 'static) {
        self.core.committer.on_durable(Box::new(call));
    }

    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        let (id_runs, id_entries, id_filter_bytes) = self.core.index.runs().size();
        let inbox = self.core.shared.waiting();
        Stats { inbox, id_runs, id_entries, id_filter_bytes, ..self.core.counters().read() }
    }

    /// What went wrong in the background and was or will be tried again, since the last call.
    pub fn take_warnings(&self) -> Vec<String> {
        let mut warnings = self.core.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *warnings)
    }

    /// Makes a snapshot now. Blocks until it is durable.
    pub fn snapshot(&self) -> Result<(), String> {
        housekeeping::snapshot(&self.core)
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

/// The node's threads, the engine's first. Dropping them closes the node.
struct Threads {
    core: Arc<Core<OsStorage>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    fn new(core: &Arc<Core<OsStorage>>) -> Threads {
        Threads { core: Arc::clone(core), handles: Mutex::default() }
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) {
        let builder = std::thread::Builder::new().name(name.into());
        let thread = builder.spawn(work).expect("the system has threads for a node");
        self.handles.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    fn close(&self) {
        self.core.shared.close();
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        for (nth, thread) in handles.drain(..).enumerate() {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
            if nth == 0 {
                // The engine has ended, so nothing will be looked up any more.
                self.core.lookups.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.close();
        }
    }
}

/// Why a call had no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// The command breaks a rule that needs no state.
    Field(FieldError),
    /// It was not taken.
    Submit(SubmitError),
    /// The node stopped; whether it was recorded is known after a restart.
    Stopped(Stopped),
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CallError::Field(error) => error.fmt(f),
            CallError::Submit(error) => error.fmt(f),
            CallError::Stopped(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CallError {}

impl<S: Storage> Core<S> {
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        self.committer.counters()
    }

    pub(crate) fn archive(&self) -> lookup::Archive<'_, S> {
        lookup::Archive { index: &self.index, reader: &self.reader, tagger: &self.tagger }
    }

    fn submit(&self, request: Request) -> Result<Ticket<Replies>, SubmitError> {
        if request.is_empty() {
            return Err(SubmitError::Empty);
        }
        let (ticket, answer) = Ticket::new();
        let pending = Arc::new(Pending::new(request, answer));
        loop {
            let runs = self.index.runs();
            let generations = runs.generations();
            let count = pending.request.len();
            let on_disk = generations > 0
                && (0..count)
                    .any(|i| lookup::may_hold(&runs, &self.tagger, pending.request.asked(i)));
            if on_disk {
                self.shared.begin_look();
                self.send_lookup(Lookup::Request(pending));
                return Ok(ticket);
            }
            let mut prepared = Prepared::default();
            prepared.usual.searched_before = generations;
            let message =
                Message::Commands { pending: Arc::clone(&pending), range: 0..count, prepared };
            let limit = self.options.inbox_commands_max;
            let unchanged = || self.index.runs().generations() == generations;
            match self.shared.admit(message, limit, unchanged) {
                Ok(None) => return Ok(ticket),
                // A generation went to disk in the meantime: look there too.
                Ok(Some(_)) => {}
                Err(Refused::Full(waiting)) => return Err(SubmitError::Full { waiting }),
                Err(Refused::Stopped(stopped)) => return Err(SubmitError::Stopped(stopped)),
            }
        }
    }

    /// Does something with the engine between two commands; the ticket gives its result once
    /// everything it can have seen is durable.
    pub(crate) fn visit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engine) -> T + Send + 'static,
    ) -> Ticket<T> {
        let (ticket, answer) = Ticket::new();
        let visit = Box::new(move |engine: &mut Engine| {
            let result = work(engine);
            let then = move |durable: Result<(), Stopped>| answer.give(durable.map(|()| result));
            Box::new(then) as crate::inbox::Afterwards
        });
        // If it is refused the answer is dropped, which says that the node stopped.
        let _ = self.shared.push(Message::Visit(visit), || true);
        ticket
    }

    fn send_lookup(&self, lookup: Lookup) {
        let sender = self.lookups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*sender {
            let _ = sender.send(lookup);
        }
    }

    fn payment(self: &Arc<Self>, id: IdBuf) -> Ticket<Option<PaymentRead>> {
        let (ticket, answer) = Ticket::new();
        let this = Arc::clone(self);
        self.visit_then(
            move |engine| match engine.open_payment(id.as_id()) {
                Some(open) => Candidates::from_slice(&[open.latest]),
                None => engine.payment_candidates(id.as_id()),
            },
            move |candidates| {
                let core = Arc::clone(&this);
                let job = move || match core.read_payment(id, &candidates) {
                    Ok(found) => answer.give(Ok(found)),
                    Err(error) => {
                        let why = format!("a payment cannot be read: {error}");
                        core.warn(why.clone());
                        answer.give(Err(Stopped { why: why.into() }));
                    }
                };
                this.send_lookup(Lookup::Job(Box::new(job)));
            },
        );
        ticket
    }

    /// As [`Core::visit`], and then something with the result, on the thread that committed.
    fn visit_then<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engine) -> T + Send + 'static,
        then: impl FnOnce(T) + Send + 'static,
    ) {
        let visit = Box::new(move |engine: &mut Engine| {
            let result = work(engine);
            let afterwards = move |durable: Result<(), Stopped>| {
                if durable.is_ok() {
                    then(result);
                }
            };
            Box::new(afterwards) as crate::inbox::Afterwards
        });
        // If it is refused, what `then` holds is dropped, and with it an answer that waits.
        let _ = self.shared.push(Message::Visit(visit), || true);
    }

    fn read_payment(
        &self,
        id: IdBuf,
        candidates: &[Lsn],
    ) -> Result<Option<PaymentRead>, lookup::LookupError> {
        let tag = self.tagger.tag(TagDomain::Payment, id.as_str());
        let mut all = candidates.to_vec();
        all.extend(self.index.find(tag)?);
        all.sort_unstable_by(|a, b| b.cmp(a));
        for lsn in all {
            let latest = self.read(lsn)?;
            let decoded =
                record::decode(&latest).map_err(|e| lookup::LookupError::Record(lsn, e))?;
            if let Some(open) = examine::payment_in(&decoded, lsn, id.as_id()) {
                let origin_lsn = open.origin;
                drop(decoded);
                let origin =
                    if origin_lsn == lsn { latest.clone() } else { self.read(origin_lsn)? };
                return Ok(Some(PaymentRead { id, origin_lsn, origin, latest_lsn: lsn, latest }));
            }
        }
        Ok(None)
    }

    fn read(&self, lsn: Lsn) -> Result<Payload, lookup::LookupError> {
        let read = self.reader.read(courant_journal::Lsn(lsn.0))?;
        read.map(|r| r.payload).ok_or(lookup::LookupError::Missing(lsn))
    }

    /// Waits until the record at a position is durable, or the node stops.
    pub(crate) fn wait_durable(&self, lsn: Lsn) {
        let at = courant_journal::Lsn(lsn.0);
        while self.reader.durable_end() <= at && self.shared.stopped().is_none() {
            let _ = self.reader.wait_durable(at, Duration::from_millis(100));
        }
    }

    /// True if enough was written since the last snapshot began.
    pub(crate) fn snapshot_is_due(&self) -> bool {
        let end = self.reader.durable_end().0;
        let last = self.snapshot_at.load(Relaxed);
        let due = end.saturating_sub(last) >= self.options.snapshot_bytes;
        if due {
            self.snapshot_at.store(end, Relaxed);
        }
        due
    }

    pub(crate) fn warn(&self, text: String) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if warnings.len() < WARNINGS_MAX {
            warnings.push(text);
        }
    }

    /// Ends the node because something broke that cannot be tried again.
    pub(crate) fn fail(&self, why: String) {
        self.shared.stop(Stopped { why: why.into() });
    }
}
