//! The state of the server as a whole: trial balance, metrics, health, readiness.

use crate::answer::{self, Answer};
use crate::app::App;
use crate::edge::{AccountReader, MetricsReader};
use crate::metrics::METRICS_TEXT;
use crate::problem::{Fault, Problem};
use crate::view::{SumsView, Time};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The sums of all accounts at one moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrialBalance)]
pub(super) struct TrialBalanceView {
    /// True if debits equal credits in every currency.
    balanced: bool,
    /// The last record it shows.
    version: u64,
    /// The time of that record.
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    /// The sums of each currency.
    currencies: Vec<CurrencyView>,
    /// How many accounts there are, those of the outside world too.
    accounts: usize,
    /// How many payments were ever made, rejected ones too.
    payments: u64,
    /// How many of them are not final.
    open_payments: usize,
    /// How many records the journal has had.
    records: u64,
}

/// The sums of one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CurrencySums)]
struct CurrencyView {
    currency: &'static str,
    #[serde(flatten)]
    sums: SumsView,
}

/// That the process lives, and which server it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(super) struct HealthView<'a> {
    /// `alive`.
    status: &'static str,
    /// Which server: `/courant/` and the id of its data directory, as in its events.
    source: &'a str,
    /// The part of its past, as in the ids of new events; null while the server has lost nothing
    /// to a restore or a repair.
    incarnation: Option<String>,
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = State)]
pub(super) struct StateView {
    /// `ready`.
    status: &'static str,
    /// What an operator should look at all the same; left out if there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[utoipa::path(
    get, path = "/v1/trial-balance", tag = "accounts", operation_id = "trial_balance",
    summary = "Show the sums of all accounts",
    security(("api_key" = ["accounts:read"])),
    responses((status = 200, description = "The trial balance", body = TrialBalanceView)),
)]
pub(super) async fn trial_balance(State(app): State<Arc<App>>, _: AccountReader) -> Answer {
    let balance = app.node.trial_balance().await.map_err(|_| Fault::Stopped)?;
    let currencies = balance.currencies.iter().map(|(currency, sums)| CurrencyView {
        currency: currency.code(),
        sums: SumsView::new(*sums, *currency),
    });
    let view = TrialBalanceView {
        balanced: balance.balanced,
        version: balance.lsn.0,
        time: Time(balance.at),
        currencies: currencies.collect(),
        accounts: balance.accounts,
        payments: balance.payments,
        open_payments: balance.open_payments,
        records: balance.records,
    };
    Ok(answer::json(StatusCode::OK, &view))
}

#[utoipa::path(
    get, path = "/v1/metrics", tag = "operations", operation_id = "metrics",
    summary = "Show metrics for Prometheus",
    security(("api_key" = ["metrics:read"])),
    responses((status = 200, description = "OpenMetrics text", body = String,
        content_type = "application/openmetrics-text")),
)]
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    _: MetricsReader,
) -> Result<Response, Problem> {
    let text = app.metrics.render().map_err(Problem::internal)?;
    let content_type = HeaderValue::from_static(METRICS_TEXT);
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}

#[utoipa::path(
    get, path = "/v1/health", tag = "operations", operation_id = "health",
    summary = "Say that the process lives",
    responses((status = 200, description = "It lives", body = HealthView)),
)]
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let incarnation = app.node.incarnations().last();
    let incarnation = incarnation.map(|incarnation| format!("{:08x}", incarnation.number));
    let view = HealthView { status: "alive", source: &app.source, incarnation };
    answer::json(StatusCode::OK, &view)
}

#[utoipa::path(
    get, path = "/v1/ready", tag = "operations", operation_id = "ready",
    summary = "Say whether payments are taken",
    responses((status = 200, description = "They are", body = StateView)),
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Answer {
    let why = if app.node.stopped().is_some() {
        "the server stopped after a failed write"
    } else if *app.closing.borrow() {
        "the server is shutting down"
    } else if app.node.stats().storage_full {
        "the disk is full"
    } else {
        let note = app.node.clock_complaint();
        return Ok(answer::json(StatusCode::OK, &StateView { status: "ready", note }));
    };
    Err(Problem::because(Fault::NotReady, why))
}
