//! Routes: each handler with its path, its scope and its place in the OpenAPI document.

mod accounts;
mod batch;
mod entries;
mod events;
mod keys;
mod payments;
mod steps;
mod stream;
mod system;

use crate::app::App;
use crate::edge;
use crate::openapi;
use axum::Router;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All routes that the OpenAPI document describes.
pub(crate) fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(accounts::open, accounts::list))
        .routes(routes!(accounts::show))
        .routes(routes!(accounts::freeze))
        .routes(routes!(accounts::unfreeze))
        .routes(routes!(accounts::close))
        .routes(routes!(accounts::limits))
        .routes(routes!(entries::list))
        .routes(routes!(payments::pay))
        .routes(routes!(batch::pay_all))
        .routes(routes!(payments::show))
        .routes(routes!(payments::history))
        .routes(routes!(steps::capture, steps::captures))
        .routes(routes!(steps::refund, steps::refunds))
        .routes(routes!(steps::send_back, steps::returns))
        .routes(routes!(steps::reverse, steps::reversals))
        .routes(routes!(steps::release))
        .routes(routes!(steps::increment))
        .routes(routes!(steps::cancel))
        .routes(routes!(steps::confirm))
        .routes(routes!(steps::refuse))
        .routes(routes!(steps::inquire))
        .routes(routes!(events::list))
        .routes(routes!(stream::follow))
        .routes(routes!(system::trial_balance))
        .routes(routes!(keys::create, keys::list))
        .routes(routes!(keys::revoke))
        .routes(routes!(system::metrics))
        .routes(routes!(system::health))
        .routes(routes!(system::ready))
}

/// The router of the server.
pub(crate) fn router(app: Arc<App>) -> Router {
    let (router, document) = described().split_for_parts();
    router
        .merge(openapi::pages(document))
        .fallback(edge::no_route)
        .method_not_allowed_fallback(edge::no_method)
        .with_state(app)
}
