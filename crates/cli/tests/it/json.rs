//! `--json`: every command knows it, and prints JSON and nothing else.

use serde_json::Value;

use crate::common::{Ended, run, with_alice_and_bob};

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Every command that does something, such as `account open`.
fn leaves(path: &[&str]) -> Vec<(String, String)> {
    let help = run(&[path, &["--help"]].concat()).with_code(0).stdout;
    let below = listed(&help);
    if below.is_empty() {
        return vec![(path.join(" "), help)];
    }
    below.iter().flat_map(|name| leaves(&[path, &[name.as_str()]].concat())).collect()
}

#[test]
fn every_command_but_completions_knows_json() {
    let all = leaves(&[]);
    assert!(all.len() > 40, "{}", all.len());
    for (command, help) in all {
        assert_eq!(help.contains("--json"), command != "completions", "{command}");
    }
}

/// The options of a help text, each with the heading it stands under.
fn options(help: &str) -> Vec<(&str, &str)> {
    let mut heading = "";
    let mut options = Vec::new();
    for line in help.lines() {
        if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with(' ')) {
            heading = name;
        }
        let option = line.strip_prefix("      ").or(line.strip_prefix("  -h, "));
        let name = option.filter(|option| option.starts_with("--"));
        options.extend(name.map(|option| (heading, option.split(' ').next().unwrap())));
    }
    options
}

#[test]
fn options_are_listed_once_and_under_their_heading() {
    let expected = [
        ("--url", "Connection"),
        ("--key-file", "Connection"),
        ("--json", "Output"),
        ("--demo", "Demo"),
        ("--archive", "Storage and limits"),
        ("--limit", "Options"),
    ];
    for (command, help) in leaves(&[]) {
        let options = options(&help);
        assert!(!options.is_empty(), "{help}");
        for (at, (heading, name)) in options.iter().enumerate() {
            let again = options[..at].iter().any(|(_, known)| known == name);
            assert!(!again, "{name} stands twice in the help of {command}");
            let expected = expected.iter().find(|(known, _)| known == name);
            assert!(expected.is_none_or(|(_, known)| known == heading), "{name} of {command}");
        }
    }
}

/// What was printed, as JSON: one document, or one a line.
fn parsed(ended: &Ended) -> Vec<Value> {
    match serde_json::from_str(&ended.stdout) {
        Ok(document) => vec![document],
        Err(_) => ended.json_lines(),
    }
}

#[test]
fn what_is_printed_with_json_is_json() {
    let (dir, server) = with_alice_and_bob();
    let file = dir.path().join("one.csv");
    std::fs::write(&file, "debtor,creditor,amount,currency\nalice,bob,0.01,EUR\n").unwrap();
    let file = file.to_str().unwrap();
    let lines = [
        "account open carol --currency EUR",
        "account show alice",
        "account list",
        "account freeze carol",
        "account unfreeze carol",
        "account limits carol --floor 0.00 --ceiling none",
        "account entries alice",
        "account close carol",
        "top-up alice 1.00 EUR",
        "withdraw alice 1.00 EUR",
        "pay alice bob 9.00 EUR --id h --mode authorise",
        "payment increment h 1.00 EUR",
        "payment release h 1.00 EUR",
        "payment capture h 5.00 EUR",
        "payment cancel h",
        "payment refund h 1.00 EUR",
        "payment show h",
        "payment history h",
        "export events",
        "export entries alice",
        "export accounts",
        "events",
        "trial-balance",
        "key create till --scope events:read",
        "key list",
        "key revoke 2",
    ];
    for line in lines {
        let args: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        let ended = server.run(&args).with_code(0);
        assert!(!parsed(&ended).is_empty(), "{line}");
    }
    server.run(&["import", file, "--json"]).with_code(0).json();
    let rejected = server.run(&["pay", "alice", "bob", "999.00", "EUR", "--json"]).with_code(1);
    assert_eq!(rejected.json()["status"], "rejected");
    let data = server.data.to_str().unwrap();
    let backup = dir.path().join("backup");
    let backup = backup.to_str().unwrap();
    run(&["backup", backup, "--data", data, "--json"]).with_code(0).json();
    let restored = dir.path().join("restored");
    let restored = restored.to_str().unwrap();
    run(&["restore", backup, "--data", restored, "--json"]).with_code(0).json();
    run(&["verify", "--data", restored, "--json"]).with_code(0).json();
    run(&["repair", "--data", restored, "--json"]).with_code(0).json();
    run(&["doctor", "--data", restored, "--listen", "127.0.0.1:0", "--json"]).json();
}
