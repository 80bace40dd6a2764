//! The entries of an account, newest first, found by the chain of records that touched it.

use super::accounts;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::edge::AccountReader;
use crate::events::{EventId, cursor_place};
use crate::input::query::{Asked, PageQuery, PathId, Place};
use crate::problem::{Fault, Problem};
use crate::records;
use crate::view::Page;
use crate::view::entry::{EntryView, Movement, account_in};
use axum::extract::State;
use axum::http::StatusCode;
use courant_engine::{Lsn, Outcome};
use courant_ledger::{AccountNo, FieldError, FieldProblem, Sums};
use courant_node::{AccountRead, LookupError, Node};
use std::sync::Arc;

#[utoipa::path(
    get, path = "/v1/accounts/{id}/entries", tag = "accounts", operation_id = "list_entries",
    summary = "List what moved or held money of an account, newest first",
    params(("id" = String, Path, description = "The account's id"), PageQuery),
    security(("api_key" = ["accounts:read"])),
    responses((status = 200, description = "A page of entries", body = Page<EntryView>)),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: AccountReader,
    path: PathId,
    Asked(query): Asked<PageQuery>,
) -> Answer {
    let limit = query.limit()?;
    let cursor = query.cursor.as_deref();
    let cursor = cursor.map(|text| cursor_place(text, app.node.incarnations())).transpose()?;
    let read = accounts::find(&app, path.id()?).await?;
    let page = app.blocking(move |node| page(node, &read, cursor, limit)).await?;
    Ok(answer::json(StatusCode::OK, &page))
}

fn page(
    node: &Node,
    read: &AccountRead,
    cursor: Option<Place>,
    limit: usize,
) -> Result<Page<EntryView>, Problem> {
    let mut chain = Chain { node, no: read.no, next: Lsn(read.account.last_record) };
    let next_cursor = |place| Some(EventId::of(node.incarnations(), place).to_string());
    let mut items: Vec<EntryView> = Vec::new();
    let mut link = match cursor {
        Some(place) => Some(chain.at_cursor(place)?),
        None => chain.older()?,
    };
    while let (Some((lsn, movement)), true) = (link.take(), items.len() <= limit) {
        // What an account's sums were before a record, the record before it says.
        let older = match chain.older() {
            // What was found is shown; the next page says what has become of the rest.
            Err(problem) if !items.is_empty() && problem.is(Fault::HistoryRetired) => {
                items.truncate(limit);
                return Ok(Page { items, next_cursor: next_cursor(Place::whole(lsn)) });
            }
            older => older?,
        };
        let before = older.as_ref().map_or(Sums::default(), |(_, older)| older.after());
        let entries = movement.entries(before, &read.account).into_iter();
        items.extend(entries.filter(|entry| cursor.is_none_or(|cursor| entry.place <= cursor)));
        link = older;
    }
    let next_cursor = items.get(limit).and_then(|entry| next_cursor(entry.place));
    items.truncate(limit);
    Ok(Page { items, next_cursor })
}

/// The records that moved or held money of an account, from a newer to the older ones.
struct Chain<'n> {
    node: &'n Node,
    no: AccountNo,
    next: Lsn,
}

impl Chain<'_> {
    /// The next older record about money; `None` once the account's opening is reached.
    fn older(&mut self) -> Result<Option<(Lsn, Movement)>, Problem> {
        while self.next != Lsn::NONE {
            let lsn = self.next;
            let bytes = records::read(self.node, lsn)?;
            if let Some(movement) = self.take(lsn, &bytes)? {
                return Ok(Some((lsn, movement)));
            }
        }
        Ok(None)
    }

    /// The record of a cursor, which must be one that touched the account.
    fn at_cursor(&mut self, place: Place) -> Result<(Lsn, Movement), Problem> {
        let unknown = || {
            let sentence =
                "this is no place among the account's entries: send the next_cursor of a page";
            Problem::from(FieldError::new("cursor", FieldProblem::NotAllowed, sentence))
        };
        let lsn = place.lsn;
        let bytes = match self.node.record(lsn) {
            Err(LookupError::Retired { lsn, .. }) => {
                return Err(records::retired(&self.node.retired(lsn)));
            }
            found => found.ok().flatten().ok_or_else(unknown)?,
        };
        let movement = self.take(lsn, &bytes)?.ok_or_else(unknown)?;
        Ok((lsn, movement))
    }

    /// What a record says of the account's money, if it does; the one before it is next.
    fn take(&mut self, lsn: Lsn, bytes: &[u8]) -> Result<Option<Movement>, Problem> {
        let record = records::decode(bytes)?;
        let touched = account_in(&record, self.no);
        self.next = match (&record.outcome, touched) {
            (_, Some(account)) => Lsn(account.previous),
            (Outcome::AccountChanged(changed), None) => changed.previous,
            _ => Lsn::NONE,
        };
        Ok(Movement::of(lsn, &record, self.no))
    }
}
