//! API keys: make, list, revoke.
//!
//! What is recorded of a key and what the server knows of it must not part: a change goes on to its
//! end though the client that asked for it is gone.

use crate::access::{next_number, prepare};
use crate::answer::{self, Answer};
use crate::app::{App, Recorded};
use crate::body;
use crate::edge::Admin;
use crate::input::key::KeyBody;
use crate::problem::{Code, Fault, Problem};
use crate::view::Page;
use crate::view::key::KeyView;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use courant_engine::{Command, Key};
use courant_ledger::Reason;
use courant_node::Request;
use std::future::Future;
use std::sync::Arc;

#[utoipa::path(
    post, path = "/v1/keys", tag = "keys", operation_id = "create_key",
    summary = "Make an API key",
    description = "Its text is in this answer only: it is kept nowhere. A repeat under the same \
        Idempotency-Key is a 409.",
    params(("Idempotency-Key" = Option<String>, Header, description = "Keeps a repeat from making \
        another key")),
    request_body(content = KeyBody),
    security(("api_key" = ["admin"])),
    responses((status = 201, description = "The key, with its text", body = KeyView)),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    allowed: Admin,
    body::Json(bytes): body::Json,
) -> Answer {
    to_its_end(async move {
        let order: KeyBody<'_> = body::parse(&bytes)?;
        let terms = order.terms()?;
        let _changes = app.key_changes.lock().await;
        let number = next_number(&keys(&app).await?);
        let (request, new) = prepare(app.keyring.secret(), allowed.caller()?, number, &terms)?;
        let (_, keys) = change(&app, request).await.map_err(|problem| match problem.code {
            Code::Reason(Reason::IdempotencyConflict) => Fault::KeyShownOnce.into(),
            _ => problem,
        })?;
        let key = find(&keys, number)?;
        Ok(answer::json(StatusCode::CREATED, &KeyView::new(key).with_text(&new)))
    })
    .await
}

#[utoipa::path(
    get, path = "/v1/keys", tag = "keys", operation_id = "list_keys",
    summary = "List API keys",
    description = "All of them, revoked and expired ones too, up to 10,000: then a new key takes \
        the place of the oldest that no longer works. Its events stay, and its number is not used \
        again.",
    security(("api_key" = ["admin"])),
    responses((status = 200, description = "The keys, without their texts", body = Page<KeyView>)),
)]
pub(super) async fn list(State(app): State<Arc<App>>, _: Admin) -> Answer {
    let keys = keys(&app).await?;
    let items = keys.iter().map(KeyView::new).collect();
    Ok(answer::json(StatusCode::OK, &Page { items, next_cursor: None }))
}

#[utoipa::path(
    delete, path = "/v1/keys/{number}", tag = "keys", operation_id = "revoke_key",
    summary = "Revoke an API key",
    description = "It stops to work at once. The last working key with the scope admin cannot be \
        revoked.",
    params(
        ("number" = u32, Path, description = "The number of the key"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe"),
    ),
    security(("api_key" = ["admin"])),
    responses((status = 200, description = "The key", body = KeyView)),
)]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    allowed: Admin,
    path: Result<Path<u32>, axum::extract::rejection::PathRejection>,
) -> Answer {
    let Path(number) = path.map_err(|_| Problem::from(Reason::KeyNotFound))?;
    let request = Request::new(allowed.caller()?, &Command::RevokeKey { number })?;
    to_its_end(async move {
        let _changes = app.key_changes.lock().await;
        let (Recorded { is_repeat, .. }, keys) = change(&app, request).await?;
        let key = find(&keys, number)?;
        let json = answer::encode(&KeyView::new(key).repeated(is_repeat));
        Ok(answer::recorded(StatusCode::OK, is_repeat, json))
    })
    .await
}

/// Finishes what it has begun. A handler is dropped where it stands when its client hangs up.
async fn to_its_end(work: impl Future<Output = Answer> + Send + 'static) -> Answer {
    tokio::spawn(work).await.unwrap_or_else(|error| Err(Problem::internal(error)))
}

async fn keys(app: &App) -> Result<Vec<Key>, Problem> {
    app.node.keys().await.map_err(|_| Fault::Stopped.into())
}

/// Changes a key and brings the server's own view up to date, also after a refusal: the change may
/// have been made before. Called with the lock on changes held.
async fn change(app: &App, request: Request) -> Result<(Recorded, Vec<Key>), Problem> {
    let recorded = app.record(request).await;
    let keys = keys(app).await?;
    app.keyring.replace(keys.clone());
    Ok((recorded?, keys))
}

fn find(keys: &[Key], number: u32) -> Result<&Key, Problem> {
    let key = keys.iter().find(|key| key.number == number);
    key.ok_or_else(|| Problem::internal("a key that was just recorded is missing"))
}
