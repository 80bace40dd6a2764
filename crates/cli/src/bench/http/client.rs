//! A lean HTTP/1.1 client: connections that stay open, on one thread, with as little work for each
//! request as can be.
//!
//! It reads what these two servers send: a status line, headers with `content-length`, a body. It
//! is for measuring.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::Server;
use crate::bench::engine::{Orders, Transfer};
use crate::bench::latency::Latencies;
use crate::bench::meter::Meter;
use crate::clock;
use crate::exit::Failure;

/// The longest answer.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// Payments to be sent over as many connections as there are makers of orders.
#[derive(Debug)]
pub(super) struct Payments<'a> {
    pub(super) server: &'a Server,
    pub(super) orders: Vec<Orders>,
    pub(super) time: Duration,
}

/// What came of them.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) wall: Duration,
    pub(super) client_cpu: Duration,
    pub(super) latencies: Latencies,
}

impl Payments<'_> {
    pub(super) fn run(self) -> Result<Load, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.map_err(|error| failed(&error.to_string()))?;
        runtime.block_on(async {
            let mut connections = Vec::new();
            for orders in self.orders {
                connections.push(Connection::open(self.server, orders).await?);
            }
            let meter = Meter::start();
            let tasks = connections.into_iter().map(|it| tokio::spawn(it.pay_for(self.time)));
            let tasks: Vec<_> = tasks.collect();
            let mut latencies = Latencies::new();
            for task in tasks {
                latencies.add(&task.await.expect("a connection does not panic")?);
            }
            let spent = meter.stop();
            Ok(Load { wall: spent.wall, client_cpu: spent.cpu, latencies })
        })
    }
}

struct Connection {
    stream: TcpStream,
    orders: Orders,
    /// All of a request before its body.
    head: Vec<u8>,
    answer: Box<[u8]>,
}

impl Connection {
    async fn open(server: &Server, orders: Orders) -> Result<Connection, Failure> {
        let refused = |error: std::io::Error| failed(&format!("{}: {error}", server.address));
        let stream = TcpStream::connect(server.address).await.map_err(refused)?;
        stream.set_nodelay(true).map_err(refused)?;
        let body_bytes = body(&orders.clone().next()).len();
        let head = format!(
            "POST /v1/payments HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {body_bytes}\r\n\r\n",
            server.address, server.key
        );
        let answer = vec![0; ANSWER_BYTES_MAX].into_boxed_slice();
        Ok(Connection { stream, orders, head: head.into_bytes(), answer })
    }

    /// One payment after another until the time is over.
    async fn pay_for(mut self, time: Duration) -> Result<Latencies, Failure> {
        let mut latencies = Latencies::new();
        let mut request = Vec::with_capacity(self.head.len() * 2);
        let mut begun = clock::now();
        let end = begun + time;
        while begun < end {
            request.clear();
            request.extend_from_slice(&self.head);
            request.extend_from_slice(body(&self.orders.next()).as_bytes());
            let written = self.stream.write_all(&request).await;
            written.map_err(|error| failed(&error.to_string()))?;
            self.read_answer().await?;
            let now = clock::now();
            latencies.record(now.duration_since(begun));
            begun = now;
        }
        Ok(latencies)
    }

    async fn read_answer(&mut self) -> Result<(), Failure> {
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.answer[filled..]).await;
            let count = read.map_err(|error| failed(&error.to_string()))?;
            if count == 0 {
                return Err(failed("the answer ended early, or is too long"));
            }
            filled += count;
            let answer = &self.answer[..filled];
            match parse(answer) {
                Parsed::Unfinished => {}
                Parsed::Whole { created: true } => return Ok(()),
                Parsed::Whole { created: false } | Parsed::Strange => {
                    return Err(failed(&String::from_utf8_lossy(answer)));
                }
            }
        }
    }
}

fn body(transfer: &Transfer) -> String {
    let Transfer { id, debtor, creditor } = transfer;
    format!(
        r#"{{"id":"{}","debtor":"{}","creditor":"{}","amount":"0.01","currency":"EUR"}}"#,
        id.as_str(),
        debtor.as_str(),
        creditor.as_str()
    )
}

/// What stands in the bytes that have come so far.
#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    Unfinished,
    Whole {
        /// Whether the status is 201.
        created: bool,
    },
    /// Not what these servers send.
    Strange,
}

fn parse(answer: &[u8]) -> Parsed {
    let Some(head_bytes) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Parsed::Unfinished;
    };
    let head = String::from_utf8_lossy(&answer[..head_bytes]);
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    match length.map(|body_bytes| (head_bytes + 4 + body_bytes).cmp(&answer.len())) {
        Some(std::cmp::Ordering::Equal) => {
            Parsed::Whole { created: head.starts_with("HTTP/1.1 201") }
        }
        Some(std::cmp::Ordering::Greater) => Parsed::Unfinished,
        Some(std::cmp::Ordering::Less) | None => Parsed::Strange,
    }
}

fn failed(what: &str) -> Failure {
    Failure::internal(format!("the load over HTTP: {what}"))
}

#[cfg(test)]
mod tests;
