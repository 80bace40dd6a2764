//! What the look-up thread of a node does.

use super::{Call, Machine};
use crate::marks::Mark;
use crate::variant::Variant;
use courant_engine::{Command, Facts, Lsn};
use courant_ledger::Reason;
use courant_node::parts::{Archive, Found, in_memory, may_hold};
use courant_node::{Reply, Unavailable};

/// A call that has to be looked for in the records.
#[derive(Debug)]
pub(super) struct LookUp {
    pub(super) call: Call,
    /// What the ids in memory say.
    pub(super) candidates: Vec<Lsn>,
    /// It came here before a candidate was durable.
    pub(super) waited: bool,
}

/// What is known about a command when the engine sees it.
#[derive(Debug)]
pub(super) enum Known {
    Answer(Reply),
    Facts(Facts),
}

impl Machine {
    /// A call on its way to the engine: over the index on disk if that may hold something.
    pub(super) fn enqueue(&mut self, call: Call) {
        let runs = self.index.runs();
        let searched_before = runs.generations();
        if searched_before > 0 && may_hold(&runs, &self.tagger, call.request.asked(0)) {
            self.look_ups.push_back(LookUp { call, candidates: Vec::new(), waited: false });
        } else {
            let facts = Facts { searched_before, ..Facts::default() };
            self.inbox.push_back((call, Known::Facts(facts)));
        }
    }

    /// Looks up the call that waits longest, unless what it waits for is not durable.
    pub(crate) fn look_up(&mut self) {
        let Some(mut look_up) = self.look_ups.pop_front() else { return };
        let end = Lsn(self.history.reader.durable_end().0);
        if look_up.candidates.iter().any(|lsn| *lsn >= end) {
            look_up.waited = true;
            self.look_ups.push_back(look_up);
            return;
        }
        let known = self.known(&look_up);
        if let Known::Answer(Reply::Retired { .. }) = known {
            let memory = in_memory(self.engine(), look_up.call.request.asked(0));
            if !memory.iter().all(|lsn| look_up.candidates.contains(lsn)) {
                look_up.candidates = memory;
                self.marks.take(Mark::RetiredAndLookedAgain);
                self.look_ups.push_back(look_up);
                return;
            }
            self.marks.take(Mark::AnsweredRetired);
        }
        self.inbox.push_back((look_up.call, known));
    }

    fn known(&mut self, look_up: &LookUp) -> Known {
        let LookUp { call, candidates, .. } = look_up;
        let asked = call.request.asked(0);
        let runs = self.index.runs();
        let searched_before = runs.generations();
        if candidates.is_empty() && !may_hold(&runs, &self.tagger, asked) {
            return Known::Facts(Facts { searched_before, ..Facts::default() });
        }
        let archive = Archive { index: &self.index, history: &self.history, tagger: &self.tagger };
        match archive.look_up(asked, candidates) {
            Ok(Found::Answer(reply)) => {
                self.mark_answer(look_up, &reply);
                self.unless_paid_again(look_up, reply, searched_before)
            }
            Ok(Found::Facts(facts)) => {
                let nothing = facts.payment.is_none() && facts.unrelated.is_empty();
                let on_disk = candidates.is_empty();
                self.marks.take_if(on_disk && nothing, Mark::FalsePositive);
                self.marks.take_if(on_disk && facts.payment.is_some(), Mark::ColdStep);
                Known::Facts(facts)
            }
            Err(_) => {
                self.marks.take(Mark::LookUpFailed);
                Known::Answer(Reply::Unavailable(Unavailable::HistoryUnreadable))
            }
        }
    }

    fn mark_answer(&mut self, look_up: &LookUp, reply: &Reply) {
        let in_memory = !look_up.candidates.is_empty();
        let mark = match reply {
            Reply::Recorded { .. } if in_memory => Mark::RepeatInMemory,
            Reply::Recorded { .. } => Mark::RepeatOnDisk,
            Reply::Refused { reason: Reason::IdempotencyConflict, .. } if in_memory => {
                Mark::ConflictInMemory
            }
            Reply::Refused { reason: Reason::IdempotencyConflict, .. } => Mark::ConflictOnDisk,
            _ => return,
        };
        self.marks.take(mark);
        let repeat = matches!(reply, Reply::Recorded { .. });
        self.marks.take_if(repeat && look_up.waited, Mark::RepeatOfUndurable);
    }

    /// The answer, but for the variant that takes a repeated payment for a new one.
    fn unless_paid_again(&self, look_up: &LookUp, reply: Reply, searched_before: u64) -> Known {
        let Reply::Recorded { lsn, .. } = reply else { return Known::Answer(reply) };
        let pays = matches!(look_up.call.request.asked(0).command(), Command::Pay(_));
        if self.variant != Variant::RepeatPaid || !pays {
            return Known::Answer(reply);
        }
        let unrelated = look_up.candidates.iter().copied().chain([lsn]).collect();
        Known::Facts(Facts { searched_before, unrelated, payment: None })
    }
}
