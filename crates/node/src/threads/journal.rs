//! The threads that keep the journal: space ahead of it, and the chain of hashes behind it.

use super::{LOOK_AROUND, Pause};
use crate::core::Core;
use courant_journal::{Chain, Preparation, Preparer, Storage};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Bytes that one step of the chain hashes.
const CHAIN_STEP_BYTES: u64 = 1 << 20;

/// How long the chain rests when it has caught up: a hash of many small batches at once costs less
/// than one of each.
const CHAIN_PAUSE: Duration = Duration::from_millis(20);

/// The preparer thread: keeps segments ready, and notices when a full disk has room again.
pub(super) fn prepare<S: Storage>(core: &Core<S>, preparer: &mut Preparer<S>, wake: &Receiver<()>) {
    loop {
        match preparer.run() {
            Ok(Preparation::Ready | Preparation::Working | Preparation::Full(_)) => {
                core.committer.space_is_ready();
            }
            Err(error) => {
                if core.committer.space_failed(error.to_string()) == 1 {
                    core.warn(format!("{error}; this is tried again"));
                }
            }
        }
        match wake.recv_timeout(LOOK_AROUND) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while wake.try_recv().is_ok() {}
        if core.shared.stopped().is_some() {
            return;
        }
    }
}

/// The chain thread: hashes what became durable, a little behind the journal.
pub(super) fn chain<S: Storage>(core: &Core<S>, chain: &mut Chain<S>) {
    let mut pause = Pause::default();
    loop {
        if pause.is_over() {
            let stepped = chain.step(CHAIN_STEP_BYTES);
            let is_more = matches!(stepped, Ok(true));
            if let Some(error) = pause.after(stepped) {
                core.warn(format!("the chain of hashes failed, will try again: {error}"));
            }
            if is_more {
                continue;
            }
        }
        if core.is_ending() {
            return;
        }
        std::thread::park_timeout(CHAIN_PAUSE);
    }
}
