//! A small HTTP client: one connection per request, so that a test can send anything, well formed
//! or not.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer takes longer; a test that waits in vain fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server and the key to use with it.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) key: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("answers are UTF-8")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}: {}", self.text()))
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The problem of an answer that must be one, with this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status, self.json()["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text()
        );
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/docs/problems#{code}"));
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        assert!(
            problem["title"].is_string() && !problem["detail"].as_str().expect("a text").is_empty()
        );
        problem
    }
}

impl Client {
    pub(crate) fn with_key(&self, key: Option<&str>) -> Client {
        Client { key: key.map(str::to_owned), ..self.clone() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send_json("POST", path, body, &[])
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.send_json("PUT", path, body, &[])
    }

    /// A POST under an idempotency key.
    pub(crate) fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send_json("POST", path, body, &[("Idempotency-Key", key)])
    }

    pub(crate) fn send_json(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut all = vec![("Content-Type", "application/json")];
        all.extend_from_slice(headers);
        self.send(method, path, &all, body.to_string().as_bytes())
    }

    /// As [`Client::send_json`], to a server that may go away.
    pub(crate) fn try_send_json(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> std::io::Result<Answer> {
        let media = [("Content-Type", "application/json")];
        self.try_send(method, path, &media, body.to_string().as_bytes())
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.try_send(method, path, headers, body).expect("an answer")
    }

    fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let mut stream = self.try_connect()?;
        let head = self.head(method, path, headers, body.len());
        // A server that refuses by the head may close before it has read everything.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        read_answer(&mut BufReader::new(stream))
    }

    /// The head of a request with a body of some length, under the client's key.
    pub(crate) fn head(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        length: usize,
    ) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        if let Some(key) = &self.key {
            head.push_str(&format!("Authorization: Bearer {key}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {length}\r\n\r\n"));
        head
    }

    pub(crate) fn connect(&self) -> TcpStream {
        self.try_connect().expect("the server listens")
    }

    fn try_connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Sends bytes as they are and reads what comes back until the server closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Opens the stream of events after one, or from the beginning.
    pub(crate) fn stream(&self, path: &str, last: Option<&str>) -> Stream {
        self.try_stream(path, last).expect("the stream opens")
    }

    /// As [`Client::stream`]; `None` if no stream opens, as from a server that goes away.
    pub(crate) fn try_stream(&self, path: &str, last: Option<&str>) -> Option<Stream> {
        let mut stream = self.try_connect().ok()?;
        let last: Vec<(&str, &str)> = last.map(|id| ("Last-Event-ID", id)).into_iter().collect();
        stream.write_all(self.head("GET", path, &last, 0).as_bytes()).ok()?;
        let mut reader = BufReader::new(stream);
        let (status, _) = read_head(&mut reader).ok()?;
        let body = Chunked { reader, left: 0, is_over: false };
        (status == 200).then(|| Stream { reader: BufReader::new(body) })
    }
}

/// An event as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

/// An open stream of events. Ends when the server ends it.
pub(crate) struct Stream {
    reader: BufReader<Chunked>,
}

impl Iterator for Stream {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let (mut id, mut kind, mut data) = (None, None, None);
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end_matches('\n');
            if line.is_empty() && data.is_some() {
                let (id, kind) = (id?, kind?);
                return Some(Event { id, kind, data: data? });
            }
            match line.split_once(": ") {
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("event", value)) => kind = Some(value.to_owned()),
                Some(("data", value)) => {
                    data = Some(serde_json::from_str(value).expect("data is JSON"));
                }
                _ => {}
            }
        }
    }
}

/// Reads an answer.
pub(crate) fn read_answer(reader: &mut impl BufRead) -> std::io::Result<Answer> {
    let (status, headers) = read_head(reader)?;
    let mut body = Vec::new();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    match length.and_then(|(_, value)| value.parse().ok()) {
        Some(length) => {
            body.resize(length, 0);
            reader.read_exact(&mut body)?;
        }
        None => {
            reader.read_to_end(&mut body)?;
        }
    }
    Ok(Answer { status, headers, body })
}

type Head = (u16, Vec<(String, String)>);

fn read_head(reader: &mut impl BufRead) -> std::io::Result<Head> {
    let mut line = || -> std::io::Result<String> {
        let mut line = String::new();
        match reader.read_line(&mut line)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    };
    let first = line()?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status in {first:?}"));
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        match line.split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => return Ok((status, headers)),
        }
    }
}

/// The body of an answer whose length is not known ahead.
struct Chunked {
    reader: BufReader<TcpStream>,
    left: usize,
    is_over: bool,
}

impl Read for Chunked {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 && !self.is_over {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            self.left = usize::from_str_radix(line.trim_end(), 16).unwrap_or(0);
            self.is_over = self.left == 0;
        }
        if self.is_over {
            return Ok(0);
        }
        let length = out.len().min(self.left);
        let read = self.reader.read(&mut out[..length])?;
        self.left -= read;
        if read == 0 {
            self.is_over = true;
        } else if self.left == 0 {
            self.reader.read_exact(&mut [0; 2])?;
        }
        Ok(read)
    }
}
