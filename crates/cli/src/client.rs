//! The HTTP client: requests to a Courant server, and its problem documents as failures.
//!
//! Blocking, plain HTTP. Only [`Client::send_once`] repeats a request by itself: who calls it knows
//! that the server does it once.
//! Answers are at most [`ANSWER_BYTES_MAX`]. A stream waits for its next event without a limit.

pub(crate) mod sse;
#[cfg(test)]
mod tests;

use std::env::VarError;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body, ResponseExt, Timeout};

use crate::clock;
use crate::exit::{Exit, Failure};
use crate::output;

/// The largest answer that is read; a page of a thousand payments is far below it.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A payment takes a disk sync; a batch of 10,000 a few.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a request that may have been lost is sent again: a restart of a server takes less.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries, unless the server says how long.
const RETRY_MS: u64 = 200;

/// Above the options in a help text that say where the server is.
const HEADING: &str = "Connection";

/// The environment variable with the API key.
const KEY_VARIABLE: &str = "COURANT_KEY";

/// The file with the admin key in a data directory.
pub(crate) const ADMIN_KEY_FILE: &str = "admin.key";

/// Which server, with which key, and how to show the answer.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    /// Base URL of the server
    #[arg(
        long,
        env = "COURANT_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL",
        global = true,
        help_heading = HEADING
    )]
    pub(crate) url: String,
    /// File with the API key, or - for standard input; else COURANT_KEY is the key, or else the
    /// admin.key of --data. No option takes the key itself: it would show in the list of processes
    #[arg(long, value_name = "PATH", global = true, help_heading = HEADING)]
    pub(crate) key_file: Option<PathBuf>,
    /// Data directory of a server on this machine, for its admin.key
    #[arg(
        long,
        env = "COURANT_DATA",
        default_value = "courant-data",
        value_name = "DIR",
        global = true,
        help_heading = HEADING
    )]
    pub(crate) data: PathBuf,
    /// Print JSON instead of tables
    #[arg(long, global = true, help_heading = output::HEADING)]
    pub(crate) json: bool,
}

impl ServerArgs {
    /// A client for this server; finds the key, connects to nothing yet.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let key = match (&self.key_file, std::env::var(KEY_VARIABLE)) {
            (Some(path), _) => key_of(path)?,
            (None, Ok(key)) => key.trim().to_owned(),
            (None, Err(VarError::NotPresent)) => key_in(&self.data)?,
            (None, Err(VarError::NotUnicode(_))) => {
                let message = format!("{KEY_VARIABLE} holds something else than an API key");
                return Err(Failure::new(Exit::NotAllowed, message));
            }
        };
        Client::new(&self.url, &key)
    }
}

/// The key in a file, or in the first line of standard input.
fn key_of(path: &Path) -> Result<String, Failure> {
    let mut key = String::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().lock().read_line(&mut key).map(|_| ()),
        false => std::fs::read_to_string(path).map(|text| key = text),
    };
    read.map_err(|error| {
        let message = format!("no API key: {}: {error}", unreadable(path));
        Failure::new(Exit::NotAllowed, message)
            .next("name the file that holds it with --key-file, or set COURANT_KEY")
    })?;
    Ok(key.trim().to_owned())
}

/// The admin key in a data directory.
pub(crate) fn key_in(data: &Path) -> Result<String, Failure> {
    let path = data.join(ADMIN_KEY_FILE);
    match std::fs::read_to_string(&path) {
        Ok(key) => Ok(key.trim().to_owned()),
        Err(error) => {
            let message = format!("no API key: COURANT_KEY is not set, and {}", unreadable(&path));
            let next = "set COURANT_KEY, or COURANT_DATA to the server's data directory";
            Err(Failure::new(Exit::NotAllowed, format!("{message}: {error}")).next(next))
        }
    }
}

fn unreadable(path: &Path) -> String {
    format!("{} cannot be read", path.display())
}

/// What the server answered, where that was not a problem.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The JSON of the body; null for an empty one.
    pub(crate) body: Value,
    /// The request had been answered before; this is the first answer again.
    pub(crate) is_repeat: bool,
}

/// What stands in a problem document, as far as programs need it.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    /// The stable name of what was wrong, such as `insufficient_funds`.
    pub(crate) code: String,
    pub(crate) detail: String,
    /// Seconds after which to try again, if the server said so.
    pub(crate) retry_after_s: Option<u64>,
    /// What the request was about, such as the account.
    subject: Option<String>,
    body: Value,
}

/// Why a request has no good answer.
#[derive(Debug)]
pub(crate) enum RequestError {
    /// The server said no.
    Problem(Box<Problem>),
    /// There is no server, or one that is not Courant: nothing was carried out.
    Unreachable(Failure),
    /// The connection was lost before the answer: nobody knows whether the request was carried out.
    Lost(Failure),
}

/// A connection pool to one server under one key.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: Agent,
    streaming: Agent,
    base: String,
    authorization: String,
}

/// A request body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payload<'a> {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: &'a [u8],
}

impl Client {
    pub(crate) fn new(url: &str, key: &str) -> Result<Client, Failure> {
        let base = url.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") {
            let message = format!("{url:?} is not a URL that courant can call");
            return Err(Failure::usage(message).next("write it like http://127.0.0.1:8080"));
        }
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
            let message = "the API key is empty or has characters that no key has";
            return Err(Failure::new(Exit::NotAllowed, message).next("copy it again"));
        }
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .proxy(None)
                .max_redirects(0)
                .timeout_connect(Some(CONNECT_TIMEOUT))
                .user_agent(concat!("courant/", env!("CARGO_PKG_VERSION")))
        };
        Ok(Client {
            agent: config().timeout_global(Some(ANSWER_TIMEOUT)).build().into(),
            streaming: config().timeout_recv_response(Some(ANSWER_TIMEOUT)).build().into(),
            base,
            authorization: format!("Bearer {key}"),
        })
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, RequestError> {
        let request = self.agent.get(self.url(path)).header("authorization", &self.authorization);
        self.answer(request.call()).map(|answer| answer.body)
    }

    /// A request with a JSON body, under an idempotency key if it has no id of its own.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, RequestError> {
        let bytes = body.to_string();
        let payload = Payload { content_type: "application/json", bytes: bytes.as_bytes() };
        self.send_payload(method, path, payload, idempotency_key)
    }

    /// As [`Client::send`], for a request that the server does once however often it comes, for its
    /// id or its idempotency key: if its answer was lost, or the server is too busy, it is sent
    /// again for a few seconds.
    pub(crate) fn send_once(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, RequestError> {
        let begin = clock::now();
        let mut was_there = false;
        loop {
            let error = match self.send(method, path, body, idempotency_key) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause_ms = match &error {
                RequestError::Problem(problem) if matches!(problem.status, 429 | 503) => {
                    problem.retry_after_s.map_or(RETRY_MS, |seconds| seconds * 1_000)
                }
                RequestError::Lost(_) => RETRY_MS,
                // It may be starting again.
                RequestError::Unreachable(_) if was_there => RETRY_MS,
                RequestError::Problem(_) | RequestError::Unreachable(_) => return Err(error),
            };
            was_there = true;
            if clock::now().duration_since(begin) + Duration::from_millis(pause_ms) > PATIENCE {
                return Err(error);
            }
            clock::pause_ms(pause_ms);
        }
    }

    pub(crate) fn send_payload(
        &self,
        method: Method,
        path: &str,
        payload: Payload<'_>,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, RequestError> {
        let url = self.url(path);
        let request = match method {
            Method::Post => self.agent.post(url),
            Method::Put => self.agent.put(url),
            Method::Delete => self.agent.delete(url).force_send_body(),
        };
        let request = request
            .header("authorization", &self.authorization)
            .header("content-type", payload.content_type);
        let request = match idempotency_key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        self.answer(request.send(payload.bytes))
    }

    /// Opens a stream of server-sent events, from just after an event if one is named.
    pub(crate) fn stream(
        &self,
        path: &str,
        last_event_id: Option<&str>,
    ) -> Result<sse::Events<impl BufRead + use<>>, RequestError> {
        let request = self
            .streaming
            .get(self.url(path))
            .header("authorization", &self.authorization)
            .header("accept", "text/event-stream");
        let request = match last_event_id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        };
        let request = request.config().timeout_recv_body(None).build();
        let response = request.call().map_err(|e| self.no_answer(&e))?;
        match response.status() {
            StatusCode::OK => {
                let body = response.into_body().into_with_config().limit(u64::MAX).reader();
                Ok(sse::Events::new(BufReader::new(body)))
            }
            _ => Err(self.problem(response)),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn answer(
        &self,
        response: Result<Response<Body>, ureq::Error>,
    ) -> Result<Answer, RequestError> {
        let response = response.map_err(|e| self.no_answer(&e))?;
        if !response.status().is_success() {
            return Err(self.problem(response));
        }
        let header = response.headers().get("idempotency-replayed");
        let is_repeat = header.is_some_and(|value| value.as_bytes() == b"true");
        let text = self.text(response)?;
        let body = if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text) };
        let body = body.map_err(|error| self.not_courant(&error.to_string()))?;
        Ok(Answer { body, is_repeat })
    }

    fn text(&self, mut response: Response<Body>) -> Result<String, RequestError> {
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        body.read_to_string().map_err(|e| self.no_answer(&e))
    }

    fn problem(&self, response: Response<Body>) -> RequestError {
        let status = response.status().as_u16();
        // `/v1/accounts/ID`, `/v1/payments/ID`, and what follows.
        let subject = response.get_uri().path().split('/').nth(3).map(str::to_owned);
        let retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok());
        let retry_after_s = retry_after.and_then(|text| text.parse().ok());
        let text = match self.text(response) {
            Ok(text) => text,
            Err(error) => return error,
        };
        let Ok(body) = serde_json::from_str::<Value>(&text) else {
            return self.not_courant(&format!("status {status} without a problem document"));
        };
        let problem = Problem { status, retry_after_s, subject, ..Problem::of(body) };
        RequestError::Problem(Box::new(problem))
    }

    /// Why there is no answer. Only before there is a connection is it sure that nothing was done.
    fn no_answer(&self, error: &ureq::Error) -> RequestError {
        use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
        let was_never_there = match error {
            ureq::Error::Io(io) => {
                matches!(io.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
            }
            ureq::Error::ConnectionFailed | ureq::Error::HostNotFound | ureq::Error::BadUri(_) => {
                true
            }
            ureq::Error::Timeout(at) => matches!(at, Timeout::Connect | Timeout::Resolve),
            _ => false,
        };
        if was_never_there {
            let message = format!("cannot reach the server at {}: {error}", self.base);
            let next =
                "start it with `courant serve`, or name another one with --url or COURANT_URL";
            return RequestError::Unreachable(Failure::new(Exit::Unreachable, message).next(next));
        }
        let message = format!("the server at {} went away before it answered: {error}", self.base);
        RequestError::Lost(Failure::new(Exit::Unreachable, message).next("see whether it runs"))
    }

    fn not_courant(&self, why: &str) -> RequestError {
        let message = format!("what answers at {} is not Courant: {why}", self.base);
        let next = "check the address in --url or COURANT_URL";
        RequestError::Unreachable(Failure::new(Exit::Unreachable, message).next(next))
    }
}

/// Methods with a body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Method {
    Post,
    Put,
    Delete,
}

impl RequestError {
    /// True if the server understood the request and said no to it.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, RequestError::Problem(problem) if matches!(problem.status, 409 | 422))
    }

    /// True if it is a problem of this name.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        matches!(self, RequestError::Problem(problem) if problem.code == code)
    }

    /// True if the same request may succeed a little later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            RequestError::Problem(problem) => matches!(problem.status, 429 | 503 | 507),
            RequestError::Unreachable(_) | RequestError::Lost(_) => true,
        }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Failure {
        match error {
            RequestError::Unreachable(failure) | RequestError::Lost(failure) => failure,
            RequestError::Problem(problem) => problem.into_failure(),
        }
    }
}

impl Problem {
    /// What a problem document says.
    pub(crate) fn of(document: Value) -> Problem {
        let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        let status = document["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        Problem {
            status: status.unwrap_or_default(),
            code: text("code"),
            detail: text("detail"),
            retry_after_s: None,
            subject: None,
            body: document,
        }
    }

    fn into_failure(self) -> Failure {
        let exit = match self.status {
            // It stopped while the request was under way: whether that was carried out is not
            // known.
            503 if self.code == "stopped" => Exit::Unreachable,
            401 | 403 => Exit::NotAllowed,
            408 | 429 | 503 | 507 => Exit::Negative,
            500.. => Exit::Internal,
            _ => Exit::Negative,
        };
        let mut message = match self.detail.as_str() {
            "" => self.body["title"].as_str().unwrap_or("the server gave no reason").to_owned(),
            detail => detail.to_owned(),
        };
        if let Some(field) = self.body["field"].as_str().filter(|f| !message.contains(f)) {
            message = format!("{field}: {message}");
        }
        let not_found = match self.code.as_str() {
            "account_not_found" => Some("`courant account list` shows which there are"),
            "payment_not_found" => Some("`courant account entries ID` shows those of an account"),
            "key_not_found" => Some("`courant key list` shows which there are"),
            _ => None,
        };
        if let (Some(_), Some(subject)) = (not_found, &self.subject) {
            message = format!("{subject}: {message}");
        }
        let next = match self.status {
            _ if not_found.is_some() => not_found.map(str::to_owned),
            401 => {
                Some("check COURANT_KEY, or make a new key with `courant key create`".to_owned())
            }
            403 => Some("use a key with that scope: `courant key create --scope ...`".to_owned()),
            503 | 429 => {
                let seconds = self.retry_after_s.unwrap_or(1);
                Some(format!("send it again in {seconds} s; the same id is never done twice"))
            }
            507 => Some("make room on the server's disk; it recovers by itself".to_owned()),
            500.. => self.body["request_id"]
                .as_str()
                .map(|id| format!("look for request {id} in the server's log")),
            _ => None,
        };
        let code = if self.code.is_empty() { String::new() } else { format!(" ({})", self.code) };
        let failure = Failure::new(exit, format!("{message}{code}"));
        match next {
            Some(next) => failure.next(next),
            None => failure,
        }
    }
}
