//! The ids of events: names that never mean two things.

use crate::input::query::Place;
use crate::problem::{Fault, Problem};
use courant_engine::Lsn;
use courant_ledger::{FieldError, FieldProblem};
use courant_node::Incarnations;
use std::fmt;

/// The id of an event: its place, and the incarnation of the journal in which it has it.
///
/// Written `<place>`, or `<incarnation>-<place>` after a restore or a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventId {
    incarnation: Option<u32>,
    place: Place,
}

impl EventId {
    /// The id of what stands at a place.
    pub(crate) fn of(incarnations: &Incarnations, place: Place) -> EventId {
        let incarnation = incarnations.at(place.lsn).map(|incarnation| incarnation.number);
        EventId { incarnation, place }
    }

    pub(crate) fn parse(field: &'static str, text: &str) -> Result<EventId, FieldError> {
        let (incarnation, place) = match text.split_once('-') {
            None => (None, text),
            Some((number, place)) => (Some(number), place),
        };
        let number = |text: &str| {
            let is_one = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
            is_one.then(|| u32::from_str_radix(text, 16).ok()).flatten()
        };
        let place = Place::parse(field, place)?;
        match incarnation.map(number) {
            None => Ok(EventId { incarnation: None, place }),
            Some(Some(number)) => Ok(EventId { incarnation: Some(number), place }),
            Some(None) => Err(not_ours(field)),
        }
    }

    /// The place, if what stands there is still the same.
    ///
    /// # Errors
    /// It was lost with the end of the journal: with the id after which everything is new, which is
    /// the journal's begin if nothing is known any more of where the id's incarnation parted.
    pub(crate) fn place(
        self,
        field: &'static str,
        incarnations: &Incarnations,
    ) -> Result<Place, Problem> {
        let detail = match self.resolve(incarnations) {
            Ok(place) => return Ok(place),
            Err(Gone::NotOurs) => return Err(not_ours(field).into()),
            Err(Gone::Unknown) => format!(
                "the event {self} is of a past that this server knows nothing of: it was restored \
                 from a backup or its journal was repaired since; send after={} for all events \
                 there are, and leave out those whose ids you have seen",
                Place::BEGIN
            ),
            Err(Gone::LostFrom(begin)) => format!(
                "the event {self} was lost when the server was restored from a backup or its \
                 journal was repaired, as was all from LSN {begin} on; send after={} for all that \
                 came in its place",
                EventId::of(incarnations, Place::whole(Lsn(begin.0.saturating_sub(1))))
            ),
        };
        Err(Problem::because(Fault::HistoryReplaced, detail).at(field))
    }

    fn resolve(self, incarnations: &Incarnations) -> Result<Place, Gone> {
        if EventId::of(incarnations, self.place) == self {
            return Ok(self.place);
        }
        if !incarnations.knows(self.incarnation) {
            return Err(Gone::Unknown);
        }
        match incarnations.after(self.incarnation) {
            Some(next) if next.begin <= self.place.lsn => Err(Gone::LostFrom(next.begin)),
            _ => Err(Gone::NotOurs),
        }
    }
}

/// Why an id names nothing.
enum Gone {
    /// Its incarnation is not known.
    Unknown,
    /// All from here on was lost.
    LostFrom(Lsn),
    /// No server has given it.
    NotOurs,
}

/// The place that the cursor of a page names: an id, but of what stands in a list.
///
/// # Errors
/// It is none, or was lost with the end of the journal: then the list is to be read anew.
pub(crate) fn cursor_place(text: &str, incarnations: &Incarnations) -> Result<Place, Problem> {
    let id = EventId::parse("cursor", text)?;
    id.resolve(incarnations).map_err(|gone| match gone {
        Gone::NotOurs => not_ours("cursor").into(),
        Gone::Unknown | Gone::LostFrom(_) => {
            let detail = format!(
                "what the cursor {id} names was lost when the server was restored from a backup or \
                 its journal was repaired: read the list anew, without a cursor"
            );
            Problem::because(Fault::HistoryReplaced, detail).at("cursor")
        }
    })
}

fn not_ours(field: &'static str) -> FieldError {
    let sentence = "the id is not one of this server: send one that it has given";
    FieldError::new(field, FieldProblem::NotAllowed, sentence)
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.incarnation {
            None => self.place.fmt(f),
            Some(number) => write!(f, "{number:08x}-{}", self.place),
        }
    }
}
