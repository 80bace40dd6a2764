//! What the tests of the binary share: running it, and a server that is ended however a test ends.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The binary that was built with the tests.
pub(crate) const COURANT: &str = env!("CARGO_BIN_EXE_courant");

/// The binary under test: that one, unless `COURANT_TEST_BINARY` names another, such as a release.
pub(crate) fn binary() -> OsString {
    std::env::var_os("COURANT_TEST_BINARY").unwrap_or_else(|| COURANT.into())
}

/// A command of the binary that sees nothing of the caller's settings.
pub(crate) fn courant(args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COURANT_") {
            command.env_remove(name);
        }
    }
    // Small journal files, so that a test does not write zeros for longer than it runs.
    command.env("COURANT_SEGMENT_MIB", "1");
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Ended {
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same, which must have ended with this code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs the binary to its end.
pub(crate) fn run(args: &[&str]) -> Ended {
    Ended::of(courant(args).output().unwrap())
}

/// A server of a data directory, on a free port.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) data: PathBuf,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Server {
        Server::start_at(data, ([127, 0, 0, 1], 0).into())
    }

    pub(crate) fn start_at(data: &Path, listen: SocketAddr) -> Server {
        let listen = listen.to_string();
        let data_arg = data.to_str().unwrap();
        Server::from_command(
            courant(&["serve", "--json", "--data", data_arg, "--listen", &listen]),
            data,
        )
    }

    /// Waits until it says that it serves.
    pub(crate) fn from_command(mut command: Command, data: &Path) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Ok(greeting) = serde_json::from_str::<Value>(&line) else {
            let status = child.wait();
            panic!("the server did not start: {status:?} {line:?}");
        };
        let url = greeting["url"].as_str().unwrap().to_owned();
        Server { child, url, data: data.to_owned() }
    }

    /// The port and host it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// A command against this server, with its admin key.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = courant(args);
        command.env("COURANT_URL", &self.url).env("COURANT_DATA", &self.data);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().unwrap())
    }

    /// Runs a command that must succeed, with `--json`.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--json"]].concat()).with_code(0).json()
    }

    /// Ends it without a warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits for that; gives the exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server with the accounts alice (100.00 EUR) and bob in it.
pub(crate) fn with_alice_and_bob() -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    for account in ["alice", "bob"] {
        server.json(&["account", "open", account, "--currency", "EUR"]);
    }
    server.json(&["top-up", "alice", "100.00", "EUR", "--id", "start"]);
    (dir, server)
}
