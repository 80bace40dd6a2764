//! The steps of a payment: children with an id of their own, and plain steps.

use super::payments::{self, StepView};
use crate::answer::{self, Answer};
use crate::app::App;
use crate::body;
use crate::edge::{PaymentReader, PaymentWriter};
use crate::input::account::ReasonBody;
use crate::input::query::{Asked, PageQuery, PathId};
use crate::input::step::{ChildBody, ChildKind, IncrementBody, ReleaseBody};
use crate::problem::Problem;
use crate::view::Page;
use crate::view::payment::PaymentView;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use courant_engine::command::{PaymentStep, Step};
use courant_engine::{Caller, Command, Record};
use courant_ledger::GiveBack;
use courant_node::Request;
use std::sync::Arc;

#[utoipa::path(
    post, path = "/v1/payments/{id}/captures", tag = "payments", operation_id = "capture_payment",
    summary = "Capture held money of a payment",
    params(("id" = String, Path, description = "The payment's id")),
    request_body(content = ChildBody),
    security(("api_key" = ["payments:write"])),
    responses(
        (status = 201, description = "The payment after it", body = PaymentView),
        (status = 200, description = "It had been done before with the same body",
            body = PaymentView),
    ),
)]
pub(super) async fn capture(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let bytes = body::read_json(&app, &headers, body).await?;
    child(&app, allowed, &path, &bytes, ChildKind::Capture).await
}

#[utoipa::path(
    get, path = "/v1/payments/{id}/captures", tag = "payments", operation_id = "list_captures",
    summary = "List the captures of a payment, oldest first",
    params(("id" = String, Path, description = "The payment's id"), PageQuery),
    security(("api_key" = ["payments:read"])),
    responses((status = 200, description = "The captures", body = Page<StepView>)),
)]
pub(super) async fn captures(
    State(app): State<Arc<App>>,
    _: PaymentReader,
    path: PathId,
    Asked(query): Asked<PageQuery>,
) -> Answer {
    payments::steps(&app, &path, &query, |record| is_child(record, ChildKind::Capture)).await
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/refunds", tag = "payments", operation_id = "refund_payment",
    summary = "Refund captured money: the payee gives it back by choice",
    params(("id" = String, Path, description = "The payment's id")),
    request_body(content = ChildBody),
    security(("api_key" = ["payments:write"])),
    responses(
        (status = 201, description = "The payment after it", body = PaymentView),
        (status = 200, description = "It had been done before with the same body",
            body = PaymentView),
    ),
)]
pub(super) async fn refund(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let bytes = body::read_json(&app, &headers, body).await?;
    child(&app, allowed, &path, &bytes, ChildKind::GiveBack(GiveBack::Refund)).await
}

#[utoipa::path(
    get, path = "/v1/payments/{id}/refunds", tag = "payments", operation_id = "list_refunds",
    summary = "List the refunds of a payment, oldest first",
    params(("id" = String, Path, description = "The payment's id"), PageQuery),
    security(("api_key" = ["payments:read"])),
    responses((status = 200, description = "The refunds", body = Page<StepView>)),
)]
pub(super) async fn refunds(
    State(app): State<Arc<App>>,
    _: PaymentReader,
    path: PathId,
    Asked(query): Asked<PageQuery>,
) -> Answer {
    payments::steps(&app, &path, &query, |record| {
        is_child(record, ChildKind::GiveBack(GiveBack::Refund))
    })
    .await
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/returns", tag = "payments", operation_id = "return_payment",
    summary = "Return captured money that could not be applied",
    params(("id" = String, Path, description = "The payment's id")),
    request_body(content = ChildBody),
    security(("api_key" = ["payments:write"])),
    responses(
        (status = 201, description = "The payment after it", body = PaymentView),
        (status = 200, description = "It had been done before with the same body",
            body = PaymentView),
    ),
)]
pub(super) async fn send_back(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let bytes = body::read_json(&app, &headers, body).await?;
    child(&app, allowed, &path, &bytes, ChildKind::GiveBack(GiveBack::Return)).await
}

#[utoipa::path(
    get, path = "/v1/payments/{id}/returns", tag = "payments", operation_id = "list_returns",
    summary = "List the returns of a payment, oldest first",
    params(("id" = String, Path, description = "The payment's id"), PageQuery),
    security(("api_key" = ["payments:read"])),
    responses((status = 200, description = "The returns", body = Page<StepView>)),
)]
pub(super) async fn returns(
    State(app): State<Arc<App>>,
    _: PaymentReader,
    path: PathId,
    Asked(query): Asked<PageQuery>,
) -> Answer {
    payments::steps(&app, &path, &query, |record| {
        is_child(record, ChildKind::GiveBack(GiveBack::Return))
    })
    .await
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/reversals", tag = "payments", operation_id = "reverse_payment",
    summary = "Reverse captured money to correct an error, even below the floor of the payee",
    params(("id" = String, Path, description = "The payment's id")),
    request_body(content = ChildBody),
    security(("api_key" = ["payments:write"])),
    responses(
        (status = 201, description = "The payment after it", body = PaymentView),
        (status = 200, description = "It had been done before with the same body",
            body = PaymentView),
    ),
)]
pub(super) async fn reverse(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let bytes = body::read_json(&app, &headers, body).await?;
    child(&app, allowed, &path, &bytes, ChildKind::GiveBack(GiveBack::Reversal)).await
}

#[utoipa::path(
    get, path = "/v1/payments/{id}/reversals", tag = "payments", operation_id = "list_reversals",
    summary = "List the reversals of a payment, oldest first",
    params(("id" = String, Path, description = "The payment's id"), PageQuery),
    security(("api_key" = ["payments:read"])),
    responses((status = 200, description = "The reversals", body = Page<StepView>)),
)]
pub(super) async fn reversals(
    State(app): State<Arc<App>>,
    _: PaymentReader,
    path: PathId,
    Asked(query): Asked<PageQuery>,
) -> Answer {
    payments::steps(&app, &path, &query, |record| {
        is_child(record, ChildKind::GiveBack(GiveBack::Reversal))
    })
    .await
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/release", tag = "payments", operation_id = "release_payment",
    summary = "Give up held money of a payment",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe"),
    ),
    request_body(content = Option<ReleaseBody>),
    security(("api_key" = ["payments:write"])),
    responses((status = 200, description = "The payment after it", body = PaymentView)),
)]
pub(super) async fn release(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let bytes = body::read_optional_json(&app, &headers, body).await?;
    let order: ReleaseBody<'_> = body::parse(&bytes)?;
    take(&app, allowed.by_key()?, order.command(path.id()?)?, StatusCode::OK).await
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/increment", tag = "payments",
        operation_id = "increment_payment",
    summary = "Hold more money for a payment",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe"),
    ),
    request_body(content = IncrementBody),
    security(("api_key" = ["payments:write"])),
    responses((status = 200, description = "The payment after it", body = PaymentView)),
)]
pub(super) async fn increment(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let bytes = body::read_json(&app, &headers, body).await?;
    let order: IncrementBody<'_> = body::parse(&bytes)?;
    take(&app, allowed.by_key()?, order.command(path.id()?)?, StatusCode::OK).await
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/cancel", tag = "payments", operation_id = "cancel_payment",
    summary = "Take a payment back before it is completed",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe"),
    ),
    request_body(content = Option<ReasonBody>),
    security(("api_key" = ["payments:write"])),
    responses((status = 200, description = "The payment after it", body = PaymentView)),
)]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let bytes = body::read_optional_json(&app, &headers, body).await?;
    plain(&app, allowed, &path, &bytes, Plain::Cancel).await
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/confirm", tag = "payments", operation_id = "confirm_payment",
    summary = "Say that the outside leg of a payment succeeded",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe"),
    ),
    request_body(content = Option<ReasonBody>),
    security(("api_key" = ["payments:write"])),
    responses((status = 200, description = "The payment after it", body = PaymentView)),
)]
pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let bytes = body::read_optional_json(&app, &headers, body).await?;
    plain(&app, allowed, &path, &bytes, Plain::Confirm).await
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/refuse", tag = "payments", operation_id = "refuse_payment",
    summary = "Say that the outside leg of a payment failed",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe"),
    ),
    request_body(content = Option<ReasonBody>),
    security(("api_key" = ["payments:write"])),
    responses((status = 200, description = "The payment after it", body = PaymentView)),
)]
pub(super) async fn refuse(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let bytes = body::read_optional_json(&app, &headers, body).await?;
    plain(&app, allowed, &path, &bytes, Plain::Refuse).await
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/inquire", tag = "payments", operation_id = "inquire_payment",
    summary = "Say that the outcome outside is not known",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe"),
    ),
    request_body(content = Option<ReasonBody>),
    security(("api_key" = ["payments:write"])),
    responses((status = 200, description = "The payment after it", body = PaymentView)),
)]
pub(super) async fn inquire(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let bytes = body::read_optional_json(&app, &headers, body).await?;
    plain(&app, allowed, &path, &bytes, Plain::Inquire).await
}

async fn child(
    app: &App,
    allowed: PaymentWriter,
    path: &PathId,
    bytes: &[u8],
    kind: ChildKind,
) -> Answer {
    let order: ChildBody<'_> = body::parse(bytes)?;
    take(app, allowed.by_id(), order.command(path.id()?, kind)?, StatusCode::CREATED).await
}

/// A step that has nothing of its own to say.
enum Plain {
    Cancel,
    Confirm,
    Refuse,
    Inquire,
}

impl Plain {
    fn step<'a>(self) -> Step<'a> {
        match self {
            Plain::Cancel => Step::Cancel,
            Plain::Confirm => Step::Confirm,
            Plain::Refuse => Step::RefuseOutside,
            Plain::Inquire => Step::Inquire,
        }
    }
}

async fn plain(
    app: &App,
    allowed: PaymentWriter,
    path: &PathId,
    bytes: &[u8],
    kind: Plain,
) -> Answer {
    let why: ReasonBody<'_> = body::parse(bytes)?;
    let (step, reason) = (kind.step(), why.reason.as_deref());
    let command = PaymentStep { payment: path.id()?, step, reason };
    take(app, allowed.by_key()?, command, StatusCode::OK).await
}

async fn take(
    app: &App,
    caller: Caller<'_>,
    command: PaymentStep<'_>,
    first: StatusCode,
) -> Answer {
    let request = Request::new(caller, &Command::Step(command)).map_err(Problem::from)?;
    let recorded = app.record(request).await?;
    let json = payments::as_of(app, recorded).await?;
    Ok(answer::recorded(first, recorded.is_repeat, json))
}

fn is_child(record: &Record<'_>, kind: ChildKind) -> bool {
    match &record.command {
        Command::Step(PaymentStep { step: Step::Capture { .. }, .. }) => kind == ChildKind::Capture,
        Command::Step(PaymentStep { step: Step::GiveBack { why, .. }, .. }) => {
            kind == ChildKind::GiveBack(*why)
        }
        _ => false,
    }
}
