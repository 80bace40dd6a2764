//! The queries of lists, and the ids in paths.

use crate::config::{PAGE_DEFAULT, PAGE_MAX};
use crate::problem::{Fault, Problem};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use courant_engine::Lsn;
use courant_ledger::{FieldError, FieldProblem, Id};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;
use utoipa::IntoParams;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// How many entries: 1 to 1,000, 100 if left out.
    limit: Option<usize>,
}

impl PageQuery {
    pub(crate) fn limit(&self) -> Result<usize, FieldError> {
        checked_limit(self.limit)
    }
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Only events after the one with this id; 0, or left out: from the beginning.
    pub(crate) after: Option<String>,
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// How many events: 1 to 1,000, 100 if left out.
    limit: Option<usize>,
    /// Only events of these types, separated by commas.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

impl EventsQuery {
    pub(crate) fn limit(&self) -> Result<usize, FieldError> {
        checked_limit(self.limit)
    }
}

/// Which events a stream carries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// Only events after the one with this id; `latest`: those to come; 0, or left out: from the
    /// beginning. The header `Last-Event-ID` goes before it.
    pub(crate) after: Option<String>,
    /// Only events of these types, separated by commas.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

/// How a batch is done.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BatchQuery {
    /// True: all payments or none. False, or left out: each on its own.
    #[serde(default)]
    pub(crate) atomic: bool,
}

fn checked_limit(limit: Option<usize>) -> Result<usize, FieldError> {
    match limit.unwrap_or(PAGE_DEFAULT) {
        0 => Err(FieldError::new("limit", FieldProblem::Zero, "ask for at least 1")),
        limit if limit > PAGE_MAX => {
            let sentence = format!("ask for at most {PAGE_MAX} at once");
            let error = FieldError::new("limit", FieldProblem::TooLarge, sentence);
            Err(error.with_limit(PAGE_MAX as u64))
        }
        limit => Ok(limit),
    }
}

/// The query of a request.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|Query(query)| Asked(query))
            .map_err(|error| Problem::because(Fault::BadQuery, error.body_text()))
    }
}

/// The id in the path of a request.
#[derive(Debug)]
pub(crate) struct PathId(String);

impl PathId {
    /// The id, of Courant's own accounts too.
    pub(crate) fn id(&self) -> Result<Id<'_>, FieldError> {
        Id::parse_any("id", &self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(PathId(id)),
            Err(_) => {
                let sentence = "the path holds bytes that are not UTF-8";
                Err(FieldError::new("id", FieldProblem::Malformed, sentence).into())
            }
        }
    }
}

/// A place among the records: a record, or one of several things that a record holds.
///
/// Written `<lsn>` or `<lsn>.<index>`; the id of an event is one, and so is every cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) lsn: Lsn,
    /// `None` stands after all indexes of the record.
    index: u32,
}

impl Place {
    /// Where nothing has been yet.
    pub(crate) const BEGIN: Place = Place::whole(Lsn::NONE);

    /// A record as a whole.
    pub(crate) const fn whole(lsn: Lsn) -> Place {
        Place { lsn, index: u32::MAX }
    }

    /// One of several things in a record.
    pub(crate) const fn part(lsn: Lsn, index: u32) -> Place {
        Place { lsn, index }
    }

    pub(crate) fn parse(field: &'static str, text: &str) -> Result<Place, FieldError> {
        let number =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok());
        let read = || match text.split_once('.') {
            None => Some(Place::whole(Lsn(number(text)??))),
            Some((lsn, index)) => {
                let index = u32::try_from(number(index)??).ok()?;
                Some(Place::part(Lsn(number(lsn)??), index))
            }
        };
        read().ok_or_else(|| {
            let sentence = "this is no place in the journal: send one that this server has given";
            FieldError::new(field, FieldProblem::Malformed, sentence)
        })
    }

    /// The place within the record; `None` for the record as a whole.
    pub(crate) fn index(self) -> Option<u32> {
        (self.index != u32::MAX).then_some(self.index)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index() {
            None => write!(f, "{}", self.lsn),
            Some(index) => write!(f, "{}.{index}", self.lsn),
        }
    }
}
