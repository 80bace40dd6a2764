//! The thread that retires old segments of the journal, and what a running node needs of them.

use super::{LOOK_AROUND, Pause};
use crate::core::Core;
use crate::retention::{Keep, Need};
use crate::retire::{Failed, Needs, Retirer, Site};
use courant_engine::{Engine, Lsn};
use courant_journal::Storage;
use courant_ledger::IdBuf;
use std::ops::ControlFlow;

/// Open payments looked at between two commands.
const OPEN_PAYMENTS_STEP: usize = 2_000;

/// Works until the node ends.
pub(super) fn run<S: Storage>(core: &Core<S>, retirer: &mut Retirer<S>, keep: Keep) {
    let mut pause = Pause::default();
    let mut needs = Running { core, held_by: None, warned: false };
    while !core.is_ending() {
        if pause.is_over() {
            let site = Site {
                history: &core.history,
                retired: &core.retired,
                index: &core.index,
                snapshots: &core.snapshots,
                options: &core.options,
                now: core.counters().now(),
            };
            let tried = retirer.step(&site, keep, &mut needs);
            core.counters().held_by(match &tried {
                Err(Failed::Needed(need, from)) => Some((*need, *from)),
                _ => None,
            });
            needs.warn_of_reader(&tried);
            match tried {
                Ok(segments) => {
                    core.counters().retired(segments);
                    let _ = pause.after(Ok::<(), String>(()));
                    continue;
                }
                Err(Failed::NotYet | Failed::Needed(..)) => {}
                Err(Failed::Because(why)) => {
                    if let Some(why) = pause.after(Err::<(), String>(why)) {
                        core.warn(format!(
                            "retiring journal segments failed, will try again: {why}"
                        ));
                    }
                }
            }
        }
        std::thread::park_timeout(LOOK_AROUND);
    }
}

/// What needs the journal of a running node.
struct Running<'a, S: Storage> {
    core: &'a Core<S>,
    /// An open payment whose first record holds the journal back.
    held_by: Option<(IdBuf, Lsn)>,
    /// It was told that a reader may soon lose its place.
    warned: bool,
}

impl<S: Storage> Running<'_, S> {
    /// A reader before this is too far behind.
    fn reach(&self) -> Lsn {
        let end = self.core.history.reader.durable_end().0;
        Lsn(end.saturating_sub(self.core.options.reader_lag_bytes_max))
    }

    /// Says once that a reader has used up half of what it may be behind.
    fn warn_of_reader<T>(&mut self, tried: &Result<T, Failed>) {
        let Err(Failed::Needed(Need::Reader, from)) = tried else {
            self.warned = false;
            return;
        };
        let most = self.core.options.reader_lag_bytes_max;
        let behind = self.core.history.reader.durable_end().0.saturating_sub(from.0);
        if behind > most / 2 && !std::mem::replace(&mut self.warned, true) {
            self.core.warn(format!(
                "a reader of the journal is {behind} bytes behind and keeps old segments; beyond \
                 {most} bytes it loses its place"
            ));
        }
    }
}

impl<S: Storage> Needs for Running<'_, S> {
    fn oldest_reader(&mut self) -> Option<Lsn> {
        self.core.cursors.oldest_from(self.reach())
    }

    fn lose_readers(&mut self, end: Lsn) -> Result<(), Failed> {
        let lost = self.core.cursors.lose_before(end, self.reach());
        let lost = lost.map_err(|needed| Failed::Needed(Need::Reader, needed))?;
        if lost > 0 {
            self.core.counters().readers_lost(lost as u64);
            self.core.warn(format!(
                "{lost} readers of the journal were more than {} bytes behind and have lost their \
                 places: what they have not read goes as the retention says",
                self.core.options.reader_lag_bytes_max
            ));
        }
        Ok(())
    }

    fn open_before(&mut self, end: Lsn) -> Result<Option<Lsn>, Failed> {
        if let Some((id, origin)) = self.held_by
            && origin < end
        {
            let visit = move |engine: &mut Engine| engine.open_payment(id.as_id()).is_some();
            if self.core.visit(visit).wait().map_err(|_| Failed::NotYet)? {
                return Ok(Some(origin));
            }
        }
        self.held_by = None;
        let mut after = None;
        loop {
            let step = self.core.visit(move |engine: &mut Engine| look(engine, after, end));
            match step.wait().map_err(|_| Failed::NotYet)? {
                ControlFlow::Break(held_by) => {
                    self.held_by = held_by;
                    return Ok(held_by.map(|(_, origin)| origin));
                }
                ControlFlow::Continue(last) => after = Some(last),
            }
        }
    }
}

/// Looks at some open payments: one that began before `end`, none, or where to go on.
fn look(
    engine: &Engine,
    after: Option<IdBuf>,
    end: Lsn,
) -> ControlFlow<Option<(IdBuf, Lsn)>, IdBuf> {
    let mut last = None;
    for (id, open) in engine.open_payments_after(after).take(OPEN_PAYMENTS_STEP) {
        if open.origin < end {
            return ControlFlow::Break(Some((*id, open.origin)));
        }
        last = Some(*id);
    }
    last.map_or(ControlFlow::Break(None), ControlFlow::Continue)
}
