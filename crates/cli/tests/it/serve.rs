//! `courant serve`: starting, stopping, the demo.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::common::{Ended, Server, courant, run};

#[test]
fn the_admin_key_is_shown_once_and_kept_in_a_private_file() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let first_line = || {
        let mut command = courant(&["serve", "--listen", "127.0.0.1:0", "--data"]);
        let mut child = command.arg(&data).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let text: Vec<String> = lines.by_ref().take(4).map(Result::unwrap).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        text.join("\n")
    };
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let first = first_line();
    let key = std::fs::read_to_string(data.join("admin.key")).unwrap();
    assert!(first.contains(key.trim()), "{first}");
    assert_eq!((mode(&data), mode(&data.join("admin.key"))), (0o700, 0o600));
    let second = first_line();
    assert!(!second.contains(key.trim()) && second.contains("admin.key"), "{second}");
}

#[test]
fn it_stops_gracefully_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    server.json(&["account", "open", "alice", "--currency", "EUR"]);
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&data);
    assert_eq!(server.json(&["account", "show", "alice"])["status"], "open");
}

#[test]
fn remote_addresses_and_taken_ports_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let remote = run(&["serve", "--listen", "0.0.0.0:0", "--data", data.to_str().unwrap()]);
    assert!(remote.with_code(2).stderr.contains("--allow-remote"));
    assert!(!data.exists(), "nothing is made for a server that does not serve");
    let server = Server::start(&data);
    let other = dir.path().join("other");
    let taken = server.address().to_string();
    let ended = run(&["serve", "--listen", &taken, "--data", other.to_str().unwrap()]).with_code(2);
    assert!(ended.stderr.contains("cannot listen"), "{}", ended.stderr);
    let log = run(&["serve", "--log", "x=y=z", "--data", other.to_str().unwrap()]).with_code(2);
    assert!(log.stderr.contains("--log"), "{}", log.stderr);
}

#[test]
fn the_demo_pays_and_balances_every_second() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("demo");
    let mut command = courant(&["serve", "--demo", "--listen", "127.0.0.1:0", "--json", "--data"]);
    let mut child =
        command.arg(&data).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next =
        || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let greeting = next();
    let url = greeting["url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{greeting}");
    assert_eq!(greeting["docs"], format!("{url}/docs"));
    assert!(greeting["admin_key"].as_str().unwrap().starts_with("ck_"), "{greeting}");
    let mut paid = 0;
    for _ in 0..3 {
        let second = next();
        assert_eq!((&second["balanced"], &second["failed"]), (&true.into(), &0.into()), "{second}");
        paid += second["per_second"].as_u64().unwrap();
        let quantiles = ["p50_ms", "p99_ms"].map(|name| second[name].as_f64().unwrap());
        assert!(quantiles[0] > 0.0 && quantiles[0] <= quantiles[1], "{second}");
        assert!(second["payments"].as_u64().unwrap() > 1_000, "{second}");
    }
    assert!(paid > 100, "{paid}");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let last: serde_json::Value = serde_json::from_str(&lines.last().unwrap().unwrap()).unwrap();
    let total = &last["total"];
    let count = |name: &str| total[name].as_u64().unwrap();
    assert_eq!((&total["balanced"], count("failed")), (&true.into(), 0), "{total}");
    assert!(count("answered") >= paid, "{paid} in the first seconds, {total}");
    let parts = count("accepted") + count("rejected") + count("repeated");
    assert_eq!(parts, count("answered"), "{total}");
    assert!(total["p50_ms"].as_f64().unwrap() <= total["p99_ms"].as_f64().unwrap(), "{total}");
    let ended = Ended::of(child.wait_with_output().unwrap()).with_code(0);
    assert!(ended.stderr.contains("stopping"), "{}", ended.stderr);
    run(&["verify", "--data", data.to_str().unwrap()]).with_code(0);
}

#[test]
fn clients_that_use_up_the_open_files_do_not_end_it() {
    use std::net::TcpStream;
    let dir = tempfile::tempdir().unwrap();
    let limited = |files: u32, name: &str| {
        let serve = courant(&["serve", "--json", "--listen", "127.0.0.1:0", "--data"]);
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(serve.get_program()).args(serve.get_args());
        command.arg(dir.path().join(name)).env("COURANT_SEGMENT_MIB", "1");
        command
    };
    let refused = Ended::of(limited(128, "few").output().unwrap()).with_code(2);
    assert!(refused.stderr.contains("128 open files are too few"), "{}", refused.stderr);
    let data = dir.path().join("data");
    let server = Server::from_command(limited(160, "data"), &data);
    let name = |n: usize| format!("an account with a long name {n} {}", "x".repeat(80));
    server.json(&["account", "open", "first", "--currency", "EUR"]);
    // More than there are descriptors left: the server takes a few, the system lets the others
    // wait.
    let connect = |_| TcpStream::connect(server.address()).unwrap();
    let idle: Vec<TcpStream> = (0..140).map(connect).collect();
    drop(idle);
    for n in 0..3 {
        let id = format!("a-{n}");
        server.json(&["account", "open", &id, "--currency", "EUR", "--name", &name(n)]);
    }
    assert_eq!(server.stop(), Some(0));
}
