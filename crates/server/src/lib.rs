//! The HTTP side of Courant: the API under `/v1`, API keys, events, metrics, and the OpenAPI
//! document.
//!
//! A thin shell around a node: it parses, authenticates, checks the form of what comes, hands
//! commands to the node and shows what it recorded. It decides nothing about money, and answers
//! only what is durable. HTTP/1.1 without TLS: on another machine's network it belongs behind a
//! proxy.
//!
//! ```text
//! socket -> serve (limits, drain) -> edge (id, log, problems) -> routes -> input -> node -> view
//! ```

mod access;
mod answer;
mod app;
mod body;
mod clock;
mod config;
mod edge;
mod events;
#[doc(hidden)]
pub mod forms;
mod input;
mod metrics;
mod openapi;
mod problem;
mod proto;
mod records;
mod routes;
mod serve;
mod view;

pub use access::{AccessError, KeyTerms, NewKey, Scope, Scopes, create_key, first_key};
pub use config::{BATCH_PAYMENTS_MAX, Config, HEADERS_MAX, JSON_DEPTH_MAX, PAGE_DEFAULT, PAGE_MAX};
pub use openapi::document;
pub use serve::{ServeError, check_address, run};
