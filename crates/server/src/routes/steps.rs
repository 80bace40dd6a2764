//! The steps of a payment: children with an id of their own, plain steps that say only why, and the
//! two that change what is held.

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
use axum::extract::State;
use axum::http::StatusCode;
use courant_engine::command::{PaymentStep, Step};
use courant_engine::{Caller, Command, Record};
use courant_ledger::GiveBack;
use courant_node::Request;
use std::sync::Arc;

/// The two routes of each kind of child: make one, and list them.
macro_rules! children {
    ($(
        $kind:expr, $path:literal,
        $make:ident $make_operation:literal $make_summary:literal,
        $list:ident $list_operation:literal $list_summary:literal;
    )*) => {$(
        #[utoipa::path(
            post, path = $path, tag = "payments", operation_id = $make_operation,
            summary = $make_summary,
            params(
                ("id" = String, Path, description = "The payment's id"),
                ("Idempotency-Key" = Option<String>, Header,
                    description = "Not needed, but heeded"),
            ),
            request_body(content = ChildBody),
            security(("api_key" = ["payments:write"])),
            responses(
                (status = 201, description = "The payment after it", body = PaymentView),
                (status = 200, description = "It had been done before with the same body",
                    body = PaymentView),
            ),
        )]
        pub(super) async fn $make(
            State(app): State<Arc<App>>,
            allowed: PaymentWriter,
            path: PathId,
            body::Json(bytes): body::Json,
        ) -> Answer {
            let order: ChildBody<'_> = body::parse(&bytes)?;
            let command = order.command(path.id()?, $kind)?;
            take(&app, allowed.caller()?, command, StatusCode::CREATED).await
        }

        #[utoipa::path(
            get, path = $path, tag = "payments", operation_id = $list_operation,
            summary = $list_summary,
            params(("id" = String, Path, description = "The payment's id"), PageQuery),
            security(("api_key" = ["payments:read"])),
            responses((status = 200, description = "The children", body = Page<StepView>)),
        )]
        pub(super) async fn $list(
            State(app): State<Arc<App>>,
            _: PaymentReader,
            path: PathId,
            Asked(query): Asked<PageQuery>,
        ) -> Answer {
            payments::steps(&app, &path, &query, |record| is_child(record, $kind)).await
        }
    )*};
}

children! {
    ChildKind::Capture, "/v1/payments/{id}/captures",
        capture "capture_payment" "Capture held money of a payment",
        captures "list_captures" "List the captures of a payment, oldest first";
    ChildKind::GiveBack(GiveBack::Refund), "/v1/payments/{id}/refunds",
        refund "refund_payment" "Refund captured money: the payee gives it back by choice",
        refunds "list_refunds" "List the refunds of a payment, oldest first";
    ChildKind::GiveBack(GiveBack::Return), "/v1/payments/{id}/returns",
        send_back "return_payment" "Return captured money that could not be applied",
        returns "list_returns" "List the returns of a payment, oldest first";
    ChildKind::GiveBack(GiveBack::Reversal), "/v1/payments/{id}/reversals",
        reverse "reverse_payment"
            "Reverse captured money to correct an error, even below the floor of the payee",
        reversals "list_reversals" "List the reversals of a payment, oldest first";
}

/// The routes of the steps that have nothing of their own to say.
macro_rules! plain_steps {
    ($($name:ident, $path:literal, $operation:literal, $step:expr, $summary:literal;)*) => {$(
        #[utoipa::path(
            post, path = $path, tag = "payments", operation_id = $operation, summary = $summary,
            params(
                ("id" = String, Path, description = "The payment's id"),
                ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe"),
            ),
            request_body(content = Option<ReasonBody>),
            security(("api_key" = ["payments:write"])),
            responses((status = 200, description = "The payment after it", body = PaymentView)),
        )]
        pub(super) async fn $name(
            State(app): State<Arc<App>>,
            allowed: PaymentWriter,
            path: PathId,
            body::OptionalJson(bytes): body::OptionalJson,
        ) -> Answer {
            let why: ReasonBody<'_> = body::parse(&bytes)?;
            let reason = why.reason.as_deref();
            let command = PaymentStep { payment: path.id()?, step: $step, reason };
            take(&app, allowed.caller()?, command, StatusCode::OK).await
        }
    )*};
}

plain_steps! {
    cancel, "/v1/payments/{id}/cancel", "cancel_payment", Step::Cancel,
        "Take a payment back before it is completed";
    confirm, "/v1/payments/{id}/confirm", "confirm_payment", Step::Confirm,
        "Say that the outside leg of a payment succeeded";
    refuse, "/v1/payments/{id}/refuse", "refuse_payment", Step::RefuseOutside,
        "Say that the outside leg of a payment failed";
    inquire, "/v1/payments/{id}/inquire", "inquire_payment", Step::Inquire,
        "Say that the outcome outside is not known";
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/release", tag = "payments", operation_id = "release_payment",
    summary = "Give up held money of a payment",
    description = "Done twice if it comes twice, so that an Idempotency-Key must be there.",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = String, Header, description = "Makes a repeat safe"),
    ),
    request_body(content = Option<ReleaseBody>),
    security(("api_key" = ["payments:write"])),
    responses((status = 200, description = "The payment after it", body = PaymentView)),
)]
pub(super) async fn release(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    body::OptionalJson(bytes): body::OptionalJson,
) -> Answer {
    let order: ReleaseBody<'_> = body::parse(&bytes)?;
    let command = order.command(path.id()?)?;
    take(&app, allowed.caller_with_key()?, command, StatusCode::OK).await
}

#[utoipa::path(
    post, path = "/v1/payments/{id}/increment", tag = "payments",
        operation_id = "increment_payment",
    summary = "Hold more money for a payment",
    description = "Done twice if it comes twice, so that an Idempotency-Key must be there.",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = String, Header, description = "Makes a repeat safe"),
    ),
    request_body(content = IncrementBody),
    security(("api_key" = ["payments:write"])),
    responses((status = 200, description = "The payment after it", body = PaymentView)),
)]
pub(super) async fn increment(
    State(app): State<Arc<App>>,
    allowed: PaymentWriter,
    path: PathId,
    body::Json(bytes): body::Json,
) -> Answer {
    let order: IncrementBody<'_> = body::parse(&bytes)?;
    let command = order.command(path.id()?)?;
    take(&app, allowed.caller_with_key()?, command, StatusCode::OK).await
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
