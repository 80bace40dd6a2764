//! The edge: what happens to every request before and after its handler.
//!
//! It gives the request an id, times it, counts it, turns a problem into its document, and writes
//! the line of the access log: who (number of the API key), what, when, and with which result. Keys
//! and bodies are never logged.

use crate::access::Scope;
use crate::app::App;
use crate::clock;
use crate::problem::{Fault, Problem};
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Request, header};
use axum::response::{IntoResponse, Response};
use courant_engine::Caller;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tower_service::Service;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_LENGTH_MAX: usize = 64;
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Makes ids of requests: unique in one run of the server, and hard to mistake for those of
/// another.
#[derive(Debug)]
pub(crate) struct RequestIds {
    run: u32,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(run: u32) -> RequestIds {
        RequestIds { run, next: AtomicU64::new(1) }
    }

    /// The client's own id, if it is one that a log can carry, or a new one.
    fn of(&self, request: &Request<Body>) -> HeaderValue {
        let sane = |value: &&HeaderValue| {
            let bytes = value.as_bytes();
            (1..=REQUEST_ID_LENGTH_MAX).contains(&bytes.len())
                && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"._:@~-".contains(b))
        };
        if let Some(value) = request.headers().get(&REQUEST_ID).filter(sane) {
            return value.clone();
        }
        let text = format!("{:08x}-{:x}", self.run, self.next.fetch_add(1, Ordering::Relaxed));
        HeaderValue::try_from(text).expect("hexadecimal digits can stand in a header")
    }
}

/// What a handler's extractors find out about a request and the access log tells.
#[derive(Debug, Default)]
struct Seen {
    key: AtomicU32,
    route: OnceLock<MatchedPath>,
}

/// Answers one request.
pub(crate) async fn answer(
    app: &App,
    ids: &RequestIds,
    mut router: Router,
    peer: SocketAddr,
    mut request: Request<Body>,
) -> Response {
    let begun = clock::instant();
    let id = ids.of(&request);
    let seen = Arc::new(Seen::default());
    request.extensions_mut().insert(Arc::clone(&seen));
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let Ok(mut response) = router.call(request).await;

    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        let retained = response.headers().get(header::ALLOW).cloned();
        response = problem.respond(id.to_str().unwrap_or_default());
        if let Some(allow) = retained {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    response.headers_mut().insert(REQUEST_ID, id.clone());
    let took = begun.elapsed();
    let route = seen.route.get().map_or("other", MatchedPath::as_str);
    app.metrics.count(&method, route, response.status(), took);
    tracing::info!(
        target: "courant::access",
        request_id = id.to_str().unwrap_or_default(),
        %peer,
        key = seen.key.load(Ordering::Relaxed),
        %method,
        path = uri.path(),
        status = response.status().as_u16(),
        code = problem.as_ref().map(|p| p.code.name()),
        took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    );
    response
}

/// The answer where no route is.
pub(crate) async fn no_route() -> Problem {
    Fault::RouteNotFound.into()
}

/// The answer where the route takes other methods.
pub(crate) async fn no_method() -> Response {
    Problem::from(Fault::MethodNotAllowed).into_response()
}

/// Somebody whose API key allows what needs a scope.
///
/// `SCOPE` is [`Scope::bit`]; stable Rust takes no enums as parameters of types.
#[derive(Debug)]
pub(crate) struct Allowed<const SCOPE: u32> {
    key: u32,
    idempotency_key: Option<HeaderValue>,
}

pub(crate) type AccountReader = Allowed<{ Scope::AccountsRead.bit() }>;
pub(crate) type AccountWriter = Allowed<{ Scope::AccountsWrite.bit() }>;
pub(crate) type PaymentReader = Allowed<{ Scope::PaymentsRead.bit() }>;
pub(crate) type PaymentWriter = Allowed<{ Scope::PaymentsWrite.bit() }>;
pub(crate) type EventReader = Allowed<{ Scope::EventsRead.bit() }>;
pub(crate) type MetricsReader = Allowed<{ Scope::MetricsRead.bit() }>;
pub(crate) type Admin = Allowed<{ Scope::Admin.bit() }>;

impl<const SCOPE: u32> Allowed<SCOPE> {
    /// Who asks, with the `Idempotency-Key` of the request if it has one.
    pub(crate) fn caller(&self) -> Result<Caller<'_>, Problem> {
        let text = self.idempotency_key.as_ref().map(|value| {
            let detail = "use 1 to 128 visible ASCII characters without spaces";
            let bad = || Problem::because(Fault::BadHeader, detail).at("Idempotency-Key");
            value.to_str().map_err(|_| bad())
        });
        Ok(Caller { key: self.key, idempotency_key: text.transpose()? })
    }

    /// Who asks for what has no id of its own and would be done twice if it came twice: there must
    /// be an `Idempotency-Key`.
    pub(crate) fn caller_with_key(&self) -> Result<Caller<'_>, Problem> {
        let caller = self.caller()?;
        match caller.idempotency_key {
            Some(_) => Ok(caller),
            None => Err(Problem::from(Fault::IdempotencyKeyMissing).at("Idempotency-Key")),
        }
    }

    /// Who asks for several things at once, each under an id of its own: a key of the request says
    /// nothing about one of them.
    pub(crate) fn caller_of_many(&self) -> Caller<'static> {
        Caller { key: self.key, idempotency_key: None }
    }
}

impl<const SCOPE: u32> FromRequestParts<Arc<App>> for Allowed<SCOPE> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let seen = parts.extensions.get::<Arc<Seen>>();
        if let (Some(seen), Some(route)) = (seen, parts.extensions.get::<MatchedPath>()) {
            // An extractor runs once per request, so nothing is there yet.
            let _ = seen.route.set(route.clone());
        }
        let scope = Scope::ALL.into_iter().find(|scope| scope.bit() == SCOPE);
        let scope = scope.expect("the types above name each scope by its bit");
        let authorization = parts.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let key = app.keyring.admit(authorization, scope, clock::now())?;
        if let Some(seen) = seen {
            seen.key.store(key, Ordering::Relaxed);
        }
        Ok(Allowed { key, idempotency_key: parts.headers.get(IDEMPOTENCY_KEY).cloned() })
    }
}
