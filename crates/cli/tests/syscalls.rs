//! System calls that fail, by strace, or move only a part, by a library loaded before libc: after
//! each, no acknowledged payment is lost, and the process says why it stopped, if it did.
//!
//! `SYSCALL_FAULTS` says how many n-th calls of each kind are tried (2 unless set). Without strace
//! the tests that need it say so and show nothing; the suite installs it.
//!
//! strace cannot shorten a call: it can only skip one and make up its result, and a write of which
//! the kernel says falsely that it was done is what no program can survive. The library in
//! `common/short.c` passes on every n-th read and write with fewer bytes, so that what the caller
//! is told is what happened.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail, and say more")]

mod common;
#[path = "common/load.rs"]
mod load;

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Server, binary, courant, run};
use load::{Answer, Sent, agent};

/// Payments that are tried in each case.
const PAYMENTS: usize = 60;
const FAULTS_DEFAULT: usize = 2;
/// Which call of a kind fails; the first ones are those of opening and recovery.
const NTH: [u32; 8] = [12, 3, 30, 1, 6, 50, 2, 20];

/// Which reads and writes move only a part: every other one, every third, every seventh. A disk
/// that never moves a whole block is another fault.
const SHORT_EVERY: [u32; 3] = [2, 3, 7];

/// A call that is made to fail.
struct Fault {
    call: &'static str,
    error: &'static str,
    /// How a process that meets it may go on.
    then: Then,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It must not acknowledge anything more and end with a reason.
    Stops,
    /// It goes on as if nothing had happened.
    GoesOn,
    /// Either: it depends on which file it was.
    Either,
}

const FAULTS: [Fault; 9] = [
    Fault { call: "pwrite64", error: "EIO", then: Then::Either },
    Fault { call: "pwrite64", error: "ENOSPC", then: Then::Either },
    Fault { call: "pwrite64", error: "EINTR", then: Then::GoesOn },
    Fault { call: "fdatasync", error: "EIO", then: Then::Either },
    Fault { call: "fdatasync", error: "EINTR", then: Then::Either },
    Fault { call: "fsync", error: "EIO", then: Then::Either },
    Fault { call: "fallocate", error: "ENOSPC", then: Then::Either },
    Fault { call: "renameat,rename,renameat2", error: "EIO", then: Then::Either },
    Fault { call: "pread64", error: "EIO", then: Then::Either },
];

#[test]
fn a_failed_system_call_loses_no_acknowledged_payment() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("strace is not installed: nothing was tested");
        return;
    }
    let count = std::env::var("SYSCALL_FAULTS");
    let count = count.map_or(FAULTS_DEFAULT, |text| text.parse().expect("a whole number"));
    for fault in FAULTS {
        for nth in NTH.iter().take(count) {
            one_fault(&fault, *nth);
        }
    }
}

/// Every sync, or every write, after the n-th fails: nothing is acknowledged any more, and the
/// process says so.
#[test]
fn after_a_failed_write_or_sync_nothing_is_acknowledged() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("strace is not installed: nothing was tested");
        return;
    }
    for call in ["fdatasync", "pwrite64"] {
        let dir = tempfile::tempdir().unwrap();
        let data = prepared(dir.path());
        let acknowledged = dir.path().join("acknowledged");
        let sent = Sent::new(&acknowledged);
        let fault = format!("{call}:error=EIO:when=20+");
        let ended = with_fault(&data, &fault, &sent).expect("a server that cannot write ends");
        assert_eq!(ended.code, Some(5), "{call}: {}", ended.stderr);
        assert!(ended.stderr.contains("the server stops"), "{call}: {}", ended.stderr);
        assert!(!sent.counts.lock().unwrap().in_doubt.is_empty(), "{call}");
        check(&data, &acknowledged, &sent, call);
    }
}

/// Every n-th read and write moves only a part, for several n: nobody notices.
#[test]
fn short_reads_and_writes_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("short.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/short.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    assert!(compiler.status().expect("a C compiler is there").success());
    for every in SHORT_EVERY {
        let dir = dir.path().join(every.to_string());
        std::fs::create_dir(&dir).unwrap();
        let (data, acknowledged) = (prepared(&dir), dir.join("acknowledged"));
        let (told, sent) = (dir.join("told"), Sent::new(&acknowledged));
        let mut command = courant(&["serve", "--json", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(&data).env("LD_PRELOAD", &library).env("SHORT_TOLD", &told);
        command.env("SHORT_EVERY", every.to_string());
        let server = Server::from_command(command, &data);
        let key = std::fs::read_to_string(data.join("admin.key")).unwrap();
        let agent = agent();
        for number in 0..PAYMENTS {
            let id = format!("p{number}");
            assert_eq!(sent.pay(&agent, &server.url, key.trim(), id), Answer::Acknowledged);
        }
        assert_eq!(server.stop(), Some(0), "every {every}");
        let told = std::fs::read_to_string(&told).unwrap();
        let (reads, writes) = (told.matches('r').count(), told.matches('w').count());
        println!("every {every}: {reads} short reads, {writes} short writes");
        assert!(reads > 0 && writes > 0, "every {every}: {told}");
        check(&data, &acknowledged, &sent, &format!("short calls, every {every}"));
    }
}

fn one_fault(fault: &Fault, nth: u32) {
    let name = format!("{} {} at call {nth}", fault.call, fault.error);
    let dir = tempfile::tempdir().unwrap();
    let data = prepared(dir.path());
    let acknowledged = dir.path().join("acknowledged");
    let sent = Sent::new(&acknowledged);
    let injected = format!("{}:error={}:when={nth}", fault.call, fault.error);
    match with_fault(&data, &injected, &sent) {
        // It ended by itself: with a reason, and not as if all were well.
        Some(ended) => {
            assert_ne!(ended.code, Some(0), "{name}");
            assert!(ended.stderr.contains("courant: "), "{name}: {}", ended.stderr);
            assert!(fault.then != Then::GoesOn, "{name} ended it: {}", ended.stderr);
        }
        None => assert!(fault.then != Then::Stops, "{name} went unnoticed"),
    }
    check(&data, &acknowledged, &sent, &name);
}

struct Stopped {
    code: Option<i32>,
    stderr: String,
}

/// Serves under strace and pays; `None` if the server was still there at the end.
fn with_fault(data: &Path, fault: &str, sent: &Sent) -> Option<Stopped> {
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (url, listen) = (format!("http://{listen}"), listen.to_string());
    let plain = courant(&[]);
    let mut command = Command::new("strace");
    let calls = fault.split(':').next().unwrap();
    let (trace, inject) = (format!("-etrace={calls}"), format!("-einject={fault}"));
    command.args(["-f", "-qq", "-o/dev/null", &trace, &inject]);
    command.arg(binary()).args([
        "serve",
        "--json",
        "--listen",
        &listen,
        "--data",
        data.to_str().unwrap(),
    ]);
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The greeting comes when it serves; the end of the output, when it does not.
    let mut first = [0];
    let is_serving = child.stdout.as_mut().unwrap().read_exact(&mut first).is_ok();
    let mut has_ended = !is_serving;
    if is_serving {
        let key = std::fs::read_to_string(data.join("admin.key")).unwrap();
        let agent = agent();
        for number in 0..PAYMENTS {
            let id = format!("p{number}");
            if sent.pay(&agent, &url, key.trim(), id) == Answer::None {
                has_ended = true;
                break;
            }
        }
    }
    if !has_ended {
        terminate_traced(child.id());
    }
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    has_ended.then_some(Stopped { code: output.status.code(), stderr })
}

/// Asks the server under strace to end; strace ends with it.
fn terminate_traced(strace: u32) {
    let children = std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children"));
    let children = children.unwrap();
    Command::new("kill").arg("-TERM").args(children.split_whitespace()).status().unwrap();
}

/// Everything acknowledged is in the directory once, and it serves again.
fn check(data: &Path, acknowledged: &Path, sent: &Sent, name: &str) {
    let ids = acknowledged.to_str().unwrap();
    let args = ["verify", "--data", data.to_str().unwrap(), "--acknowledged", ids, "--json"];
    let found = run(&args).json();
    assert_eq!(found["acknowledged_wrong"], 0, "{name}: {found}");
    let server = Server::start(data);
    let key = std::fs::read_to_string(data.join("admin.key")).unwrap();
    let in_doubt = std::mem::take(&mut sent.counts.lock().unwrap().in_doubt);
    for id in in_doubt {
        assert_eq!(sent.pay(&agent(), &server.url, key.trim(), id), Answer::Acknowledged, "{name}");
    }
    let cents = sent.counts.lock().unwrap().acknowledged;
    let bob = server.json(&["account", "show", "bob"]);
    assert_eq!(bob["balance"], format!("{}.{:02}", cents / 100, cents % 100), "{name}");
}

/// A directory with alice, who may overdraw, and bob.
fn prepared(dir: &Path) -> std::path::PathBuf {
    let data = dir.join("data");
    let server = Server::start(&data);
    server.json(&["account", "open", "alice", "--currency", "EUR", "--floor", "none"]);
    server.json(&["account", "open", "bob", "--currency", "EUR"]);
    assert_eq!(server.stop(), Some(0));
    data
}
