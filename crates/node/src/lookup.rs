//! Looking up what the engine's memory does not know: candidates by tag, read and compared one by
//! one.

use crate::error::IndexError;
use crate::examine::{Verdict, examine};
use crate::ids::index::{IdIndex, RunSet};
use crate::request::{Asked, Reply};
use courant_engine::{Caller, Command, DecodeError, Facts, Lsn};
use courant_journal::storage::File;
use courant_journal::{ReadError, Reader, Storage};
use courant_ledger::{TagDomain, Tagger};
use smallvec::SmallVec;
use std::fmt;

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
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupError::Index(error) => error.fmt(f),
            LookupError::Read(error) => error.fmt(f),
            LookupError::Record(lsn, error) => write!(f, "the record at {lsn}: {error}"),
            LookupError::Missing(lsn) => write!(f, "the record at {lsn} is missing"),
        }
    }
}

impl std::error::Error for LookupError {}

impl From<IndexError> for LookupError {
    fn from(error: IndexError) -> LookupError {
        LookupError::Index(error)
    }
}

impl From<ReadError> for LookupError {
    fn from(error: ReadError) -> LookupError {
        LookupError::Read(error)
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
        tags.push(tagger.tag_below(TagDomain::IdempotencyKey, &scope, key));
    }
    match command {
        Command::Pay(order) => tags.push(tagger.tag(TagDomain::Payment, order.id.as_str())),
        Command::PayGroup(orders) => {
            let ids = orders.iter().map(|order| order.id.as_str());
            tags.extend(ids.map(|id| tagger.tag(TagDomain::Payment, id)));
        }
        Command::Step(step) => {
            let payment = step.payment.as_str();
            if let Some(child) = step.step.child() {
                let scope = payment.as_bytes();
                tags.push(tagger.tag_below(TagDomain::Child, scope, child.as_str()));
            }
            tags.push(tagger.tag(TagDomain::Payment, payment));
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

/// Where look-ups look.
#[derive(Debug, Clone, Copy)]
pub struct Archive<'a, S: Storage> {
    /// The ids that are on disk.
    pub index: &'a IdIndex<S>,
    /// The journal.
    pub reader: &'a Reader<S>,
    /// Makes the tags.
    pub tagger: &'a Tagger,
}

impl<S: Storage> Archive<'_, S> {
    /// Looks a command up in the index on disk, and among `candidates` that the engine's memory
    /// named; these must be durable.
    ///
    /// # Errors
    /// [`LookupError`]: what is on disk cannot be read.
    pub fn look_up(&self, asked: Asked<'_>, candidates: &[Lsn]) -> Result<Found, LookupError> {
        let runs = self.index.runs();
        let command = asked.command();
        let mut all: Vec<Lsn> = candidates.to_vec();
        for tag in tags(self.tagger, asked.caller, &command) {
            all.extend(self.index.find(tag)?);
        }
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        let mut facts = Facts { searched_before: runs.generations(), ..Facts::default() };
        let mut answer = None;
        for lsn in all {
            match self.verdict(asked, &command, lsn)? {
                // As the engine does: the key is asked first, then ids.
                Verdict::Keyed(reply) => return Ok(Found::Answer(reply)),
                Verdict::Answer(reply) => {
                    answer.get_or_insert(reply);
                }
                // The newest one counts. What it says is in the facts now, so it need not be looked
                // at again.
                Verdict::Payment(open) => {
                    facts.payment.get_or_insert(open);
                    facts.unrelated.push(lsn);
                }
                Verdict::Origin(origin) => match self.verdict(asked, &command, origin)? {
                    Verdict::Keyed(reply) => return Ok(Found::Answer(reply)),
                    Verdict::Answer(reply) => {
                        answer.get_or_insert(reply);
                    }
                    _ => return Err(LookupError::Missing(origin)),
                },
                Verdict::Unrelated => facts.unrelated.push(lsn),
            }
        }
        Ok(answer.map_or(Found::Facts(facts), Found::Answer))
    }

    fn verdict(
        &self,
        asked: Asked<'_>,
        command: &Command<'_>,
        lsn: Lsn,
    ) -> Result<Verdict, LookupError> {
        let record = self.reader.read(courant_journal::Lsn(lsn.0))?;
        let record = record.ok_or(LookupError::Missing(lsn))?;
        examine(asked, command, lsn, &record.payload)
            .map_err(|error| LookupError::Record(lsn, error))
    }
}
