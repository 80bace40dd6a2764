//! Payments: make, show, and the history of one.

use crate::answer::{self, Answer};
use crate::app::{App, Recorded};
use crate::body;
use crate::edge::{PaymentReader, PaymentWriter};
use crate::events::{EventId, EventsOf, cursor_place};
use crate::input::payment::PaymentBody;
use crate::input::query::{Asked, PageQuery, PathId, Place};
use crate::problem::{Fault, Problem};
use crate::records;
use crate::view::payment::{PaymentAsOf, PaymentView};
use crate::view::{Decimal, Page, Time};
use axum::extract::State;
use axum::http::StatusCode;
use courant_engine::{Command, Lsn, Outcome, Record, record};
use courant_ledger::{FieldError, FieldProblem, Id, Reason};
use courant_node::journal::Payload;
use courant_node::{LookupError, Node, PaymentRead, Request, order_in, origin_of, payment_in};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[utoipa::path(
    post, path = "/v1/payments", tag = "payments", operation_id = "pay",
    summary = "Make a payment",
    description = "A rejected payment is a normal 201 with its status and reason. The id is the \
        idempotency key.",
    params(("Idempotency-Key" = Option<String>, Header, description = "Not needed, but heeded")),
    request_body(content = PaymentBody),
    security(("api_key" = ["payments:write"])),
    responses(
        (status = 201, description = "The payment", body = PaymentView),
        (status = 200, description = "It had been made before with the same body: its first \
            outcome", body = PaymentView),
    ),
)]
pub(super) async fn pay(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    body::Json(bytes): body::Json,
) -> Answer {
    let request = {
        let order: PaymentBody<'_> = body::parse(&bytes)?;
        Request::new(allowed.caller()?, &Command::Pay(order.order()?))?
    };
    let recorded = app.record(request).await?;
    let json = as_of(&app, recorded).await?;
    Ok(answer::recorded(StatusCode::CREATED, recorded.is_repeat, json))
}

#[utoipa::path(
    get, path = "/v1/payments/{id}", tag = "payments", operation_id = "show_payment",
    summary = "Show a payment as it stands",
    params(("id" = String, Path, description = "The payment's id")),
    security(("api_key" = ["payments:read"])),
    responses((status = 200, description = "The payment", body = PaymentView)),
)]
pub(super) async fn show(State(app): State<Arc<App>>, _: PaymentReader, path: PathId) -> Answer {
    let read = find(&app, path.id()?).await?;
    let latest = read.latest_record().map_err(Problem::internal)?;
    let earlier = match read.origin_lsn == read.latest_lsn {
        true => None,
        false => Some(read.origin_record().map_err(Problem::internal)?),
    };
    let id = read.id.as_id();
    let missing = || Problem::internal("a payment's records do not show it");
    let order = order_in(earlier.as_ref().unwrap_or(&latest), id).ok_or_else(missing)?;
    let payment = payment_in(&latest, id).ok_or_else(missing)?;
    let payment = PaymentAsOf { order, payment, lsn: read.latest_lsn, at: latest.at };
    Ok(answer::json(StatusCode::OK, &payment.view()))
}

#[utoipa::path(
    get, path = "/v1/payments/{id}/history", tag = "payments", operation_id = "payment_history",
    summary = "List the steps of a payment, oldest first",
    description = "A page holds the newest steps before its cursor, the oldest of them first.",
    params(("id" = String, Path, description = "The payment's id"), PageQuery),
    security(("api_key" = ["payments:read"])),
    responses((status = 200, description = "The steps", body = Page<StepView>)),
)]
pub(super) async fn history(
    State(app): State<Arc<App>>,
    _: PaymentReader,
    path: PathId,
    Asked(query): Asked<PageQuery>,
) -> Answer {
    steps(&app, &path, &query, |_| true).await
}

/// Lists those steps of a payment that are wanted.
pub(super) async fn steps(
    app: &App,
    path: &PathId,
    query: &PageQuery,
    is_wanted: fn(&Record<'_>) -> bool,
) -> Answer {
    let limit = query.limit()?;
    let cursor = query.cursor.as_deref();
    let cursor = cursor.map(|text| cursor_place(text, app.node.incarnations())).transpose()?;
    let read = find(app, path.id()?).await?;
    let json = app.blocking(move |node| {
        let begin = cursor.map_or(read.latest_lsn, |place| place.lsn);
        steps_before(node, &read, begin, limit, is_wanted)
    });
    Ok(answer::written(StatusCode::OK, json.await?))
}

/// One step of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentStep)]
pub(super) struct StepView<'a> {
    /// The record.
    lsn: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    /// What happened, as in the type of the record's event.
    kind: &'static str,
    /// The id of the capture, refund, return or reversal, if it was one.
    child: Option<&'a str>,
    /// How much it captured, released, held more or gave back, as in its event; null for a step
    /// that takes the whole payment on.
    #[schema(value_type = Option<String>)]
    amount: Option<Decimal>,
    /// How much it posted: for the payees, or by a refund, return or reversal from them; fees
    /// apart. Holding, releasing, cancelling and expiring post nothing.
    #[schema(value_type = String)]
    moved: Decimal,
    /// The number of the API key that asked; 0 for the clock and the machine's own.
    key: u32,
    /// Why, as the caller gave it.
    change_reason: Option<&'a str>,
    /// The payment after it.
    payment: PaymentView<'a>,
}

fn steps_before(
    node: &Node,
    read: &PaymentRead,
    begin: Lsn,
    limit: usize,
    is_wanted: fn(&Record<'_>) -> bool,
) -> Result<Vec<u8>, Problem> {
    let made = read.origin_record().map_err(Problem::internal)?;
    let id = read.id.as_id();
    let order = order_in(&made, id).ok_or_else(|| Problem::internal("an order is missing"))?;
    let mut items: Vec<Vec<u8>> = Vec::new();
    let mut next = begin;
    let mut next_cursor = None;
    while next != Lsn::NONE {
        let lsn = next;
        let bytes = if lsn == begin { first(node, lsn)? } else { records::read(node, lsn)? };
        let record = record::decode_one(&bytes, id).map_err(Problem::internal)?;
        let payment = payment_in(&record, id).ok_or_else(unknown_cursor)?;
        if is_wanted(&record) {
            if items.len() == limit {
                let place = Place::whole(lsn);
                next_cursor = Some(EventId::of(node.incarnations(), place).to_string());
                break;
            }
            let payment = PaymentAsOf { order, payment, lsn, at: record.at };
            items.push(answer::encode(&step_view(node, &record, payment)?));
        }
        next = match &record.outcome {
            Outcome::Payment(after) => after.previous,
            _ => Lsn::NONE,
        };
    }
    items.reverse();
    Ok(answer::page(&items, next_cursor))
}

/// What is shown of a step; of a group the record has this one payment.
fn step_view<'r>(
    node: &Node,
    record: &'r Record<'_>,
    payment: PaymentAsOf<'r, '_>,
) -> Result<StepView<'r>, Problem> {
    let step = match &record.command {
        Command::Step(step) => Some(step),
        _ => None,
    };
    Ok(StepView {
        lsn: payment.lsn.0,
        time: Time(record.at),
        kind: EventsOf::record(record).kind(0).name(),
        child: step.and_then(|step| step.step.child()).map(Id::as_str),
        amount: records::step_in(node, record)?.and_then(|step| step.amount),
        moved: Decimal::amount(moved_minor(record, &payment), payment.order.currency),
        key: record.caller.key,
        change_reason: step.and_then(|step| step.reason),
        payment: payment.view(),
    })
}

/// What a step posted.
fn moved_minor(record: &Record<'_>, payment: &PaymentAsOf<'_, '_>) -> u64 {
    match &record.outcome {
        Outcome::Payment(after) => after.moved_minor,
        _ => payment.payment.principal().map(|leg| leg.captured_minor).sum(),
    }
}

/// The record of a cursor, which may be any number.
fn first(node: &Node, lsn: Lsn) -> Result<Payload, Problem> {
    match node.record(lsn) {
        Err(LookupError::Retired { lsn, .. }) => Err(records::retired(&node.retired(lsn))),
        found => found.ok().flatten().ok_or_else(unknown_cursor),
    }
}

fn unknown_cursor() -> Problem {
    let sentence = "this is no place in the payment's history: send the next_cursor of a page";
    FieldError::new("cursor", FieldProblem::NotAllowed, sentence).into()
}

/// A payment that must be there.
pub(super) async fn find(app: &App, id: Id<'_>) -> Result<PaymentRead, Problem> {
    let read = app.node.payment(id).await.map_err(|_| Fault::Stopped)?;
    let read = read.map_err(|retired| records::retired(&retired))?;
    read.ok_or_else(|| Reason::PaymentNotFound.into())
}

/// The payment that a command was about, as of its record.
pub(super) async fn as_of(app: &App, recorded: Recorded) -> Result<Vec<u8>, Problem> {
    let Recorded { lsn, is_repeat } = recorded;
    if !is_repeat {
        // A record that was just written is still in memory, and reading it there never waits.
        let bytes = records::read(&app.node, lsn)?;
        let record = records::decode(&bytes)?;
        if origin_of(lsn, &record) == lsn {
            return render(&app.node, lsn, &record, false);
        }
    }
    app.blocking(move |node| {
        let bytes = records::read(node, lsn)?;
        render(node, lsn, &records::decode(&bytes)?, is_repeat)
    })
    .await
}

fn render(node: &Node, lsn: Lsn, record: &Record<'_>, is_repeat: bool) -> Result<Vec<u8>, Problem> {
    let step = records::step_in(node, record)?;
    records::with_payment(node, (lsn, record), 0, |payment| {
        answer::encode(&payment.view().repeated(is_repeat).after(step))
    })
}
