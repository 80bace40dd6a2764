//! The auditor: watches from outside what clients were told and what the journal shows, and holds
//! one against the other.
//!
//! It knows no engine. What clients asked and were answered it keeps itself; what happened it reads
//! back from the journal and adds up in its own books. An engine's state is only ever compared with
//! them.

pub(crate) mod book;

use crate::disk::Disk;
use book::{Book, BookAccount, ByTheClock, Finding, Name, names};
use courant_engine::{Command, Engine, Lsn, Outcome, Record, record};
use courant_journal::Reader;
use courant_ledger::{AccountNo, Id, IdBuf, Reason, Status, Sums};
use courant_node::parts::Asked;
use courant_node::{Reply, Unavailable};
use std::collections::BTreeMap;

/// Why an audit did not come to its end.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The journal says itself that it cannot be read.
    Unreadable(String),
    /// What it says is wrong.
    Finding(Finding),
}

impl From<Finding> for Problem {
    fn from(finding: Finding) -> Problem {
        Problem::Finding(finding)
    }
}

/// A question as it was asked: equal ones must have one outcome if the question carries a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    key: u32,
    idempotency_key: Option<String>,
    bytes: Vec<u8>,
}

impl Question {
    fn of(asked: Asked<'_>) -> Question {
        Question {
            key: asked.caller.key,
            idempotency_key: asked.caller.idempotency_key.map(str::to_string),
            bytes: asked.bytes.to_vec(),
        }
    }

    fn names(&self) -> Vec<Name> {
        let caller = courant_engine::Caller::default();
        let command = Asked { caller, bytes: &self.bytes }.command();
        names(self.key, self.idempotency_key.as_deref(), &command)
    }

    /// Its names, and the payment that it is about.
    fn subjects(&self) -> Vec<Name> {
        let caller = courant_engine::Caller::default();
        let command = Asked { caller, bytes: &self.bytes }.command();
        let mut subjects = names(self.key, self.idempotency_key.as_deref(), &command);
        subjects.extend(payment_of(&command));
        subjects
    }
}

/// What a record is found by: its names, and the payment that it is about.
fn subjects_of(record: &Record<'_>) -> Vec<Name> {
    let caller = record.caller;
    let mut subjects = names(caller.key, caller.idempotency_key, &record.command);
    subjects.extend(payment_of(&record.command));
    subjects
}

/// The payment that a command moves on.
fn payment_of(command: &Command<'_>) -> Option<Name> {
    match command {
        Command::Step(step) => Some(Name::Payment(step.payment.to_string())),
        Command::Due { payment } => Some(Name::Payment(payment.to_string())),
        _ => None,
    }
}

/// An outcome as a client was told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    lsn: Lsn,
    status: Option<Status>,
    reason: Option<Reason>,
}

/// What is known about a question at the moment it is asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Expected {
    first: Option<Told>,
    payment_is_known: bool,
}

impl Expected {
    /// True if the question was answered before, so that this can only be a repeat.
    pub(crate) fn is_repeat(&self) -> bool {
        self.first.is_some()
    }
}

/// Something a client was told that has to be in the journal.
#[derive(Debug, Clone)]
enum Claim {
    /// The question has this outcome.
    Recorded { question: Question, told: Told, repeat: bool },
    /// The name of the question belongs to another body.
    Conflict(Question),
    /// What the question needs, or its first outcome, was in this record, which went.
    Retired { question: Question, lsn: Lsn },
    /// After this record, which was the last about the account, its sums were these.
    Sums { no: AccountNo, last: Lsn, sums: Sums },
}

/// The auditor of one simulation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Auditor {
    book: Book,
    /// Every record that was ever visible, in order.
    records: Vec<(Lsn, Box<[u8]>)>,
    /// First outcomes of questions that carry a name.
    told: BTreeMap<Question, Told>,
    /// Payments of which a client knows that they were made.
    payments_told: BTreeMap<String, Lsn>,
    /// The last record that was acknowledged as done just now.
    fresh: Lsn,
    /// The journal may begin here, and not later.
    may_begin: Lsn,
    claims: Vec<Claim>,
}

impl Auditor {
    /// The books as of the last record that was visible.
    pub(crate) fn book(&self) -> &Book {
        &self.book
    }

    /// From now on the journal may begin here: what lies before was to be retired.
    pub(crate) fn may_begin(&mut self, begin: Lsn) {
        self.may_begin = self.may_begin.max(begin);
    }

    /// True if something may have gone from the journal.
    pub(crate) fn may_have_begun_later(&self) -> bool {
        self.may_begin > Lsn::NONE
    }

    /// Where a follower reads on that has seen what was visible.
    pub(crate) fn reads_next(&self) -> Lsn {
        Lsn(self.book.last.0 + 1)
    }

    /// A client asks.
    pub(crate) fn asked(&self, asked: Asked<'_>) -> Expected {
        let first = self.told.get(&Question::of(asked)).copied();
        let payment_is_known = match asked.command() {
            Command::Step(step) => self.payments_told.contains_key(step.payment.as_str()),
            _ => false,
        };
        Expected { first, payment_is_known }
    }

    /// A client is answered.
    ///
    /// # Errors
    /// The answer contradicts an earlier one.
    pub(crate) fn answered(
        &mut self,
        asked: Asked<'_>,
        expected: Expected,
        reply: &Reply,
    ) -> Result<(), Finding> {
        let question = Question::of(asked);
        match *reply {
            Reply::Recorded { lsn, repeat, status, reason } => {
                let told = Told { lsn, status, reason };
                self.recorded(question, expected, told, repeat)
            }
            Reply::Unavailable(Unavailable::StorageFull | Unavailable::HistoryUnreadable) => Ok(()),
            Reply::Retired { lsn } => match expected.first {
                Some(first) if first.lsn >= self.may_begin => {
                    Err(format!("{first:?} is in the journal and was said to be gone"))
                }
                _ => {
                    self.claims.push(Claim::Retired { question, lsn });
                    Ok(())
                }
            },
            Reply::Refused { reason, .. } => {
                if let Some(first) = expected.first {
                    return Err(format!("{reason} was the answer to a repeat of {first:?}"));
                }
                if reason == Reason::PaymentNotFound && expected.payment_is_known {
                    return Err(format!("an acknowledged payment was not found: {question:?}"));
                }
                if reason == Reason::IdempotencyConflict {
                    self.claims.push(Claim::Conflict(question));
                }
                Ok(())
            }
        }
    }

    fn recorded(
        &mut self,
        question: Question,
        expected: Expected,
        told: Told,
        repeat: bool,
    ) -> Result<(), Finding> {
        if let Some(first) = expected.first {
            if !repeat || told != first {
                return Err(format!("a repeat of {first:?} was answered by {told:?}"));
            }
            return Ok(());
        }
        if !repeat {
            if told.lsn <= self.fresh {
                let fresh = self.fresh;
                return Err(format!("{told:?} was acknowledged after {fresh}: out of order"));
            }
            self.fresh = told.lsn;
        }
        let names = question.names();
        for name in &names {
            if let Name::Payment(id) = name {
                self.payments_told.insert(id.clone(), told.lsn);
            }
        }
        // A repeat found by its id alone has not claimed the idempotency key it came with.
        let claimed = !repeat || question.idempotency_key.is_none();
        if claimed
            && !names.is_empty()
            && let Some(other) = self.told.insert(question.clone(), told)
            && other != told
        {
            return Err(format!("one question was answered by {other:?} and by {told:?}"));
        }
        self.claims.push(Claim::Recorded { question, told, repeat });
        Ok(())
    }

    /// A client was shown an account.
    pub(crate) fn shown(&mut self, no: AccountNo, last: Lsn, sums: Sums) {
        self.claims.push(Claim::Sums { no, last, sums });
    }

    /// Reads on from the last record seen, as a follower does: what it is shown must never be lost.
    ///
    /// # Errors
    /// [`Problem`].
    pub(crate) fn follow(&mut self, reader: &Reader<Disk>) -> Result<(), Problem> {
        let from = courant_journal::Lsn(self.reads_next().0);
        for entry in reader.scan(from) {
            let entry = entry.map_err(|error| Problem::Unreadable(error.to_string()))?;
            self.see(Lsn(entry.lsn.0), &entry.payload)?;
        }
        Ok(())
    }

    fn see(&mut self, lsn: Lsn, bytes: &[u8]) -> Result<(), Finding> {
        self.book.enter(lsn, bytes)?;
        self.records.push((lsn, bytes.into()));
        Ok(())
    }

    /// Reads the whole journal, from where it begins: first what was visible before, unchanged,
    /// then perhaps more.
    ///
    /// # Errors
    /// [`Problem`].
    pub(crate) fn compare(&mut self, reader: &Reader<Disk>) -> Result<(), Problem> {
        let begin = Lsn(reader.begin().0);
        if begin > self.may_begin {
            return Err(format!("the journal begins at {begin}: more went than was let go").into());
        }
        let mut seen = self.records.partition_point(|(lsn, _)| *lsn < begin);
        for entry in reader.scan(courant_journal::Lsn::NONE) {
            let entry = entry.map_err(|error| Problem::Unreadable(error.to_string()))?;
            let lsn = Lsn(entry.lsn.0);
            match self.records.get(seen) {
                Some((before, bytes)) if (*before, &**bytes) == (lsn, &*entry.payload) => {}
                Some((before, _)) => {
                    let what = format!("record {before} was visible; now {lsn} is in its place");
                    return Err(what.into());
                }
                None => self.see(lsn, &entry.payload)?,
            }
            seen += 1;
        }
        if let Some((lost, _)) = self.records.get(seen) {
            let count = self.records.len() - seen;
            return Err(
                format!("{count} records that were visible are gone, from {lost} on").into()
            );
        }
        Ok(())
    }

    /// Holds every open claim against the records. All that was acknowledged must be visible.
    ///
    /// # Errors
    /// The first claim that does not hold.
    pub(crate) fn settle(&mut self) -> Result<(), Finding> {
        for claim in std::mem::take(&mut self.claims) {
            self.check(&claim)?;
        }
        self.book.check_conservation()
    }

    fn check(&self, claim: &Claim) -> Result<(), Finding> {
        match claim {
            Claim::Recorded { question, told, repeat } => {
                let bytes =
                    self.record(told.lsn).ok_or(format!("{told:?} was told and is lost"))?;
                let record = record::decode(bytes).map_err(|error| error.to_string())?;
                if record.command_bytes != question.bytes {
                    return Err(format!("record {} is about something else", told.lsn));
                }
                let caller = (record.caller.key, record.caller.idempotency_key);
                if !repeat && caller != (question.key, question.idempotency_key.as_deref()) {
                    return Err(format!("record {} is by another caller", told.lsn));
                }
                match outcome_of(&record) == (told.status, told.reason) {
                    true => Ok(()),
                    false => Err(format!("{told:?} is not what the record says")),
                }
            }
            Claim::Conflict(question) => {
                let other = |name: &Name| {
                    let lsn = self.book.names.get(name)?;
                    let record = record::decode(self.record(*lsn)?).ok()?;
                    (record.command_bytes != question.bytes).then_some(())
                };
                match question.names().iter().any(|name| other(name).is_some()) {
                    true => Ok(()),
                    false => Err(format!("a conflict with nothing was told: {question:?}")),
                }
            }
            Claim::Retired { question, lsn } => {
                let record = self.record(*lsn).ok_or(format!("{lsn} went and never was"))?;
                let record = record::decode(record).map_err(|error| error.to_string())?;
                let (about, said) = (question.subjects(), subjects_of(&record));
                match *lsn < self.may_begin && about.iter().any(|name| said.contains(name)) {
                    true => Ok(()),
                    false => Err(format!("{lsn} was said to be gone, to {question:?}")),
                }
            }
            Claim::Sums { no, last, sums } => {
                let account = self.book.accounts.get(no.0 as usize);
                let history = account.map_or(&[][..], |a| &a.history);
                match history.iter().any(|(lsn, then)| (lsn, then) == (last, sums)) {
                    true => Ok(()),
                    false => Err(format!("account {} was shown at {last} as it never was", no.0)),
                }
            }
        }
    }

    fn record(&self, lsn: Lsn) -> Option<&[u8]> {
        let at = self.records.binary_search_by_key(&lsn, |(lsn, _)| *lsn).ok()?;
        Some(&self.records[at].1)
    }

    /// Compares an engine at rest with the books.
    ///
    /// # Errors
    /// The first thing in which they differ.
    pub(crate) fn compare_state(&self, engine: &Engine) -> Result<(), Finding> {
        let book = &self.book;
        same("last record", engine.last(), book.last)?;
        same("time", engine.now(), book.at)?;
        same("number of records", engine.records_count(), book.records)?;
        same("number of payments", engine.payments_count(), book.payments.len() as u64)?;
        same("number of accounts", engine.accounts_count(), book.accounts.len())?;
        for ((_, account), known) in engine.accounts_from(AccountNo(0)).zip(&book.accounts) {
            same_account(account, known)?;
        }
        same("number of open payments", engine.open_payments_count(), book.open.len())?;
        for id in &book.open {
            let known = &book.payments[id];
            let parsed = Id::parse_any("id", id).map_err(|error| format!("{error:?}"))?;
            let open = engine.open_payment(parsed).ok_or(format!("open payment {id} is gone"))?;
            let what = |what| format!("{what} of payment {id}");
            same(&what("value"), &open.payment, &known.payment)?;
            same(&what("origin"), open.origin, known.origin)?;
            same(&what("last record"), open.latest, known.latest)?;
        }
        same("time of what is due first", engine.due_at(), book.due_at())?;
        let keys = engine.keys().map(|k| (k.number, (k.scopes, k.created_at, k.revoked_at)));
        let known = book.keys.iter().map(|(n, k)| (*n, (k.scopes, k.created_at, k.revoked_at)));
        same("keys", keys.collect::<Vec<_>>(), known.collect::<Vec<_>>())?;
        match engine.is_balanced() {
            true => Ok(()),
            false => Err("the engine's totals are not balanced".into()),
        }
    }

    /// What the clock moved on since the last time.
    pub(crate) fn take_by_the_clock(&mut self) -> Vec<ByTheClock> {
        std::mem::take(&mut self.book.by_the_clock)
    }

    /// How many records were visible so far.
    pub(crate) fn records_count(&self) -> usize {
        self.records.len()
    }

    /// A number that stands for every byte of the journal (FNV-1a).
    pub(crate) fn digest(&self) -> u64 {
        let start = 0xCBF2_9CE4_8422_2325_u64;
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        self.records.iter().fold(start, |hash, (lsn, bytes)| {
            lsn.0.to_le_bytes().iter().chain(bytes.iter()).fold(hash, mix)
        })
    }

    /// The id of a payment that is open by the books, the `nth` of them.
    pub(crate) fn open_payment(&self, nth: usize) -> Option<IdBuf> {
        let id = self.book.open.iter().nth(nth)?;
        Id::parse_any("id", id).ok().map(IdBuf::from)
    }
}

fn same_account(account: &courant_ledger::Account, known: &BookAccount) -> Result<(), Finding> {
    let what = |what| format!("{what} of account {}", known.id);
    same("id of an account", account.id().as_str(), &known.id)?;
    same(&what("terms"), account.terms, known.terms)?;
    same(&what("status"), account.status, known.status)?;
    same(&what("sums"), account.sums, known.sums())?;
    same(&what("last record"), account.last_record, known.last().0)?;
    same(&what("opening"), account.opened_record, known.opened.0)
}

fn same<T: PartialEq<U> + std::fmt::Debug, U: std::fmt::Debug>(
    what: &str,
    engine: T,
    book: U,
) -> Result<(), Finding> {
    match engine == book {
        true => Ok(()),
        false => Err(format!("{what}: the engine has {engine:?}, the books have {book:?}")),
    }
}

fn outcome_of(record: &Record<'_>) -> (Option<Status>, Option<Reason>) {
    match &record.outcome {
        Outcome::Payment(after) => (Some(after.payment.status), after.payment.reason),
        _ => (None, None),
    }
}
