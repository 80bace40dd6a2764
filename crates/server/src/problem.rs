//! Problems: the one form of every answer that is not what was asked for (RFC 9457).
//!
//! A handler returns a [`Problem`]; the edge gives it the request's id and writes it as JSON. What
//! is inside the machine (paths, addresses, errors of the operating system) goes into the log,
//! never into a problem.

use crate::access::AccessError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use courant_ledger::{FieldError, FieldProblem, Reason};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// The media type of a problem document.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

macro_rules! faults {
    ($($variant:ident $status:ident $name:literal, $sentence:literal;)*) => {
        /// What can be wrong with a request apart from its fields and from what the ledger refuses.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault { $(#[doc = $sentence] $variant,)* }

        impl Fault {
            pub(crate) const ALL: &'static [Fault] = &[$(Fault::$variant,)*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Fault::$variant => $name,)* }
            }

            pub(crate) fn status(self) -> StatusCode {
                match self { $(Fault::$variant => StatusCode::$status,)* }
            }

            pub(crate) fn sentence(self) -> &'static str {
                match self { $(Fault::$variant => $sentence,)* }
            }
        }
    };
}

faults! {
    BadJson BAD_REQUEST "bad_json", "The body is not JSON.";
    BadProtobuf BAD_REQUEST "bad_protobuf", "The body is not the Protobuf message that \
        docs/payments.proto describes.";
    TooDeep BAD_REQUEST "too_deep", "The JSON of the body is nested deeper than 16 levels.";
    BodyIncomplete BAD_REQUEST "body_incomplete", "The body ended before it was complete: send it \
        again.";
    BadHeader BAD_REQUEST "bad_header", "A header has a value that is not allowed.";
    IdempotencyKeyMissing BAD_REQUEST "idempotency_key_missing", "This has no id of its own, so \
        that sending it twice would do it twice: send the header `Idempotency-Key` with a value of \
        your own, and the same value when you send it again.";
    BadQuery BAD_REQUEST "bad_query", "The part of the URL after the question mark is not as \
        documented.";
    ApiKeyMissing UNAUTHORIZED "api_key_missing", "Send the header `Authorization: Bearer ck_...` \
        with an API key.";
    ApiKeyMalformed UNAUTHORIZED "api_key_malformed", "The API key is not whole: copy it again, \
        from `ck_` to its end.";
    ApiKeyUnknown UNAUTHORIZED "api_key_unknown", "The API key is not one of this server.";
    ApiKeyExpired UNAUTHORIZED "api_key_expired", "The API key has expired: make another one.";
    ApiKeyRevoked UNAUTHORIZED "api_key_revoked", "The API key was revoked.";
    ScopeMissing FORBIDDEN "scope_missing", "The API key does not have the scope that this needs.";
    RouteNotFound NOT_FOUND "route_not_found", "There is nothing at this path: GET /docs lists \
        what there is.";
    MethodNotAllowed METHOD_NOT_ALLOWED "method_not_allowed", "This path does not take this \
        method: GET /docs lists what it takes.";
    SlowBody REQUEST_TIMEOUT "slow_body", "The body took too long to arrive.";
    BodyTooLarge PAYLOAD_TOO_LARGE "body_too_large", "The body is larger than allowed: split it.";
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported_media_type",
        "The body is of a type that this does not take.";
    KeyShownOnce CONFLICT "key_shown_once", "This Idempotency-Key was used before. If it made a \
        key, the text of that key was shown once and is not kept: revoke it and make another one.";
    Busy SERVICE_UNAVAILABLE "busy", "As many requests, or as many bytes of them, are waiting as \
        the server takes: send this one again a little later. Nothing was done.";
    StreamsFull SERVICE_UNAVAILABLE "streams_full", "As many event streams are open as the server \
        takes: read GET /v1/events, or try later.";
    Stopped SERVICE_UNAVAILABLE "stopped", "The server has stopped taking requests: a write to its \
        disk failed, or it is shutting down. Send the request again when it is back; its id keeps \
        it from being done twice.";
    HistoryUnreadable SERVICE_UNAVAILABLE "history_unreadable",
        "An older record that this depends on cannot be read now; the server's log says why. \
         Nothing was done.";
    HistoryRetired GONE "history_retired", "This needs a record that was archived or dropped. If \
        the request was sent before, it was done then, and it is not done again. Nothing was done \
        now.";
    HistoryReplaced GONE "history_replaced", "What this id or cursor names was lost when the \
        server was restored from a backup or its journal was repaired; something else stands in \
        its place.";
    NotReady SERVICE_UNAVAILABLE "not_ready", "The server does not take payments now.";
    StorageFull INSUFFICIENT_STORAGE "storage_full", "The disk of the server is full. Nothing was \
        done; send it again when there is room. Reads go on, and what was done before is told to \
        whoever sends it again.";
    Internal INTERNAL_SERVER_ERROR "internal", "Something is broken inside the server; its log has \
        the request's id and the cause.";
}

/// What was wrong, as a stable name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// A field.
    Field(FieldProblem),
    /// The ledger or the engine refused.
    Reason(Reason),
    /// Anything else.
    Fault(Fault),
}

impl Code {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Code::Field(problem) => problem.code(),
            Code::Reason(reason) => reason.name(),
            Code::Fault(fault) => fault.name(),
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Code::Field(_) => StatusCode::BAD_REQUEST,
            Code::Reason(reason) => status_of(reason),
            Code::Fault(fault) => fault.status(),
        }
    }
}

fn status_of(reason: Reason) -> StatusCode {
    match reason {
        Reason::PaymentNotFound | Reason::AccountNotFound | Reason::KeyNotFound => {
            StatusCode::NOT_FOUND
        }
        Reason::IdempotencyConflict
        | Reason::AccountExists
        | Reason::KeyExists
        | Reason::PaymentBusy => StatusCode::CONFLICT,
        Reason::OpenPaymentsFull => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Seconds after which a request that found the server full is worth another try.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

/// An answer that is not what was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    limit: Option<u64>,
    index: Option<u32>,
}

impl Problem {
    fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem { code, detail: detail.into(), field: None, limit: None, index: None }
    }

    /// A fault in other words than its own.
    pub(crate) fn because(fault: Fault, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(Code::Fault(fault), detail)
    }

    /// Whether it is this fault.
    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.code == Code::Fault(fault)
    }

    /// The same problem, of this field of the body, the query or the headers.
    pub(crate) fn at(self, field: impl Into<Cow<'static, str>>) -> Problem {
        Problem { field: Some(field.into()), ..self }
    }

    /// The same problem with the limit that was broken.
    pub(crate) fn with_limit(self, limit: u64) -> Problem {
        Problem { limit: Some(limit), ..self }
    }

    /// The same problem, of this payment of a batch.
    pub(crate) fn of_payment(self, index: Option<u32>) -> Problem {
        Problem { index, ..self }
    }

    /// Says that something cannot be, and writes the cause into the log.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Problem {
        tracing::error!(target: "courant::internal", %cause, "a request failed inside the server");
        Fault::Internal.into()
    }

    /// The problem as a document.
    pub(crate) fn document<'a>(&'a self, request_id: Option<&'a str>) -> Document<'a> {
        let code = self.code.name();
        Document {
            kind: format!("/docs/problems#{code}"),
            title: title(code),
            status: self.code.status().as_u16(),
            code,
            detail: &self.detail,
            field: self.field.as_deref(),
            limit: self.limit,
            index: self.index,
            iso_reason: match self.code {
                Code::Reason(reason) => reason.iso20022(),
                Code::Field(_) | Code::Fault(_) => None,
            },
            request_id,
        }
    }

    /// The answer for a client.
    pub(crate) fn respond(&self, request_id: &str) -> Response {
        let document = serde_json::to_vec(&self.document(Some(request_id)))
            .expect("texts and numbers can always be written as JSON");
        let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON))];
        let mut response = (self.code.status(), content_type, document).into_response();
        let headers = response.headers_mut();
        match self.code.status() {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER_S);
            }
            _ => {}
        }
        response
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        Problem::new(Code::Fault(fault), fault.sentence())
    }
}

impl From<Reason> for Problem {
    fn from(reason: Reason) -> Problem {
        Problem::new(Code::Reason(reason), reason.sentence())
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Problem {
        let sentence = error.sentence().to_owned();
        let problem = Problem::new(Code::Field(error.code), sentence);
        // No name stands for the body as a whole.
        let field = Some(error.field).filter(|field| !field.is_empty());
        Problem { field, limit: error.limit, ..problem }
    }
}

/// A problem on its way to the edge, which writes it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// Where the code is explained, relative to the server.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: String,
    /// The code in words.
    title: String,
    /// The status of the HTTP answer.
    status: u16,
    /// The stable name of what was wrong.
    pub(crate) code: &'a str,
    /// What was wrong this time, and what to do.
    pub(crate) detail: &'a str,
    /// The field that was wrong, such as `payees[3].amount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<&'a str>,
    /// The limit that was broken: characters, entries, bytes, decimals or minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    /// Which payment of a batch it was, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    /// The reason code of ISO 20022, where one exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    iso_reason: Option<&'a str>,
    /// The id of the request, to find it in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// `insufficient_funds` as `Insufficient funds`.
fn title(code: &str) -> String {
    let mut words = code.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Problem {
        match error {
            AccessError::Field(error) => error.into(),
            AccessError::Refused(reason) => reason.into(),
            error => Problem::internal(error),
        }
    }
}
