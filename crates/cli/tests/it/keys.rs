//! `courant key`, and what keys allow.

use std::process::Stdio;

use serde_json::Value;

use crate::common::{Ended, Server, with_alice_and_bob};

fn run_with_key(server: &Server, key: &str, args: &[&str]) -> Ended {
    Ended::of(server.command(args).env("COURANT_KEY", key).output().unwrap())
}

#[test]
fn a_key_is_shown_once_does_what_its_scope_allows_and_is_revoked() {
    let (_dir, server) = with_alice_and_bob();
    let made = server.run(&["key", "create", "till", "--scope", "accounts:read"]).with_code(0);
    let key = made.stdout.trim();
    assert!(key.starts_with("ck_"), "{key}");
    assert!(made.stderr.contains("cannot be shown again"), "{}", made.stderr);
    run_with_key(&server, key, &["account", "show", "alice"]).with_code(0);
    let refused = run_with_key(&server, key, &["pay", "alice", "bob", "1.00", "EUR"]).with_code(4);
    assert!(refused.stderr.contains("scope"), "{}", refused.stderr);
    let listed = server.json(&["key", "list"]);
    let till = listed.as_array().unwrap().iter().find(|k| k["name"] == "till").unwrap();
    assert_eq!(till["revoked_at"], Value::Null);
    let number = till["number"].to_string();
    server.run(&["key", "revoke", &number]).with_code(0);
    run_with_key(&server, key, &["account", "show", "alice"]).with_code(4);
    let table = server.run(&["key", "list"]).with_code(0).stdout;
    assert!(table.contains("till") && !table.contains(key), "{table}");
}

#[test]
fn a_key_that_is_none_or_missing_exits_with_4() {
    let (dir, server) = with_alice_and_bob();
    let wrong = run_with_key(&server, "ck_1_wrong", &["account", "list"]).with_code(4);
    assert!(wrong.stderr.contains("COURANT_KEY"), "{}", wrong.stderr);
    let mut command = server.command(&["account", "list"]);
    command.env("COURANT_DATA", dir.path());
    let missing = Ended::of(command.output().unwrap()).with_code(4);
    assert!(missing.stderr.contains("admin.key"), "{}", missing.stderr);
}

#[test]
fn a_key_comes_from_a_file_or_standard_input_and_never_from_the_command_line() {
    let (dir, server) = with_alice_and_bob();
    let made = server.run(&["key", "create", "till", "--scope", "accounts:read"]).with_code(0);
    let file = dir.path().join("till.key");
    std::fs::write(&file, &made.stdout).unwrap();
    let shown = |key_file: &str, stdin: Stdio| {
        let mut command = server.command(&["key", "list", "--key-file", key_file]);
        // It goes before the environment; that key may list keys, this one may not.
        let admin = std::fs::read_to_string(server.data.join("admin.key")).unwrap();
        Ended::of(command.env("COURANT_KEY", admin.trim()).stdin(stdin).output().unwrap())
    };
    let refused = shown(file.to_str().unwrap(), Stdio::null()).with_code(4);
    assert!(refused.stderr.contains("scope"), "{}", refused.stderr);
    let refused = shown("-", std::fs::File::open(&file).unwrap().into()).with_code(4);
    assert!(refused.stderr.contains("scope"), "{}", refused.stderr);
    let missing = shown(dir.path().join("none").to_str().unwrap(), Stdio::null()).with_code(4);
    assert!(missing.stderr.contains("--key-file"), "{}", missing.stderr);
    let unknown = server.run(&["key", "list", "--key", made.stdout.trim()]).with_code(2);
    assert!(unknown.stderr.contains("--key-file"), "{}", unknown.stderr);
    let help = server.run(&["key", "list", "--help"]).with_code(0).stdout;
    assert!(help.contains("list of processes"), "{help}");
}

#[test]
fn the_last_admin_key_stays() {
    let (_dir, server) = with_alice_and_bob();
    let refused = server.run(&["key", "revoke", "1"]).with_code(1);
    assert!(refused.stderr.contains("last_admin_key"), "{}", refused.stderr);
    let unknown = server.run(&["key", "create", "x", "--scope", "everything"]).with_code(2);
    assert!(unknown.stderr.contains("payments:write"), "{}", unknown.stderr);
}
