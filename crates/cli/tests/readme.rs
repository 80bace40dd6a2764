//! The commands of README.md do what it says: every block marked `<!-- run -->` is run, in order,
//! in one shell.
//!
//! One thing is replaced: the port, which may be taken here. A block marked `<!-- run: N -->` must
//! end with the exit code N.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail, and say more")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{COURANT, courant};

/// A block of the README, and the exit code it must end with.
struct Block {
    line: usize,
    script: String,
    code: i32,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        let Some(mark) = line.strip_prefix("<!-- run").and_then(|l| l.strip_suffix("-->")) else {
            continue;
        };
        let code = mark.trim_start_matches(':').trim();
        let code = if code.is_empty() { 0 } else { code.parse().unwrap() };
        let (at, fence) = lines.next().unwrap();
        assert_eq!(fence, "```sh", "line {}: a mark stands before a block", at + 1);
        let script: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        blocks.push(Block { line: at + 2, script: script.join("\n"), code });
    }
    blocks
}

/// One shell script of all blocks: each in turn must end as expected, or the script says which did
/// not.
fn script(blocks: &[Block]) -> String {
    let mut script = "set -u\ntrap 'kill $(jobs -p) 2> /dev/null' EXIT\n".to_owned();
    for Block { line, script: block, code } in blocks {
        // Every command of a block counts, not only its last one; a background job is waited for by
        // its effect.
        let body = match code {
            0 => format!("set -e\n{block}\nset +e\n"),
            code => format!(
                "{block}\n[ $? -eq {code} ] || {{ echo \"line {line}: not {code}\"; exit 1; }}\n"
            ),
        };
        script += &format!("echo \"README line {line}\" >&2\n{body}");
        if block.contains("courant serve") {
            script += "for n in $(seq 500); do [ -e shop/admin.key ] && curl -s -o health \
                       http://127.0.0.1:8080/v1/health && break; sleep 0.02; done\n";
        }
    }
    script
}

#[test]
fn every_command_of_the_readme_works_as_typed() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let blocks = blocks(&std::fs::read_to_string(readme).unwrap());
    assert!(blocks.len() >= 8, "only {} blocks are run", blocks.len());
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let script = script(&blocks).replace("127.0.0.1:8080", &listen.to_string());
    let path = format!(
        "{}:{}",
        Path::new(COURANT).parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let plain = courant(&[]);
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(dir.path()).env("PATH", path);
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    for part in ["nothing was done again", "insufficient_funds", "differences        0", "sound:"] {
        assert!(stdout.contains(part), "{part:?} is not in {stdout}\n{stderr}");
    }
    let paid = std::fs::read_to_string(dir.path().join("acknowledged.txt")).unwrap();
    assert!(paid.lines().count() > 3, "{paid}");
    let counted = format!("{} payments, {0} found exactly once, 0 not", paid.lines().count());
    assert!(stdout.contains(&counted), "{counted:?} is not in {stdout}");
}
