//! `courant import`: what is paid, what is refused, and that nothing is paid twice.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::{Server, with_alice_and_bob};

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn balance(server: &Server, account: &str) -> Value {
    server.json(&["account", "show", account])["balance"].clone()
}

fn counts(report: &Value) -> [u64; 4] {
    ["lines", "accepted", "repeated", "refused"].map(|name| report[name].as_u64().unwrap())
}

#[test]
fn a_csv_file_is_paid_once_however_often_it_is_imported() {
    let (dir, server) = with_alice_and_bob();
    let text = "from,to,sum,note\nalice,bob,1.00,one\nalice,bob,2.00,\"two,\nand a line\"\n";
    let file = write(dir.path(), "pay.csv", text);
    let file = file.to_str().unwrap();
    let map = [
        "--map",
        "debtor=from",
        "--map",
        "creditor=to",
        "--map",
        "amount=sum",
        "--map",
        "remittance=note",
        "--set",
        "currency=EUR",
        "--set",
        "channel=file",
    ];
    let import = [&["import", file][..], &map].concat();
    let text = server.run(&[&import[..], &["--json"]].concat());
    // A line break is no printable character, so the second remittance is refused by the server.
    let first = text.with_code(1).json();
    assert_eq!((counts(&first), &first["was_complete"]), ([2, 1, 0, 1], &false.into()));
    let again = server.run(&import).with_code(1).stdout;
    assert!(again.starts_with("this import was complete already: nothing was sent"), "{again}");
    assert!(again.contains("accepted       1"), "{again}");
    let restarted = server.run(&[&import[..], &["--restart", "--json"]].concat()).with_code(1);
    assert_eq!(counts(&restarted.json()), [2, 0, 1, 1]);
    assert_eq!(balance(&server, "bob"), "1.00");
}

#[test]
fn refused_lines_go_into_a_file_with_their_reasons() {
    let (dir, server) = with_alice_and_bob();
    let text = "id,debtor,creditor,amount,currency\n\
                ok,alice,bob,1.00,EUR\n\
                poor,alice,bob,1000.00,EUR\n\
                nobody,alice,ghost,1.00,EUR\n\
                form,alice,bob,1.5,EUR\n\
                short,alice\n\
                ok,alice,bob,9.00,EUR\n";
    let file = write(dir.path(), "pay.csv", text);
    let refused = dir.path().join("refused.ndjson");
    let args = ["import", file.to_str().unwrap(), "--refused", refused.to_str().unwrap(), "--json"];
    assert_eq!(counts(&server.run(&args).with_code(1).json()), [6, 1, 0, 5]);
    let text = std::fs::read_to_string(refused).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<_> =
        lines.iter().map(|l| (l["line"].as_u64().unwrap(), l["code"].as_str().unwrap())).collect();
    assert_eq!(
        codes,
        [
            (3, "insufficient_funds"),
            (4, "credit_account_not_found"),
            (5, "wrong_decimals"),
            (6, "unusable_line"),
            (7, "idempotency_conflict"),
        ]
    );
    assert_eq!(lines[0]["input"]["id"], "poor");
    assert!(lines.iter().all(|line| !line["sentence"].as_str().unwrap().is_empty()));
}

#[test]
fn a_payment_that_finds_no_room_to_stay_open_is_sent_again_until_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let listen = ["--listen", "127.0.0.1:0", "--open-payments-max", "1", "--json"];
    let serve = [&["serve", "--data", data.to_str().unwrap()][..], &listen].concat();
    let server = Server::from_command(crate::common::courant(&serve), &data);
    for account in ["alice", "bob"] {
        server.json(&["account", "open", account, "--currency", "EUR"]);
    }
    server.json(&["top-up", "alice", "100.00", "EUR"]);
    let hold = ["pay", "alice", "bob", "1.00", "EUR", "--mode", "authorise", "--id", "first"];
    server.json(&hold);
    let line = |id: &str, mode: &str| {
        json!({"id": id, "debtor": "alice", "creditor": "bob", "amount": "1.00",
            "currency": "EUR", "mode": mode})
    };
    let text = format!("{}\n{}\n", line("now", "pay"), line("later", "authorise"));
    let file = write(dir.path(), "pay.ndjson", &text);
    let mut import = server.command(&["import", file.to_str().unwrap(), "--json"]);
    let importing = import.stdout(std::process::Stdio::piped()).spawn().unwrap();
    // Once the first line is paid, the second was refused.
    let is_paid = || server.run(&["payment", "show", "now", "--json"]).code == Some(0);
    while !is_paid() {
        std::thread::yield_now();
    }
    server.json(&["payment", "cancel", "first"]);
    let ended = crate::common::Ended::of(importing.wait_with_output().unwrap());
    let [lines, accepted, repeated, refused] = counts(&ended.with_code(0).json());
    assert_eq!((lines, accepted + repeated, refused), (2, 2, 0));
    assert_eq!(server.json(&["payment", "show", "later"])["status"], "authorised");
    assert_eq!(balance(&server, "bob"), "1.00");
}

#[test]
fn ndjson_is_imported_from_a_file_and_from_standard_input() {
    let (dir, server) = with_alice_and_bob();
    let line = json!({"debtor": "alice", "creditor": "bob", "amount": "1.00",
        "currency": "EUR", "fees": []});
    let text = &format!("{line}\n");
    let file = write(dir.path(), "pay.ndjson", text);
    server.run(&["import", file.to_str().unwrap()]).with_code(0);
    let piped = |args: &[&str]| {
        let mut command = server.command(args);
        command.stdin(std::fs::File::open(&file).unwrap()).current_dir(dir.path());
        crate::common::Ended::of(command.output().unwrap())
    };
    let refused = piped(&["import", "-", "--format", "ndjson"]).with_code(2);
    assert!(refused.stderr.contains("--id-prefix"), "{}", refused.stderr);
    piped(&["import", "-", "--format", "ndjson", "--id-prefix", "mon-"]).with_code(0);
    assert_eq!(server.json(&["payment", "show", "mon-1"])["status"], "completed");
    assert_eq!(balance(&server, "bob"), "2.00");
}

#[test]
fn an_interrupted_import_goes_on_where_it_stopped() {
    let (dir, server) = with_alice_and_bob();
    let mut text = "debtor,creditor,amount,currency\n".to_owned();
    for _ in 0..400 {
        text += "alice,bob,0.01,EUR\n";
    }
    let file = write(dir.path(), "pay.csv", &text);
    let file = file.to_str().unwrap();
    let args = ["import", file, "--batch", "1", "--json"];
    let mut importing = server.command(&args).spawn().unwrap();
    let state = dir.path().join("pay.csv.import-state.json");
    let done = || -> u64 {
        let text = std::fs::read_to_string(&state).unwrap_or_default();
        let state: Value = serde_json::from_str(&text).unwrap_or_default();
        state["counts"]["accepted"].as_u64().unwrap_or_default()
    };
    while done() < 20 {
        std::thread::yield_now();
    }
    importing.kill().unwrap();
    importing.wait().unwrap();
    let before = done();
    assert!(before < 400, "the import was not interrupted");
    let report = server.run(&args).with_code(0).json();
    let [lines, accepted, repeated, refused] = counts(&report);
    assert_eq!((lines, accepted + repeated, refused), (400, 400, 0));
    assert!(repeated <= 1, "one line at most had been sent and not noted: {repeated}");
    assert_eq!(balance(&server, "bob"), "4.00");
}

#[test]
fn a_server_that_is_killed_in_the_middle_loses_and_doubles_nothing() {
    let (dir, server) = with_alice_and_bob();
    let mut text = "debtor,creditor,amount,currency\n".to_owned();
    for _ in 0..3_000 {
        text += "alice,bob,0.01,EUR\n";
    }
    let file = write(dir.path(), "pay.csv", &text);
    let args = ["import", file.to_str().unwrap(), "--batch", "10", "--parallel", "4", "--json"];
    let mut command = server.command(&args);
    let importing = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    while balance(&server, "bob") == "0.00" {
        std::thread::yield_now();
    }
    let (data, address) = (server.data.clone(), server.address());
    server.kill();
    let server = Server::start_at(&data, address);
    let ended = crate::common::Ended::of(importing.wait_with_output().unwrap()).with_code(0);
    let [lines, accepted, repeated, refused] = counts(&ended.json());
    assert_eq!((lines, accepted + repeated, refused), (3_000, 3_000, 0));
    assert_eq!(balance(&server, "bob"), "30.00");
}

#[test]
fn a_state_of_another_directory_prefix_or_mapping_is_refused_by_name() {
    let (dir, server) = with_alice_and_bob();
    let text = "debtor,creditor,amount,currency,note\nalice,bob,1.00,EUR,x\n";
    let file = write(dir.path(), "pay.csv", text);
    let file = file.to_str().unwrap();
    let args = ["import", file, "--id-prefix", "may-"];
    server.run(&args).with_code(0);
    let refused = |args: &[&str], what: &str| {
        let ended = server.run(args).with_code(2);
        assert!(ended.stderr.contains(what), "{}", ended.stderr);
    };
    refused(&["import", file], "began with ids of \"may-\"");
    refused(&["import", file, "--id-prefix", "june-"], "not of \"june-\"");
    refused(
        &[&args[..], &["--map", "remittance=note"]].concat(),
        "another --format, --map or --set",
    );
    refused(&[&args[..], &["--set", "channel=file"]].concat(), "another --format, --map or --set");
    assert_eq!(balance(&server, "bob"), "1.00");

    // The same directory elsewhere goes on; another one at the same address is another server.
    let (data, address) = (server.data.clone(), server.address());
    server.kill();
    let server = Server::start(&data);
    assert_eq!(counts(&server.run(&[&args[..], &["--json"]].concat()).json()), [1, 1, 0, 0]);
    server.kill();
    let server = Server::start_at(&dir.path().join("other"), address);
    let ended = server.run(&args).with_code(2);
    assert!(ended.stderr.contains("another data directory"), "{}", ended.stderr);
    let report = server.run(&[&args[..], &["--restart", "--json"]].concat()).with_code(1);
    assert_eq!(counts(&report.json()), [1, 0, 0, 1], "there is no alice");
}

#[test]
fn a_file_that_changed_or_a_wrong_map_is_refused_before_anything_is_paid() {
    let (dir, server) = with_alice_and_bob();
    let text = "debtor,creditor,amount,currency\nalice,bob,1.00,EUR\n";
    let file = write(dir.path(), "pay.csv", text);
    let file = file.to_str().unwrap();
    server.run(&["import", file]).with_code(0);
    write(dir.path(), "pay.csv", &format!("{text}alice,bob,1.00,EUR\n"));
    let changed = server.run(&["import", file]).with_code(2);
    assert!(changed.stderr.contains("has changed"), "{}", changed.stderr);
    let wrong = server.run(&["import", file, "--restart", "--map", "amount=sum"]).with_code(2);
    assert!(wrong.stderr.contains("no column \"sum\""), "{}", wrong.stderr);
    let unknown = server.run(&["import", dir.path().to_str().unwrap()]).with_code(2);
    assert!(unknown.stderr.contains("--format"), "{}", unknown.stderr);
    assert_eq!(balance(&server, "bob"), "1.00");
}
