//! A server in a process of its own, ended with this value.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::bench::meter;
use crate::exit::Failure;

/// A process that serves.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) key: String,
    child: Child,
    /// Kept open: the server may still write.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    pub(super) fn courant(data: &Path) -> Result<Server, Failure> {
        let mut command = this_program()?;
        command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        Server::start(command)
    }

    pub(super) fn empty_handler() -> Result<Server, Failure> {
        let mut command = this_program()?;
        command.args(["bench", "empty-handler"]);
        Server::start(command)
    }

    /// Starts it and reads the one line in which it says where it listens.
    fn start(mut command: Command) -> Result<Server, Failure> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
        let stdout = child.stdout.take().expect("standard output was asked to be a pipe");
        let mut stdout = BufReader::new(stdout);
        match greeting(&mut stdout) {
            Ok((address, key)) => Ok(Server { address, key, child, _stdout: stdout }),
            Err(failure) => {
                // It has most likely ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                Err(failure)
            }
        }
    }

    /// User and system time of its threads.
    pub(super) fn cpu_time(&self) -> Duration {
        meter::cpu_time_of(self.child.id())
    }

    pub(super) fn resident_bytes(&self) -> u64 {
        meter::resident_bytes_of(&self.child.id().to_string())
    }

    /// Asks it to end, and waits.
    pub(super) fn stop(mut self) -> Result<(), Failure> {
        drop(self.child.stdin.take());
        let process = Pid::from_child(&self.child);
        // The empty handler may have ended already.
        let _ = kill_process(process, Signal::TERM);
        self.child.wait().map(|_| ()).map_err(|error| failed(&error.to_string()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` there is nothing to kill; else an error is already on its way to the user.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn this_program() -> Result<Command, Failure> {
    std::env::current_exe().map(Command::new).map_err(|error| failed(&error.to_string()))
}

fn greeting(stdout: &mut impl BufRead) -> Result<(SocketAddr, String), Failure> {
    let mut line = String::new();
    stdout.read_line(&mut line).map_err(|error| failed(&error.to_string()))?;
    let said: Value = serde_json::from_str(&line)
        .map_err(|_| failed("it ended before it listened; what it said stands above"))?;
    let url = said["url"].as_str().unwrap_or_default();
    let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    let address = address.ok_or_else(|| failed("it did not say where it listens"))?;
    Ok((address, said["admin_key"].as_str().unwrap_or_default().to_owned()))
}

fn failed(what: &str) -> Failure {
    Failure::internal(format!("the server that is measured: {what}"))
}
