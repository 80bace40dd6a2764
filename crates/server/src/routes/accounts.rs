//! Accounts: open, show, list, change.

use crate::answer::{self, Answer};
use crate::app::{App, Recorded};
use crate::body;
use crate::edge::{AccountReader, AccountWriter};
use crate::input::account::{LimitsBody, OpenBody, ReasonBody};
use crate::input::query::{Asked, PageQuery, PathId};
use crate::problem::{Fault, Problem};
use crate::records;
use crate::view::Page;
use crate::view::account::{AccountView, Opening};
use axum::extract::State;
use axum::http::StatusCode;
use courant_engine::command::{AccountChange, ChangeAccount};
use courant_engine::{Caller, Command, Lsn};
use courant_ledger::{AccountNo, FieldError, FieldProblem, Id, Reason};
use courant_node::{AccountRead, Node, Request};
use std::sync::Arc;

#[utoipa::path(
    post, path = "/v1/accounts", tag = "accounts", operation_id = "open_account",
    summary = "Open an account",
    params(("Idempotency-Key" = Option<String>, Header, description = "Not needed, but heeded")),
    request_body(content = OpenBody),
    security(("api_key" = ["accounts:write"])),
    responses(
        (status = 201, description = "The account", body = AccountView),
        (status = 200, description = "It had been opened before with the same body",
            body = AccountView),
    ),
)]
pub(super) async fn open(
    State(app): State<Arc<App>>,
    allowed: AccountWriter,
    body::Json(bytes): body::Json,
) -> Answer {
    let order: OpenBody<'_> = body::parse(&bytes)?;
    let command = order.command()?;
    let id = command.id;
    let request = Request::new(allowed.caller()?, &Command::OpenAccount(command.clone()))?;
    let Recorded { is_repeat, .. } = app.record(request).await?;
    let json = account_json(&app, id, is_repeat).await?;
    Ok(answer::recorded(StatusCode::CREATED, is_repeat, json))
}

#[utoipa::path(
    get, path = "/v1/accounts", tag = "accounts", operation_id = "list_accounts",
    summary = "List accounts in the order of their opening",
    params(PageQuery),
    security(("api_key" = ["accounts:read"])),
    responses((status = 200, description = "A page of accounts", body = Page<AccountView>)),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: AccountReader,
    Asked(query): Asked<PageQuery>,
) -> Answer {
    let limit = query.limit()?;
    let from = match &query.cursor {
        None => 0,
        Some(cursor) => cursor.parse().map_err(|_| {
            let sentence = "send the next_cursor of the page before";
            FieldError::new("cursor", FieldProblem::Malformed, sentence)
        })?,
    };
    let accounts = app.node.accounts(AccountNo(from), limit).await.map_err(|_| Fault::Stopped)?;
    let next_cursor = match accounts.last() {
        Some(last) if accounts.len() == limit => Some((last.no.0 + 1).to_string()),
        _ => None,
    };
    let json = app.blocking(move |node| page(node, &accounts, next_cursor)).await?;
    Ok(answer::written(StatusCode::OK, json))
}

#[utoipa::path(
    get, path = "/v1/accounts/{id}", tag = "accounts", operation_id = "show_account",
    summary = "Show an account",
    params(("id" = String, Path, description = "The account's id")),
    security(("api_key" = ["accounts:read"])),
    responses((status = 200, description = "The account", body = AccountView)),
)]
pub(super) async fn show(State(app): State<Arc<App>>, _: AccountReader, path: PathId) -> Answer {
    Ok(answer::written(StatusCode::OK, account_json(&app, path.id()?, false).await?))
}

/// The routes that change an account's status. Each is one line of the table below.
macro_rules! changes {
    ($($name:ident, $path:literal, $operation:literal, $change:expr, $summary:literal;)*) => {$(
        #[utoipa::path(
            post, path = $path, tag = "accounts", operation_id = $operation, summary = $summary,
            params(
                ("id" = String, Path, description = "The account's id"),
                ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe"),
            ),
            request_body(content = Option<ReasonBody>),
            security(("api_key" = ["accounts:write"])),
            responses((status = 200, description = "The account", body = AccountView)),
        )]
        pub(super) async fn $name(
            State(app): State<Arc<App>>,
            allowed: AccountWriter,
            path: PathId,
            body::OptionalJson(bytes): body::OptionalJson,
        ) -> Answer {
            let reason: ReasonBody<'_> = body::parse(&bytes)?;
            let command = reason.command(path.id()?, $change);
            changed(&app, allowed.caller()?, command).await
        }
    )*};
}

changes! {
    freeze, "/v1/accounts/{id}/freeze", "freeze_account", AccountChange::Freeze,
        "Stop new movements of an account";
    unfreeze, "/v1/accounts/{id}/unfreeze", "unfreeze_account", AccountChange::Unfreeze,
        "Let an account move again";
    close, "/v1/accounts/{id}/close", "close_account", AccountChange::Close,
        "Close an empty account for ever";
}

#[utoipa::path(
    put, path = "/v1/accounts/{id}/limits", tag = "accounts", operation_id = "limit_account",
    summary = "Give an account another floor and ceiling",
    params(
        ("id" = String, Path, description = "The account's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe"),
    ),
    request_body(content = LimitsBody),
    security(("api_key" = ["accounts:write"])),
    responses((status = 200, description = "The account", body = AccountView)),
)]
pub(super) async fn limits(
    State(app): State<Arc<App>>,
    allowed: AccountWriter,
    path: PathId,
    body::Json(bytes): body::Json,
) -> Answer {
    let id = path.id()?;
    let limits: LimitsBody<'_> = body::parse(&bytes)?;
    let read = find(&app, id).await?;
    let command = limits.command(id, read.account.terms.currency)?;
    changed(&app, allowed.caller()?, command).await
}

async fn changed(app: &App, caller: Caller<'_>, command: ChangeAccount<'_>) -> Answer {
    let id = command.id;
    let request = Request::new(caller, &Command::ChangeAccount(command))?;
    let Recorded { is_repeat, .. } = app.record(request).await?;
    let json = account_json(app, id, is_repeat).await?;
    Ok(answer::recorded(StatusCode::OK, is_repeat, json))
}

/// An account that must be there.
pub(super) async fn find(app: &App, id: Id<'_>) -> Result<AccountRead, Problem> {
    let read = app.node.account(id).await.map_err(|_| Fault::Stopped)?;
    read.ok_or_else(|| Reason::AccountNotFound.into())
}

async fn account_json(app: &App, id: Id<'_>, is_repeat: bool) -> Result<Vec<u8>, Problem> {
    let read = find(app, id).await?;
    app.blocking(move |node| {
        view(node, &read, |account| answer::encode(&account.repeated(is_repeat)))
    })
    .await
}

fn page(
    node: &Node,
    accounts: &[AccountRead],
    next_cursor: Option<String>,
) -> Result<Vec<u8>, Problem> {
    let one = |read| view(node, read, |account| answer::encode(&account));
    let items: Vec<Vec<u8>> = accounts.iter().map(one).collect::<Result<_, _>>()?;
    Ok(answer::page(&items, next_cursor))
}

/// Shows an account with what its first record says.
fn view<T>(
    node: &Node,
    read: &AccountRead,
    show: impl FnOnce(AccountView<'_>) -> T,
) -> Result<T, Problem> {
    let bytes = records::read(node, Lsn(read.account.opened_record))?;
    let record = records::decode(&bytes)?;
    let opening = Opening::of(&record, read.account.id().as_str());
    Ok(show(AccountView::new(&read.account, opening)))
}
