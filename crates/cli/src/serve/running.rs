//! A server that runs on a thread of this process: for `serve`, and for commands that bring their
//! own.

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use courant_journal::{OpenError as JournalError, Progress};
use courant_node::{Node, NodeOptions, OpenError, Retention, TrialBalance};
use courant_server::{Config, ServeError};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::files;
use crate::client::key_in;
use crate::clock::Gap;
use crate::exit::{Exit, Failure};
use crate::offline::JOURNAL;
use crate::output::note;

/// Threads that parse requests and write answers; the node has its own.
const WORKER_THREADS: usize = 2;

/// What may be in a directory that has no journal yet: what a first start makes before it, the
/// demo's directory in that of `serve`, and what a file system has at its top.
const NO_DATA: [&str; 5] = ["ids", "snapshots", "kept", "demo", "lost+found"];

/// What to serve, and where.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) data: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) allow_remote: bool,
    /// Size of the journal's files, in MiB.
    pub(crate) segment_mib: u32,
    /// What becomes of the oldest of them.
    pub(crate) retention: Retention,
    /// How far a reader may be behind and still keep them.
    pub(crate) reader_lag_bytes_max: u64,
    /// How many payments may be open.
    pub(crate) open_payments_max: usize,
    /// Whether SIGINT and SIGTERM end it.
    pub(crate) heeds_signals: bool,
    /// Is told how far the recovery has come.
    pub(crate) recovery: Progress,
}

/// A server that was started.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) url: String,
    /// The admin key, if it was made just now.
    pub(crate) new_key: Option<String>,
    data: PathBuf,
    ask: Arc<Ask>,
    thread: JoinHandle<Result<TrialBalance, Failure>>,
}

/// How the server is asked to stop, and how others see that it does.
#[derive(Debug, Default)]
struct Ask {
    asked: Notify,
    was_asked: AtomicBool,
    /// True from when the server begins to stop, for whatever reason.
    stopping: Arc<AtomicBool>,
}

impl Running {
    /// Opens the directory and starts to serve it; returns once it listens and has recovered.
    pub(crate) fn start(setting: Setting) -> Result<Running, Failure> {
        let mut config = Config::new(&setting.data);
        config.allow_remote = setting.allow_remote;
        courant_server::check_address(&config, setting.listen).map_err(failure)?;
        check_directory(&setting.data)?;
        files::fit(&mut config)?;
        let listener = TcpListener::bind(setting.listen).map_err(|error| {
            let message = format!("cannot listen on {}: {error}", setting.listen);
            let next = "is another server there? --listen 127.0.0.1:0 takes a free port";
            Failure::usage(message).next(next)
        })?;
        let address = listener.local_addr();
        let address = address.map_err(|error| Failure::internal(error.to_string()))?;
        let node = Node::open(&setting.data, setting.node_options())
            .map_err(|error| not_opened(&setting.data, &error))?;
        tell_recovery(&node);
        let new_key = courant_server::first_key(&setting.data, &node);
        let new_key = new_key.map_err(|error| Failure::usage(error.to_string()))?;
        let ask = Arc::new(Ask::default());
        let (started, has_started) = mpsc::channel();
        let serving = Serving { config, node, listener, ask: Arc::clone(&ask) };
        let heeds_signals = setting.heeds_signals;
        let thread = std::thread::spawn(move || serving.run(heeds_signals, &started));
        let running = Running {
            url: format!("http://{address}"),
            new_key: new_key.map(|key| key.token),
            data: setting.data,
            ask,
            thread,
        };
        match has_started.recv() {
            Ok(()) => Ok(running),
            // The thread ended before it served: it says why.
            Err(mpsc::RecvError) => running.wait().and_then(|_| {
                Err(Failure::internal("the server ended before it had begun to serve"))
            }),
        }
    }

    /// An admin key for this server.
    pub(crate) fn key(&self) -> Result<String, Failure> {
        match &self.new_key {
            Some(key) => Ok(key.clone()),
            None => key_in(&self.data),
        }
    }

    /// Turns true when the server begins to stop.
    pub(crate) fn stopping(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ask.stopping)
    }

    /// Whether it stops because somebody wanted it to.
    pub(crate) fn was_asked_to_stop(&self) -> bool {
        self.ask.was_asked.load(Ordering::Relaxed)
    }

    /// Lets the server answer what it has begun, and end.
    pub(crate) fn ask_to_stop(&self) {
        self.ask.asked.notify_one();
    }

    /// Waits until the server has ended, and gives the sums it ended with; an error says why, if
    /// nobody wanted it to.
    pub(crate) fn wait(self) -> Result<TrialBalance, Failure> {
        match self.thread.join() {
            Ok(result) => result,
            Err(_) => Err(Failure::internal("the server's thread failed")),
        }
    }
}

impl Setting {
    fn node_options(&self) -> NodeOptions {
        let mut options = NodeOptions {
            open_payments_max: self.open_payments_max,
            retention: self.retention.clone(),
            reader_lag_bytes_max: self.reader_lag_bytes_max,
            recovery: self.recovery.clone(),
            ..NodeOptions::default()
        };
        let segment_bytes = u64::from(self.segment_mib) << 20;
        options.journal.segment_bytes = segment_bytes;
        options.journal.batch_bytes_max = options.journal.batch_bytes_max.min(segment_bytes / 2);
        options
    }
}

struct Serving {
    config: Config,
    node: Node,
    listener: TcpListener,
    ask: Arc<Ask>,
}

impl Serving {
    fn run(self, heeds_signals: bool, started: &mpsc::Sender<()>) -> Result<TrialBalance, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .thread_name("courant-http")
            .enable_all()
            .build()
            .map_err(|error| Failure::internal(format!("cannot start threads: {error}")))?;
        let Serving { config, node, listener, ask } = self;
        let served = runtime.block_on(async {
            let signals = Signals::new(heeds_signals)?;
            // Nobody waits for it only if this thread's owner has gone, and then nobody needs it.
            let _ = started.send(());
            let shutdown = wait_for_end(signals, &ask);
            courant_server::run(config, node.clone(), listener, shutdown).await.map_err(failure)
        });
        ask.stopping.store(true, Ordering::Relaxed);
        drop(runtime);
        let balance = node.trial_balance().wait();
        node.close();
        served?;
        balance.map_err(|error| Failure::internal(error.to_string()))
    }
}

async fn wait_for_end(mut signals: Option<Signals>, ask: &Ask) {
    let signal = async {
        match &mut signals {
            Some(signals) => signals.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = ask.asked.notified() => {}
        () = signal => note("courant: stopping; what was begun is answered first"),
    }
    ask.was_asked.store(true, Ordering::Relaxed);
    ask.stopping.store(true, Ordering::Relaxed);
}

/// The signals that end a server.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new(wanted: bool) -> Result<Option<Signals>, Failure> {
        if !wanted {
            return Ok(None);
        }
        let listen = |kind| {
            let failed = |error| Failure::internal(format!("cannot wait for signals: {error}"));
            signal(kind).map_err(failed)
        };
        let interrupt = listen(SignalKind::interrupt())?;
        Ok(Some(Signals { interrupt, terminate: listen(SignalKind::terminate())? }))
    }

    async fn recv(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn tell_recovery(node: &Node) {
    let report = node.report();
    if let Some(torn) = &report.journal.torn {
        note(format_args!(
            "courant: cut off an unfinished batch of {} bytes that was never acknowledged",
            torn.bytes
        ));
    }
    for warning in &report.warnings {
        note(format_args!("courant: {warning}"));
    }
    if let Some(last) = report.last_record_at {
        let gap = Gap::to_now(Duration::from_nanos(last.nanos()));
        if gap.is_doubtful() {
            note(format_args!("courant: {gap}"));
        }
    }
}

/// Refuses a directory that is not empty and has no journal: it is another program's, or its
/// journal is gone, and a new one must not take its place. What cannot be listed is left to whoever
/// opens it.
fn check_directory(data: &Path) -> Result<(), Failure> {
    let Ok(entries) = std::fs::read_dir(data) else { return Ok(()) };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    let is_other = |name: &OsString| !NO_DATA.iter().any(|none| name.as_os_str() == *none);
    match names.iter().find(|name| is_other(name)) {
        Some(found) if !data.join(JOURNAL).is_dir() => {
            let found = found.display();
            let message = format!("{} holds {found} and no journal", data.display());
            let next = "name a new or an empty directory; if this one had a journal, bring it \
                        back, or restore a backup: without it the payments are gone";
            Err(Failure::usage(message).next(next))
        }
        _ => Ok(()),
    }
}

fn not_opened(data: &Path, error: &OpenError) -> Failure {
    let exit = match error {
        OpenError::Journal(JournalError::Corrupt(_))
        | OpenError::Read(_)
        | OpenError::Record { .. }
        | OpenError::JournalBehind { .. }
        | OpenError::HistoryMissing { .. }
        | OpenError::Unbalanced
        | OpenError::Damaged { .. } => Exit::Negative,
        _ => Exit::Usage,
    };
    Failure::new(exit, format!("cannot open {}: {error}", data.display()))
}

fn failure(error: ServeError) -> Failure {
    let exit = match error {
        ServeError::Remote(_) | ServeError::Socket(_) | ServeError::Access(_) => Exit::Usage,
        _ => Exit::Internal,
    };
    let failure = Failure::new(exit, error.to_string());
    match error {
        ServeError::Remote(_) => failure.next("or add --allow-remote"),
        ServeError::Stopped(_) => {
            failure.next("mend the disk and start again: what was acknowledged is in the journal")
        }
        _ => failure,
    }
}
