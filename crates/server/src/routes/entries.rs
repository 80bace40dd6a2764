//! The entries of an account, newest first, found by the chain of records that touched it.

use super::accounts;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::edge::AccountReader;
use crate::input::query::{Asked, PageQuery, PathId, Place};
use crate::problem::{Fault, Problem};
use crate::records;
use crate::view::Page;
use crate::view::entry::{EntryView, Movement, account_in};
use axum::extract::State;
use axum::http::StatusCode;
use courant_engine::{Lsn, Outcome};
use courant_ledger::{AccountNo, FieldError, FieldProblem, Sums};
use courant_node::journal::Payload;
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
    let cursor = query.cursor.as_deref().map(|text| Place::parse("cursor", text)).transpose()?;
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
    let begin = match cursor {
        Some(place) => checked(node, read.no, place)?,
        None => Lsn(read.account.last_record),
    };
    let mut chain = Chain { node, no: read.no, next: begin };
    let mut items: Vec<EntryView> = Vec::new();
    let mut link = chain.older()?;
    while let (Some(current), true) = (link, items.len() <= limit) {
        // What an account's sums were before a record, the record before it says.
        let older = match chain.older() {
            // What was found is shown; the next page says what has become of the rest.
            Err(problem) if !items.is_empty() && problem.is(Fault::HistoryRetired) => {
                let next_cursor = Some(Place::whole(current.lsn).to_string());
                items.truncate(limit);
                return Ok(Page { items, next_cursor });
            }
            older => older?,
        };
        let before = older.as_ref().map_or(Sums::default(), |older| older.after);
        let record = records::decode(&current.bytes)?;
        let movement = Movement { lsn: current.lsn, record: &record, before };
        let entries = movement.entries(read.no, &read.account).into_iter();
        items.extend(entries.filter(|entry| cursor.is_none_or(|cursor| entry.place <= cursor)));
        link = older;
    }
    let next_cursor = items.get(limit).map(|entry| entry.place.to_string());
    items.truncate(limit);
    Ok(Page { items, next_cursor })
}

/// The record of a cursor, which must be one that touched the account.
fn checked(node: &Node, no: AccountNo, place: Place) -> Result<Lsn, Problem> {
    let unknown = || {
        let sentence =
            "this is no place among the account's entries: send the next_cursor of a page";
        Problem::from(FieldError::new("cursor", FieldProblem::NotAllowed, sentence))
    };
    let bytes = match node.record(place.lsn) {
        Err(LookupError::Retired { lsn, .. }) => return Err(records::retired(&node.retired(lsn))),
        found => found.ok().flatten().ok_or_else(unknown)?,
    };
    let record = records::decode(&bytes)?;
    account_in(&record, no).map(|_| place.lsn).ok_or_else(unknown)
}

/// The records that touched an account, from a newer to the older ones.
struct Chain<'n> {
    node: &'n Node,
    no: AccountNo,
    next: Lsn,
}

/// A record that moved or held money of the account.
struct Link {
    lsn: Lsn,
    bytes: Payload,
    after: Sums,
}

impl Chain<'_> {
    /// The next older record about money; `None` once the account's opening is reached.
    fn older(&mut self) -> Result<Option<Link>, Problem> {
        while self.next != Lsn::NONE {
            let lsn = self.next;
            let bytes = records::read(self.node, lsn)?;
            let record = records::decode(&bytes)?;
            let touched = account_in(&record, self.no).map(|a| (Lsn(a.previous), a.after));
            self.next = match (&record.outcome, touched) {
                (_, Some((previous, _))) => previous,
                (Outcome::AccountChanged(changed), None) => changed.previous,
                _ => Lsn::NONE,
            };
            drop(record);
            if let Some((_, after)) = touched {
                return Ok(Some(Link { lsn, bytes, after }));
            }
        }
        Ok(None)
    }
}
