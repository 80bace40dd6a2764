//! Sending payments in batches: one verdict for each, however often it takes to get one.
//!
//! What may pass by itself (a full inbox, a full disk, a lost connection) is tried again for a
//! while, also if only some payments of a batch met it; payments have ids, so sending one twice is
//! harmless. A batch that is refused as a whole is sent again one by one, so that one bad line
//! never takes others with it.

use std::time::Duration;

use serde_json::Value;

use super::mapping::Payment;
use crate::client::{Answer, Client, Method, Payload, Problem, RequestError};
use crate::clock;
use crate::exit::Failure;

/// How long one batch is tried again before the import stops (to be resumed later).
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries, unless the server says how long.
const RETRY_MS: u64 = 200;
/// The longest pause that a server can ask for.
const RETRY_MAX_MS: u64 = 5_000;

/// What became of one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was made.
    Accepted,
    /// It had been made before.
    Repeated,
    /// The server refused the request or rejected the payment: the stable code and the sentence.
    Refused { code: String, sentence: String },
}

/// An answer that will not change.
type Asked = Result<Value, Box<Problem>>;

/// Sends batches.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    client: Client,
}

impl Sender {
    pub(crate) fn new(client: Client) -> Sender {
        Sender { client }
    }

    /// Which data directory the server has, whatever its address, and which part of its past: what
    /// was done before a restore may not have been done.
    pub(crate) fn source(&self) -> Result<String, Failure> {
        let answer = self.patiently(|client| {
            client.get("/v1/health").map(|body| Answer { body, is_repeat: false })
        })?;
        let answer = answer.map_err(|problem| Failure::from(RequestError::Problem(problem)))?;
        let source = answer["source"].as_str().ok_or_else(|| {
            Failure::usage("the server does not say which data directory it has")
                .next("an import that can go on needs a server of this version or a later one")
        })?;
        Ok(match answer["incarnation"].as_str() {
            None => source.to_owned(),
            Some(incarnation) => format!("{source}, incarnation {incarnation}"),
        })
    }

    /// One verdict per payment, in their order.
    pub(crate) fn send(&self, payments: &[Payment]) -> Result<Vec<Verdict>, Failure> {
        if payments.is_empty() {
            return Ok(Vec::new());
        }
        let mut body = Vec::new();
        for payment in payments {
            serde_json::to_writer(&mut body, payment).expect("a payment is plain JSON");
            body.push(b'\n');
        }
        let payload = Payload { content_type: "application/x-ndjson", bytes: &body };
        match self.post("/v1/payments/batch?atomic=false", payload)? {
            Ok(answer) => verdicts(&answer, payments.len()),
            Err(problem) if is_about_us(&problem) => Err(RequestError::Problem(problem).into()),
            Err(problem) => match payments {
                [_] => Ok(vec![refused(&problem)]),
                _ => payments.iter().map(|payment| self.send_one(payment)).collect(),
            },
        }
    }

    fn send_one(&self, payment: &Payment) -> Result<Verdict, Failure> {
        let body = serde_json::to_vec(payment).expect("a payment is plain JSON");
        let payload = Payload { content_type: "application/json", bytes: &body };
        match self.post("/v1/payments", payload)? {
            Ok(answer) => Ok(verdict(&answer)),
            Err(problem) if is_about_us(&problem) => Err(RequestError::Problem(problem).into()),
            Err(problem) => Ok(refused(&problem)),
        }
    }

    fn post(&self, path: &str, payload: Payload<'_>) -> Result<Asked, Failure> {
        self.patiently(|client| client.send_payload(Method::Post, path, payload, None))
    }

    /// Sends until there is an answer that will not change, or patience ends.
    fn patiently(
        &self,
        send: impl Fn(&Client) -> Result<Answer, RequestError>,
    ) -> Result<Asked, Failure> {
        let begin = clock::now();
        loop {
            let error = match send(&self.client) {
                Ok(mut answer) => {
                    if answer.is_repeat && answer.body.is_object() {
                        answer.body["repeat"] = Value::Bool(true);
                    }
                    match undecided(&answer.body) {
                        Some(problem) => RequestError::Problem(Box::new(problem)),
                        None => return Ok(Ok(answer.body)),
                    }
                }
                Err(error) => error,
            };
            let is_over = clock::now().duration_since(begin) > PATIENCE;
            let pause_ms = match error {
                RequestError::Problem(problem) if !is_passing(&problem) => return Ok(Err(problem)),
                error if is_over => {
                    let next = "start the same command again to go on from here";
                    return Err(Failure::from(error).next(next));
                }
                RequestError::Problem(problem) => {
                    problem.retry_after_s.map_or(RETRY_MS, |s| (s * 1_000).min(RETRY_MAX_MS))
                }
                RequestError::Unreachable(_) | RequestError::Lost(_) => RETRY_MS,
            };
            clock::pause_ms(pause_ms);
        }
    }
}

/// The first result of a batch that the server could not decide about: neither made nor refused.
fn undecided(answer: &Value) -> Option<Problem> {
    let results = answer["results"].as_array()?;
    let problems = results.iter().filter(|result| result["status"].is_u64());
    problems.map(|result| Problem::of(result.clone())).find(is_passing)
}

fn is_passing(problem: &Problem) -> bool {
    matches!(problem.status, 408 | 429 | 503 | 507)
}

/// Whether the problem is about this client and not about a payment: no line is to blame for it.
fn is_about_us(problem: &Problem) -> bool {
    matches!(problem.status, 401 | 403 | 404 | 405 | 500..)
}

fn refused(problem: &Problem) -> Verdict {
    Verdict::Refused { code: problem.code.clone(), sentence: problem.detail.clone() }
}

fn verdicts(answer: &Value, count: usize) -> Result<Vec<Verdict>, Failure> {
    let results = answer["results"].as_array().map(Vec::as_slice).unwrap_or_default();
    if results.len() != count {
        let message = format!("{count} payments were sent, {} answered", results.len());
        return Err(Failure::internal(message));
    }
    Ok(results.iter().map(verdict).collect())
}

/// A result of a batch: a payment, or the problem that there is none.
fn verdict(result: &Value) -> Verdict {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match result["status"].as_str() {
        Some("rejected") => {
            let reason = &result["reason"];
            Verdict::Refused { code: text(&reason["code"]), sentence: text(&reason["text"]) }
        }
        Some(_) if result["repeat"] == Value::Bool(true) => Verdict::Repeated,
        Some(_) => Verdict::Accepted,
        None => Verdict::Refused { code: text(&result["code"]), sentence: text(&result["detail"]) },
    }
}
