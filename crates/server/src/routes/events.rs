//! Events as a cursor-paged list.

use crate::answer::{self, Answer};
use crate::app::App;
use crate::edge::EventReader;
use crate::events::{EventId, Follower, Limits, Wanted};
use crate::input::query::{Asked, EventsQuery, Place};
use crate::problem::Problem;
use crate::view::Page;
use axum::extract::State;
use axum::http::StatusCode;
use courant_engine::Lsn;
use courant_ledger::{FieldError, FieldProblem};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Records looked at for one page, so that a page of rare events comes in bounded time.
const PAGE_RECORDS_MAX: usize = 100_000;
/// Bytes of one page; it ends early rather than grow beyond.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An event by CloudEvents 1.0.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventView {
    /// `1.0`.
    specversion: String,
    /// The place of the event in the journal: unique on this server, also after a restore or a
    /// repair.
    id: String,
    /// Which server: `/courant/` and the id of its data directory.
    source: String,
    /// What happened, such as `payment.completed`.
    #[serde(rename = "type")]
    kind: String,
    /// The id of the account or payment, or the number of the API key.
    subject: String,
    /// When.
    #[schema(format = DateTime)]
    time: String,
    /// `application/json`.
    datacontenttype: String,
    /// The payment, account or key as of the event. With `step` of a capture, release, increment,
    /// refund, return or reversal: its `child` and its `amount`.
    #[schema(value_type = Object)]
    data: serde_json::Map<String, serde_json::Value>,
}

#[utoipa::path(
    get, path = "/v1/events", tag = "events", operation_id = "list_events",
    summary = "List events, oldest first",
    description = "A page may have fewer events than its limit and still have a next one. On the \
        last page, go on later with `after` and the id of the last event.",
    params(EventsQuery),
    security(("api_key" = ["events:read"])),
    responses((status = 200, description = "A page of events", body = Page<EventView>)),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: EventReader,
    Asked(query): Asked<EventsQuery>,
) -> Answer {
    let events = query.limit()?;
    let wanted = Wanted::parse(query.kind.as_deref())?;
    let after = match (&query.cursor, &query.after) {
        (Some(cursor), _) => place(&app, "cursor", cursor)?,
        (None, Some(after)) => place(&app, "after", after)?,
        (None, None) => Place::BEGIN,
    };
    let mut follower = Follower::new(app.node.clone(), &app.source, after, wanted)?;
    let json = app.blocking(move |_| {
        let limits = Limits { events, records: PAGE_RECORDS_MAX, bytes: PAGE_BYTES_MAX };
        let batch = follower.read(limits)?;
        let next_cursor = (!batch.is_end).then(|| follower.after().to_string());
        let items = batch.events.into_iter().map(|(_, _, range)| batch.json[range].to_vec());
        Ok(answer::page(&items.collect::<Vec<_>>(), next_cursor))
    });
    Ok(answer::written(StatusCode::OK, json.await?))
}

/// The place of an event that a client has seen: one that this journal reaches, or `latest`.
pub(super) fn place(app: &App, field: &'static str, text: &str) -> Result<Place, Problem> {
    let end = app.node.durable_end();
    if text == "latest" {
        return Ok(Place::whole(Lsn(end.0.saturating_sub(1))));
    }
    let place = EventId::parse(field, text)?.place(field, app.node.incarnations())?;
    if place.lsn < end || place == Place::BEGIN {
        return Ok(place);
    }
    let sentence = "the journal does not reach so far: the id is not one of this server";
    Err(FieldError::new(field, FieldProblem::NotAllowed, sentence).into())
}
