//! Looking up what the engine's memory does not know: candidates by tag, read and compared one by
//! one.

use crate::error::IndexError;
use crate::examine::{Verdict, examine};
use crate::history::History;
use crate::ids::index::{IdIndex, RunSet};
use crate::request::{Asked, Reply};
use courant_engine::{Caller, Command, DecodeError, Engine, Facts, Lsn};
use courant_journal::storage::File;
use courant_journal::{ReadError, Storage};
use courant_ledger::{TagDomain, Tagger};
use smallvec::SmallVec;
use std::{fmt, io};

/// Why a look-up failed: the disk or its contents are not what they should be.
#[derive(Debug)]
pub enum LookupError {
    /// The index of ids.
    Index(IndexError),
    /// The journal.
    Read(ReadError),
    /// A record's bytes.
    Record(Lsn, DecodeError),
    /// A record that is named elsewhere is not there.
    Missing(Lsn),
    /// A record was archived or dropped.
    Retired {
        /// The record.
        lsn: Lsn,
        /// Where the journal begins now.
        begin: Lsn,
    },
    /// What was kept of retired segments.
    Kept(io::Error),
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupError::Index(error) => error.fmt(f),
            LookupError::Read(error) => error.fmt(f),
            LookupError::Record(lsn, error) => write!(f, "the record at {lsn}: {error}"),
            LookupError::Missing(lsn) => write!(f, "the record at {lsn} is missing"),
            LookupError::Retired { lsn, begin } => write!(
                f,
                "the record at LSN {lsn} was archived or dropped: the journal begins at LSN {begin}"
            ),
            LookupError::Kept(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LookupError {}

impl From<IndexError> for LookupError {
    fn from(error: IndexError) -> LookupError {
        LookupError::Index(error)
    }
}

/// What a look-up came to.
#[derive(Debug)]
pub enum Found {
    /// The command is answered.
    Answer(Reply),
    /// Ask the engine with these facts.
    Facts(Facts),
}

/// The tags under which a command has to be looked for.
pub(crate) type Tags = SmallVec<[u64; 2]>;

/// The tags under which records about a command may be found.
#[inline]
pub(crate) fn tags(tagger: &Tagger, caller: Caller<'_>, command: &Command<'_>) -> Tags {
    let mut tags = Tags::new();
    if let Some(key) = caller.idempotency_key {
        let scope = caller.key.to_le_bytes();
        tags.push(tagger.tag_below(TagDomain::IdempotencyKey, &scope, key.as_bytes()));
    }
    match command {
        Command::Pay(order) => tags.push(tagger.tag(TagDomain::Payment, order.id.as_bytes())),
        Command::PayGroup(orders) => {
            let ids = orders.iter().map(|order| order.id.as_str());
            tags.extend(ids.map(|id| tagger.tag(TagDomain::Payment, id.as_bytes())));
        }
        Command::Step(step) => {
            let payment = step.payment.as_str();
            if let Some(child) = step.step.child() {
                let scope = payment.as_bytes();
                tags.push(tagger.tag_below(TagDomain::Child, scope, child.as_bytes()));
            }
            tags.push(tagger.tag(TagDomain::Payment, payment.as_bytes()));
        }
        Command::OpenAccount(_)
        | Command::ChangeAccount(_)
        | Command::CreateKey(_)
        | Command::RevokeKey { .. }
        | Command::Due { .. } => {}
    }
    tags
}

/// True if some run may hold something about a command.
pub fn may_hold<F: File>(runs: &RunSet<F>, tagger: &Tagger, asked: Asked<'_>) -> bool {
    let tags = tags(tagger, asked.caller, &asked.command());
    tags.into_iter().any(|tag| runs.may_hold(tag))
}

/// The records that an engine's memory knows about a command, under any of its names.
pub fn in_memory(engine: &Engine, asked: Asked<'_>) -> Vec<Lsn> {
    let tags = tags(&engine.tagger(), asked.caller, &asked.command());
    tags.into_iter().flat_map(|tag| engine.ids().candidates(tag)).collect()
}

/// Where look-ups look.
#[derive(Debug, Clone, Copy)]
pub struct Archive<'a, S: Storage> {
    /// The ids that are on disk.
    pub index: &'a IdIndex<S>,
    /// The records.
    pub history: &'a History<S>,
    /// Makes the tags.
    pub tagger: &'a Tagger,
}

impl<S: Storage> Archive<'_, S> {
    /// Looks a command up in the index on disk, and among `candidates` that the engine's memory
    /// named; these must be durable.
    ///
    /// A record that was retired may be the command's first outcome: then it is not decided again.
    /// That answer counts only if `candidates` are all that the engine's memory has
    /// ([`in_memory`]): what was done to a payment later is there while the index has no more than
    /// its making. Open payments keep their records from being retired, so what a step needs is
    /// missing only if its payment is final.
    ///
    /// # Errors
    /// [`LookupError`]: what is on disk cannot be read.
    pub fn look_up(&self, asked: Asked<'_>, candidates: &[Lsn]) -> Result<Found, LookupError> {
        let runs = self.index.runs();
        let command = asked.command();
        let tags = tags(self.tagger, asked.caller, &command);
        let shows_payment = matches!(command, Command::Step(_));
        let mut all: Vec<(Lsn, Names)> =
            candidates.iter().map(|lsn| (*lsn, Names::Itself)).collect();
        for (nth, tag) in tags.iter().enumerate() {
            // The payment's tag stands last.
            let payment_only = shows_payment && nth + 1 == tags.len();
            let names = if payment_only { Names::Payment } else { Names::Itself };
            all.extend(self.index.find(*tag)?.into_iter().map(|lsn| (lsn, names)));
        }
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup_by_key(|(lsn, _)| *lsn);
        let facts = Facts { searched_before: runs.generations(), ..Facts::default() };
        let mut search = Search { facts, answer: None, retired: None };
        for (lsn, names) in all {
            if let Some(reply) = self.take(asked, &command, (lsn, names), &mut search)? {
                return Ok(Found::Answer(reply));
            }
        }
        Ok(search.end())
    }

    /// Looks at one record; gives a reply that ends the search.
    fn take(
        &self,
        asked: Asked<'_>,
        command: &Command<'_>,
        (lsn, names): (Lsn, Names),
        search: &mut Search,
    ) -> Result<Option<Reply>, LookupError> {
        let facts = &mut search.facts;
        match self.verdict(asked, command, lsn) {
            // As the engine does: the key is asked first, then ids.
            Ok(Verdict::Keyed(reply)) => return Ok(Some(reply)),
            // Only a key could still lead to another answer.
            Ok(Verdict::Answer(reply)) if asked.caller.idempotency_key.is_none() => {
                return Ok(Some(reply));
            }
            Ok(Verdict::Answer(reply)) => {
                search.answer.get_or_insert(reply);
            }
            // The newest one counts. What it says is in the facts now, so it need not be looked at
            // again.
            Ok(Verdict::Payment(open)) => {
                facts.payment.get_or_insert(open);
                facts.unrelated.push(lsn);
            }
            Ok(Verdict::Origin(origin)) => match self.verdict(asked, command, origin) {
                Ok(Verdict::Keyed(reply)) => return Ok(Some(reply)),
                Ok(Verdict::Answer(reply)) => {
                    search.answer.get_or_insert(reply);
                }
                Ok(_) => return Err(LookupError::Missing(origin)),
                Err(LookupError::Retired { lsn, .. }) => {
                    search.retired.get_or_insert(lsn);
                }
                Err(error) => return Err(error),
            },
            Ok(Verdict::Unrelated) => facts.unrelated.push(lsn),
            // A newer record shows the payment already, and no name of the command itself leads
            // here.
            Err(LookupError::Retired { .. })
                if names == Names::Payment && facts.payment.is_some() =>
            {
                facts.unrelated.push(lsn);
            }
            Err(LookupError::Retired { lsn, .. }) => {
                search.retired.get_or_insert(lsn);
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    fn verdict(
        &self,
        asked: Asked<'_>,
        command: &Command<'_>,
        lsn: Lsn,
    ) -> Result<Verdict, LookupError> {
        let record = self.history.read(lsn)?.ok_or(LookupError::Missing(lsn))?;
        examine(asked, command, lsn, &record).map_err(|error| LookupError::Record(lsn, error))
    }
}

/// By what a record was found. Of two, the stronger stands first where records are sorted newest
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Names {
    /// By the payment that a step is about.
    Payment,
    /// By what the command itself is called: its payment's id, its child's, its idempotency key.
    Itself,
}

/// What a search has found up to now.
struct Search {
    facts: Facts,
    answer: Option<Reply>,
    /// A record that may be the command's first outcome, and is gone.
    retired: Option<Lsn>,
}

impl Search {
    fn end(self) -> Found {
        match (self.answer, self.retired) {
            (Some(reply), _) => Found::Answer(reply),
            (None, Some(lsn)) => Found::Answer(Reply::Retired { lsn }),
            (None, None) => Found::Facts(self.facts),
        }
    }
}
