//! Batches of payments: as a JSON array, as lines of JSON, or in Protobuf; all or nothing, or each
//! on its own.

use crate::answer::{self, Answer};
use crate::app::{self, App};
use crate::body::{self, MediaType};
use crate::config::BATCH_PAYMENTS_MAX;
use crate::edge::PaymentWriter;
use crate::input::payment::{PaymentBody, check_count};
use crate::input::query::{Asked, BatchQuery};
use crate::problem::{Document, Problem};
use crate::proto::{PaymentBatch, PaymentResult, PaymentResults};
use crate::records;
use crate::view::ReasonView;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use courant_engine::{Caller, Command, Lsn, Outcome};
use courant_ledger::{FieldError, Id, IdBuf, Order, Payment, Reason, Status};
use courant_node::{Node, Reply, Request};
use prost::Message;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;
use utoipa::ToSchema;

#[utoipa::path(
    post, path = "/v1/payments/batch", tag = "payments", operation_id = "pay_batch",
    summary = "Make up to 10,000 payments",
    description = "Each on its own: a result for each, in their order; one that the server could \
        not decide about has the problem 503 or 507 and is to be sent again. With `atomic=true`: \
        all of them, or a 422 that names the first that was refused. A JSON array, lines of JSON \
        (application/x-ndjson), or the Protobuf message PaymentBatch (application/x-protobuf), \
        which is answered in Protobuf.",
    params(
        BatchQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Heeded with `atomic=true` \
            only: payments on their own have each their id"),
    ),
    request_body(content = Vec<PaymentBody>),
    security(("api_key" = ["payments:write"])),
    responses(
        (status = 200, description = "What became of each payment; of an atomic batch, that it is \
            a repeat", body = BatchView),
        (status = 201, description = "All payments of an atomic batch were made", body = BatchView),
    ),
)]
pub(super) async fn pay_all(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    Asked(query): Asked<BatchQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    const TAKEN: [MediaType; 3] = [MediaType::Json, MediaType::NdJson, MediaType::Protobuf];
    let media = MediaType::of(&headers, &TAKEN)?;
    let bytes = body::read(&app, body, app.config.batch_bytes_max).await?;
    if query.atomic {
        together(&app, &allowed, media, bytes).await
    } else {
        apart(&app, allowed.caller_of_many(), media, bytes).await
    }
}

/// The answer to a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResults)]
pub(super) struct BatchView {
    /// One for each payment, in their order: what became of it, or the problem that there is none.
    results: Vec<OneOf>,
}

/// What became of a payment of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResult)]
pub(super) struct ResultView {
    /// Its id.
    #[schema(value_type = String)]
    id: String,
    /// Where it stands.
    status: &'static str,
    /// The same in ISO 20022.
    iso_status: &'static str,
    /// Why it stands there.
    reason: Option<ReasonView>,
    /// The record.
    version: u64,
    /// True if it had been made before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeat: bool,
}

/// What became of a payment, or a problem.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is written piece by piece")]
enum OneOf {
    Result(ResultView),
    Problem(Document<'static>),
}

/// Each on its own.
async fn apart(app: &App, caller: Caller<'static>, media: MediaType, bytes: Bytes) -> Answer {
    let parse = move |_: &Node| {
        let parsed = Parsed::read(media, &bytes)?;
        let mut request = Request::with_capacity(parsed.count());
        let mut push = |body: Result<PaymentBody<'_>, Problem>| -> Result<IdBuf, Problem> {
            let body = body?;
            let order = body.order()?;
            let id = IdBuf::from(order.id);
            request.push(caller, &Command::Pay(order))?;
            Ok(id)
        };
        let at = |index: usize| u32::try_from(index).ok();
        let bodies = parsed.bodies().enumerate();
        let pushed = bodies.map(|(index, body)| push(body).map_err(|p| p.of_payment(at(index))));
        let ids: Vec<Result<IdBuf, Problem>> = pushed.collect();
        Ok((request, ids))
    };
    let (request, ids) = app.blocking(parse).await?;
    let replies = if request.is_empty() { Vec::new() } else { app.submit(request).await? };
    if replies.len() == ids.len()
        && let Some(problem) = undecided(&replies)
    {
        return Err(problem);
    }
    let mut replies = replies.into_iter();
    let mut results = Vec::with_capacity(ids.len());
    for (index, id) in ids.into_iter().enumerate() {
        results.push(match id {
            Err(problem) => Err(problem),
            Ok(id) => {
                let reply =
                    replies.next().ok_or_else(|| Problem::internal("a reply is missing"))?;
                one_result(app, id, reply).map_err(|p| p.of_payment(u32::try_from(index).ok()))
            }
        });
    }
    Ok(respond(StatusCode::OK, media, &results))
}

/// Why the server could not decide about a single one of them, if it could not. Then nothing was
/// done, and the batch as a whole can say so.
fn undecided(replies: &[Reply]) -> Option<Problem> {
    let why = |reply: &Reply| match reply {
        Reply::Unavailable(why) => Some(*why),
        _ => None,
    };
    let first = why(replies.first()?)?;
    replies.iter().all(|reply| why(reply).is_some()).then(|| app::unavailable(first))
}

/// What a reply says of one payment. One that the server could not decide about is to be sent
/// again.
fn one_result(app: &App, id: IdBuf, reply: Reply) -> OneResult {
    match reply {
        Reply::Recorded { lsn, repeat, status: Some(status), reason } => {
            Ok(result(id.as_id(), (status, reason), lsn, repeat))
        }
        Reply::Recorded { status: None, .. } => {
            Err(Problem::internal("a payment was recorded without a status"))
        }
        Reply::Refused { reason, .. } => Err(reason.into()),
        Reply::Retired { lsn } => Err(records::retired(&app.node.retired(lsn))),
        Reply::Unavailable(why) => Err(app::unavailable(why)),
    }
}

/// All or nothing.
async fn together(app: &App, allowed: &PaymentWriter, media: MediaType, bytes: Bytes) -> Answer {
    let Caller { key, idempotency_key } = allowed.caller()?;
    let idempotency_key = idempotency_key.map(str::to_owned);
    let parse = move |_: &Node| {
        let caller = Caller { key, idempotency_key: idempotency_key.as_deref() };
        let parsed = Parsed::read(media, &bytes)?;
        let bodies: Vec<PaymentBody<'_>> = parsed.bodies().collect::<Result<_, _>>()?;
        let order = |(index, body)| {
            let body: &PaymentBody<'_> = body;
            body.order().map_err(|error| error.within(format_args!("payments[{index}]")))
        };
        let orders: Result<Vec<Order<'_>>, FieldError> =
            bodies.iter().enumerate().map(order).collect();
        Request::new(caller, &Command::PayGroup(orders?)).map_err(Problem::from)
    };
    let recorded = app.record(app.blocking(parse).await?).await?;
    let results = app.blocking(move |node| {
        let bytes = records::read(node, recorded.lsn)?;
        let record = records::decode(&bytes)?;
        let (Command::PayGroup(orders), Outcome::Group(group)) = (&record.command, &record.outcome)
        else {
            return Err(Problem::internal("the record of a group is not one"));
        };
        let one = |(order, payment): (&Order<'_>, &Payment)| {
            let state = (payment.status, payment.reason);
            Ok(result(order.id, state, recorded.lsn, recorded.is_repeat))
        };
        Ok(orders.iter().zip(&group.payments).map(one).collect::<Vec<OneResult>>())
    });
    let first = if recorded.is_repeat { StatusCode::OK } else { StatusCode::CREATED };
    let response = respond(first, media, &results.await?);
    Ok(if recorded.is_repeat { answer::replayed(response) } else { response })
}

/// The payments of a batch, not yet read one by one.
enum Parsed<'a> {
    Array(Vec<&'a RawValue>),
    Lines(Vec<&'a [u8]>),
    Protobuf(PaymentBatch),
}

impl<'a> Parsed<'a> {
    fn read(media: MediaType, bytes: &'a Bytes) -> Result<Parsed<'a>, Problem> {
        Ok(match media {
            MediaType::Json => {
                let Values { first, count } = body::parse_any(bytes)?;
                check_count(count)?;
                Parsed::Array(first)
            }
            MediaType::NdJson => {
                let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
                let lines = lines.filter(|line| !line.is_empty());
                check_count(lines.clone().count())?;
                Parsed::Lines(lines.collect())
            }
            MediaType::Protobuf => Parsed::Protobuf(PaymentBatch::read(bytes)?),
        })
    }

    fn count(&self) -> usize {
        match self {
            Parsed::Array(values) => values.len(),
            Parsed::Lines(lines) => lines.len(),
            Parsed::Protobuf(batch) => batch.payments.len(),
        }
    }

    fn bodies(&self) -> impl Iterator<Item = Result<PaymentBody<'_>, Problem>> {
        (0..self.count()).map(|index| {
            let body = match self {
                Parsed::Array(values) => body::parse(values[index].get().as_bytes()),
                Parsed::Lines(lines) => body::parse(lines[index]),
                Parsed::Protobuf(batch) => match &batch.payments[index] {
                    Ok(payment) => payment.body().map_err(Problem::from),
                    Err(error) => Err(error.clone().into()),
                },
            };
            body.map_err(|problem| problem.of_payment(u32::try_from(index).ok()))
        })
    }
}

/// The values of a JSON array: as many as a batch may have, and how many there are.
struct Values<'a> {
    first: Vec<&'a RawValue>,
    count: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Values<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesVisitor;
        impl<'de> Visitor<'de> for ValuesVisitor {
            type Value = Values<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of payments")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                let mut first = Vec::new();
                while first.len() < BATCH_PAYMENTS_MAX {
                    match array.next_element()? {
                        Some(value) => first.push(value),
                        None => return Ok(Values { count: first.len(), first }),
                    }
                }
                let mut count = first.len();
                while array.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Values { first, count })
            }
        }
        deserializer.deserialize_seq(ValuesVisitor)
    }
}

type OneResult = Result<ResultView, Problem>;

fn result(
    id: Id<'_>,
    (status, reason): (Status, Option<Reason>),
    lsn: Lsn,
    repeat: bool,
) -> ResultView {
    ResultView {
        id: id.as_str().to_owned(),
        status: status.name(),
        iso_status: status.iso20022(),
        reason: reason.map(ReasonView::from),
        version: lsn.0,
        repeat,
    }
}

fn respond(status: StatusCode, media: MediaType, results: &[OneResult]) -> Response {
    if media == MediaType::Protobuf {
        let results = PaymentResults { results: results.iter().map(protobuf).collect() };
        let content_type = HeaderValue::from_static(MediaType::Protobuf.name());
        let bytes = results.encode_to_vec();
        return (status, [(header::CONTENT_TYPE, content_type)], bytes).into_response();
    }
    let one = |result: &'_ OneResult| match result {
        Ok(result) => answer::encode(result),
        Err(problem) => answer::encode(&problem.document(None)),
    };
    let results: Vec<Vec<u8>> = results.iter().map(one).collect();
    answer::written(status, answer::list("results", &results))
}

fn protobuf(result: &OneResult) -> PaymentResult {
    match result {
        Ok(result) => PaymentResult {
            id: result.id.clone(),
            status: result.status.to_owned(),
            reason: result.reason.map(|reason| reason.code().to_owned()).unwrap_or_default(),
            version: result.version,
            repeat: result.repeat,
            ..PaymentResult::default()
        },
        Err(problem) => {
            let document = problem.document(None);
            PaymentResult {
                problem: document.code.to_owned(),
                detail: document.detail.to_owned(),
                field: document.field.unwrap_or_default().to_owned(),
                ..PaymentResult::default()
            }
        }
    }
}
