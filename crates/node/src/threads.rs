//! The threads of a node: which there are, and how they begin and end.

mod background;
mod ids;
mod journal;
mod look_up;
mod pause;
mod retire;

pub(crate) use background::snapshot;
use pause::Pause;

use crate::core::Core;
use crate::inbox::StopOnPanic;
use crate::messages::{Job, Lookup};
use crate::retire::Retirer;
use courant_engine::Frozen;
use courant_journal::{Chain, Preparer, Storage};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often a thread that has nothing to do looks around: whether a snapshot is due, whether the
/// disk has room again, whether the node ends.
const LOOK_AROUND: Duration = Duration::from_millis(200);

/// What single threads have for themselves.
pub(crate) struct Tools<S: Storage> {
    pub(crate) preparer: Preparer<S>,
    pub(crate) wake_preparer: Receiver<()>,
    pub(crate) chain: Chain<S>,
    pub(crate) retirer: Retirer<S>,
    pub(crate) lookups: Receiver<Lookup>,
    pub(crate) jobs: Receiver<Job>,
    pub(crate) frozen: Receiver<Arc<Frozen>>,
}

/// Which thread is the journal's: it ends after the engine's.
const JOURNAL_THREAD: usize = 1;

/// The node's threads, the engine's and the journal's first. Dropping them closes the node.
pub(crate) struct Threads<S: Storage> {
    core: Arc<Core<S>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl<S: Storage> Threads<S> {
    pub(crate) fn start(core: &Arc<Core<S>>, tools: Tools<S>) -> Threads<S> {
        let mut this = Threads { core: Arc::clone(core), handles: Mutex::default() };
        let Tools { mut preparer, wake_preparer, mut chain, mut retirer, .. } = tools;
        let Tools { lookups, jobs, frozen, .. } = tools;
        this.spawn("courant-engine", |core| run_engine(core));
        this.spawn("courant-journal", |core| core.committer.run());
        this.spawn("courant-lookup", move |core| look_up::look_ups(core, &lookups));
        this.spawn("courant-read", move |core| look_up::read(core, &jobs));
        this.spawn("courant-space", move |core| {
            journal::prepare(core, &mut preparer, &wake_preparer);
        });
        this.spawn("courant-ids", move |core| ids::seal_ids(core, &frozen));
        this.spawn("courant-background", |core| background::background(core));
        this.spawn("courant-chain", move |core| journal::chain(core, &mut chain));
        if let Some(keep) = core.options.retention.keep() {
            this.spawn("courant-retire", move |core| retire::run(core, &mut retirer, keep));
        }
        this
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce(&Core<S>) + Send + 'static) {
        let builder = std::thread::Builder::new().name(name.into());
        let core = Arc::clone(&self.core);
        let guarded = move || {
            let _panicking = StopOnPanic(&core.shared);
            work(&core);
        };
        let thread = builder.spawn(guarded).expect("the system has threads for a node");
        self.handles.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    pub(crate) fn close(&self) {
        self.core.shared.close();
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        for (nth, thread) in handles.drain(..).enumerate() {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
            if nth == JOURNAL_THREAD {
                // The engine has ended, and who waited for its last batch has been told, so nothing
                // will be looked up any more.
                self.core.end_look_ups();
            }
        }
    }
}

impl<S: Storage> Drop for Threads<S> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.close();
        }
    }
}

/// The engine's own thread: runs it whenever there is something to do and no caller does so.
fn run_engine<S: Storage>(core: &Core<S>) {
    let engine = || core.engine.lock().unwrap_or_else(PoisonError::into_inner);
    while core.shared.wait_to_run() {
        let mut engine = engine();
        engine.as_mut().expect("it ends below").run(|| false);
    }
    drop(engine().take());
    core.shared.engine_ended();
}
