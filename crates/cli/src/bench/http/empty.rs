//! The least that a POST can cost with the libraries that the server is built on: read the body,
//! answer nothing.

use std::io::Read;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// As many as the server has.
const WORKER_THREADS: usize = 2;

/// Serves until standard input ends, so that it never outlives who started it.
pub(in crate::bench) fn serve() -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| Failure::internal(format!("the empty handler: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(failed)?;
    let listener =
        runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let router =
        Router::new().route("/v1/payments", post(|_: Bytes| async { StatusCode::CREATED }));
    runtime.spawn(async { axum::serve(listener, router).await });
    Output::new(true).json_line(&json!({ "url": format!("http://{address}"), "admin_key": "" }))?;
    let ended = std::io::stdin().read_to_end(&mut Vec::new());
    ended.map(|_| Exit::Success).map_err(failed)
}
