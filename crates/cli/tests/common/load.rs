//! Clients that pay without pause and write down what was acknowledged, as a careful client does.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

/// What each payment moves, and in which currency.
const AMOUNT: &str = "0.01";
const CURRENCY: &str = "EUR";
/// Clients that pay at once.
const CLIENTS: usize = 4;

/// Ids that were sent: acknowledged ones, and those whose answer never came.
#[derive(Debug)]
pub(crate) struct Sent {
    acknowledged: Mutex<File>,
    pub(crate) counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: u64,
    /// Sent, with no answer: they may be there or not.
    pub(crate) in_doubt: Vec<String>,
    /// Answered with a problem, such as a full disk.
    pub(crate) refused: u64,
}

/// How one request ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Acknowledged,
    Refused(u16),
    None,
}

impl Sent {
    /// Acknowledged ids go to the end of a file, one a line.
    pub(crate) fn new(acknowledged: &Path) -> Sent {
        let file = OpenOptions::new().create(true).append(true).open(acknowledged).unwrap();
        Sent { acknowledged: Mutex::new(file), counts: Mutex::default() }
    }

    /// Sends one payment from alice to bob and notes how it went.
    pub(crate) fn pay(&self, agent: &ureq::Agent, url: &str, key: &str, id: String) -> Answer {
        let answer = send(agent, url, key, &id);
        let mut counts = self.counts.lock().unwrap();
        match answer {
            Answer::Acknowledged => {
                counts.acknowledged += 1;
                let mut file = self.acknowledged.lock().unwrap();
                file.write_all(format!("{id}\n").as_bytes()).unwrap();
            }
            Answer::Refused(_) => counts.refused += 1,
            Answer::None => counts.in_doubt.push(id),
        }
        answer
    }

    /// Pays with several clients until told to stop, or until nobody answers.
    pub(crate) fn pay_until(&self, stop: &AtomicBool, (url, key): (&str, &str), round: &str) {
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                scope.spawn(move || {
                    let agent = agent();
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let id = format!("{round}-{client}-{number}");
                        if self.pay(&agent, url, key, id) == Answer::None {
                            break;
                        }
                    }
                });
            }
        });
    }
}

/// An HTTP client that does not wait for ever.
pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)));
    config.build().into()
}

fn send(agent: &ureq::Agent, url: &str, key: &str, id: &str) -> Answer {
    let body = json!({"id": id, "debtor": "alice", "creditor": "bob", "amount": AMOUNT,
        "currency": CURRENCY});
    let request = agent
        .post(format!("{url}/v1/payments"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json");
    match request.send(body.to_string().as_bytes()) {
        Ok(response) if response.status().is_success() => {
            // The answer counts once all of it is there.
            match response.into_body().read_to_string() {
                Ok(_) => Answer::Acknowledged,
                Err(_) => Answer::None,
            }
        }
        // The server stopped while the payment was under way: it may be in the journal.
        Ok(response) if response.status() == 503 => Answer::None,
        Ok(response) => Answer::Refused(response.status().as_u16()),
        Err(_) => Answer::None,
    }
}
