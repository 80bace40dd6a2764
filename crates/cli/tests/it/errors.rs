//! What goes wrong before a server answers: usage, no server, no reader.

use std::io::Read;
use std::process::Stdio;

use crate::common::{Ended, courant, run, with_alice_and_bob};

/// Runs a command under a key that no server gave out.
fn run_with_key(args: &[&str]) -> Ended {
    Ended::of(courant(args).env("COURANT_KEY", "k").output().unwrap())
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let help = run(&["--help"]).with_code(0).stdout;
    for word in [
        "serve",
        "account",
        "top-up",
        "withdraw",
        "pay",
        "payment",
        "import",
        "example",
        "export",
        "events",
        "key",
        "verify",
        "repair",
        "backup",
        "restore",
        "doctor",
        "completions",
        "Exit codes:",
    ] {
        assert!(help.contains(word), "{word} is not in {help}");
    }
    run(&["--version"]).with_code(0);
}

#[test]
fn errors_show_what_must_be_typed_and_not_what_the_environment_sets() {
    let mut command = courant(&["payment", "increment", "h"]);
    command.env("COURANT_URL", "http://127.0.0.1:9").env("COURANT_DATA", "x");
    let stderr = Ended::of(command.output().unwrap()).with_code(2).stderr;
    let usage = "Usage: courant payment increment [OPTIONS] <PAYMENT> <AMOUNT> <CUR>";
    assert!(stderr.contains("<AMOUNT>") && stderr.contains(usage), "{stderr}");
    assert!(!stderr.contains("--url") && !stderr.contains("--data"), "{stderr}");
}

#[test]
fn a_command_line_that_is_none_exits_with_2() {
    run(&["pay", "alice"]).with_code(2);
    run(&["fly"]).with_code(2);
    run_with_key(&["account", "open", "alice", "--currency", "EUR", "--url", "gopher://x"])
        .with_code(2);
    let bad_id = run_with_key(&["account", "show", "a/b"]).with_code(2);
    assert!(bad_id.stderr.contains("'/'"), "{}", bad_id.stderr);
}

#[test]
fn no_server_exits_with_3_and_says_how_to_start_one() {
    let ended = run_with_key(&["account", "list", "--url", "http://127.0.0.1:9"]).with_code(3);
    assert!(ended.stderr.contains("courant serve"), "{}", ended.stderr);
    let paid = ["pay", "a", "b", "1.00", "EUR", "--url", "http://127.0.0.1:9"];
    let ended = run_with_key(&paid).with_code(3);
    assert!(ended.stderr.contains("send it again with --id "), "{}", ended.stderr);
}

#[test]
fn a_server_that_is_not_courant_is_told_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
    });
    let ended = run_with_key(&["account", "list", "--url", &url]).with_code(3);
    assert!(ended.stderr.contains("not Courant"), "{}", ended.stderr);
    thread.join().unwrap();
}

#[test]
fn a_reader_that_goes_away_ends_the_command_silently() {
    let (_dir, server) = with_alice_and_bob();
    let mut command = server.command(&["events", "--follow"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    // Its output is closed now; the next event makes it notice.
    server.json(&["pay", "alice", "bob", "1.00", "EUR"]);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn completions_are_printed_for_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]).with_code(0).stdout;
        assert!(script.contains("courant") && script.contains("top-up"), "{shell}");
    }
}

#[test]
fn settings_of_the_environment_are_used() {
    let mut command = courant(&["account", "list"]);
    command.env("COURANT_URL", "http://127.0.0.1:9").env("COURANT_KEY", "k");
    let stderr = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(stderr.contains("http://127.0.0.1:9"), "{stderr}");
}
