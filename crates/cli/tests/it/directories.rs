//! Commands on a data directory: verify, repair, backup, restore, doctor; and directories that
//! cannot be used.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{Ended, run, with_alice_and_bob};

fn on(command: &str, data: &Path, more: &[&str]) -> Ended {
    run(&[&[command, "--data", data.to_str().unwrap()][..], more].concat())
}

/// A directory with thirty payments of 0.01 in it, `p1` to `p30`.
fn with_thirty_payments() -> (tempfile::TempDir, PathBuf) {
    let (dir, server) = with_alice_and_bob();
    for n in 1..=30 {
        let id = format!("p{n}");
        server.json(&["pay", "alice", "bob", "0.01", "EUR", "--id", &id]);
    }
    let data = server.data.clone();
    assert_eq!(server.stop(), Some(0));
    (dir, data)
}

fn first_segment(data: &Path) -> PathBuf {
    let files = std::fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|e| e == "seg")).min().unwrap()
}

/// Changes a byte in the middle of the payments.
fn damage(data: &Path) {
    let file = OpenOptions::new().read(true).write(true).open(first_segment(data)).unwrap();
    let offset = 16 * 4096 + 100;
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
}

#[test]
fn verify_finds_every_acknowledged_payment_in_a_stopped_and_a_running_directory() {
    let (dir, server) = with_alice_and_bob();
    server.json(&["pay", "alice", "bob", "1.00", "EUR", "--id", "p1"]);
    let ids = dir.path().join("ids");
    std::fs::write(&ids, "start\np1\ncut-off-by-a-kill").unwrap();
    let acknowledged = ["--acknowledged", ids.to_str().unwrap()];
    let running = on("verify", &server.data, &[&acknowledged[..], &["--json"]].concat());
    let found = running.with_code(0).json();
    assert_eq!((&found["sound"], &found["running"]), (&true.into(), &true.into()));
    assert_eq!((&found["payments"], &found["acknowledged"]), (&2.into(), &2.into()));
    let data = server.data.clone();
    server.stop();
    let text = on("verify", &data, &acknowledged).with_code(0).stdout;
    assert!(text.contains("2 found exactly once") && text.contains("sound:"), "{text}");
    assert!(text.contains("ids on disk   none yet"), "{text}");
    std::fs::write(&ids, "start\nlost\n").unwrap();
    let text = on("verify", &data, &acknowledged).with_code(1).stdout;
    assert!(text.contains("acknowledged payment lost is not in the journal"), "{text}");
    let conclusion = format!(
        "MISSING: the journal is sound, but lacks 1 of the acknowledged payments. Is {} the",
        data.display()
    );
    assert!(text.contains(&conclusion) && !text.contains("NOT SOUND"), "{text}");
}

#[test]
fn a_noted_head_stays_in_the_past_of_the_journal() {
    let (_dir, data) = with_thirty_payments();
    let found = on("verify", &data, &["--json"]).with_code(0).json();
    let head = found["head"].as_str().unwrap();
    on("verify", &data, &["--head", head]).with_code(0);
    let other = format!("{}{}", &head[..head.len() - 1], if head.ends_with('0') { 1 } else { 0 });
    on("verify", &data, &["--head", &other]).with_code(1);
    on("verify", &data, &["--head", "nonsense"]).with_code(2);
}

#[test]
fn damage_is_refused_shown_and_repaired_only_when_asked() {
    let (_dir, data) = with_thirty_payments();
    damage(&data);
    let refused = on("serve", &data, &["--listen", "127.0.0.1:0"]).with_code(1);
    assert!(refused.stderr.contains("courant repair"), "{}", refused.stderr);
    assert!(refused.stderr.contains("offset"), "{}", refused.stderr);
    let verified = on("verify", &data, &[]).with_code(1).stdout;
    let next = format!("NOT SOUND: see `courant repair --data {}`", data.display());
    assert!(verified.contains(&next), "{verified}");
    let planned = on("repair", &data, &[]).with_code(1).stdout;
    assert!(planned.contains("would be done") && planned.contains("--apply"), "{planned}");
    on("verify", &data, &[]).with_code(1);
    let applied = on("repair", &data, &["--apply"]).with_code(0).stdout;
    assert!(applied.contains("removed-"), "{applied}");
    on("verify", &data, &[]).with_code(0);
    assert!(on("repair", &data, &[]).with_code(0).stdout.contains("nothing to repair"));
    let server = crate::common::Server::start(&data);
    assert_eq!(server.json(&["account", "show", "alice"])["status"], "open");
    // What comes now has other ids than what was given up.
    let id = |line: &Value| line["id"].as_str().unwrap().to_owned();
    let events = || server.run(&["events", "--json"]).with_code(0).json_lines();
    assert!(events().iter().all(|event| !id(event).contains('-')));
    server.json(&["pay", "alice", "bob", "0.01", "EUR", "--id", "after"]);
    assert!(id(events().last().unwrap()).contains('-'));
}

#[test]
fn a_backup_of_a_running_directory_is_restored_and_continued() {
    let (dir, server) = with_alice_and_bob();
    let (backup, restored) = (dir.path().join("backup"), dir.path().join("restored"));
    let back_up = || on("backup", &server.data, &[backup.to_str().unwrap()]).with_code(0).stdout;
    back_up();
    server.json(&["pay", "alice", "bob", "1.00", "EUR", "--id", "later"]);
    let second = back_up();
    assert!(second.contains("backed up to LSN"), "{second}");
    for inside in [server.data.clone(), server.data.join("new/backup")] {
        let refused = on("backup", &server.data, &[inside.to_str().unwrap()]).with_code(2);
        assert!(refused.stderr.contains("inside the data directory"), "{}", refused.stderr);
    }
    assert!(!server.data.join("new").exists());
    let checked = on("verify", &backup, &[]).with_code(0).stdout;
    assert!(checked.contains("unchanged since it was copied: a backup up to LSN"), "{checked}");
    on("restore", &restored, &[backup.to_str().unwrap()]).with_code(0);
    on("verify", &restored, &[]).with_code(0);
    let again = crate::common::Server::start(&restored);
    assert_eq!(again.json(&["payment", "show", "later"])["status"], "completed");
    drop(again);
    let refused = on("restore", &restored, &[backup.to_str().unwrap()]).with_code(1);
    assert!(refused.stderr.contains("not empty"), "{}", refused.stderr);
}

#[test]
fn a_directory_that_cannot_be_used_says_why() {
    let (dir, server) = with_alice_and_bob();
    let serve = |data: &Path| on("serve", data, &["--listen", "127.0.0.1:0"]);
    let locked = serve(&server.data).with_code(2);
    assert!(locked.stderr.contains("in use by another process"), "{}", locked.stderr);
    for more in [&[][..], &["--apply"]] {
        let locked = on("repair", &server.data, more).with_code(2);
        assert!(locked.stderr.contains("in use by another process"), "{}", locked.stderr);
    }
    let data = server.data.clone();
    server.stop();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(serve(&file).with_code(2).stderr.contains("file"));
    // Nobody, not even root, can write there.
    let read_only = serve(Path::new("/proc/courant")).with_code(2);
    assert!(read_only.stderr.contains("/proc/courant"), "{}", read_only.stderr);
    let missing = on("verify", &dir.path().join("missing"), &[]).with_code(2);
    assert!(missing.stderr.contains("is not a data directory"), "{}", missing.stderr);
    make_newer(&data);
    let newer = serve(&data).with_code(2);
    assert!(newer.stderr.contains("use the release that wrote it"), "{}", newer.stderr);
    assert!(on("verify", &data, &[]).with_code(1).stderr.contains("format"));
}

#[test]
fn a_directory_with_files_and_no_journal_is_not_served() {
    let (dir, server) = with_alice_and_bob();
    let serve = |data: &Path| on("serve", data, &["--listen", "127.0.0.1:0"]).with_code(2).stderr;
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.tex"), "").unwrap();
    let refused = serve(&other);
    assert!(refused.contains("holds thesis.tex and no journal"), "{refused}");
    assert!(refused.contains("name a new or an empty directory"), "{refused}");
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1, "nothing was written");
    let data = server.data.clone();
    server.stop();
    std::fs::rename(data.join("journal"), dir.path().join("journal")).unwrap();
    assert!(serve(&data).contains("and no journal"));
    // The top of a file system, with the demo's directory in it.
    let top = dir.path().join("top");
    for name in ["lost+found", "demo"] {
        std::fs::create_dir_all(top.join(name)).unwrap();
    }
    crate::common::Server::start(&top);
}

/// Writes a format version of the future into the first segment's header, with its checksum.
fn make_newer(data: &Path) {
    let file = OpenOptions::new().read(true).write(true).open(first_segment(data)).unwrap();
    let mut header = [0; 80];
    file.read_exact_at(&mut header, 0).unwrap();
    header[8..12].copy_from_slice(&[9, 0, 9, 0]);
    let crc = crc32c::crc32c(&header[..76]);
    header[76..].copy_from_slice(&crc.to_le_bytes());
    file.write_all_at(&header, 0).unwrap();
}

#[test]
fn the_doctor_measures_and_names_what_is_wrong() {
    let (dir, server) = with_alice_and_bob();
    let listen = server.address().to_string();
    let report = on("doctor", &server.data, &["--listen", &listen, "--json"]);
    let checks = report.json();
    let find = |name: &str| -> Value {
        let checks = checks.as_array().unwrap();
        checks.iter().find(|check| check["check"] == name).unwrap_or(&Value::Null).clone()
    };
    for name in [
        "data directory",
        "secret files",
        "in use",
        "file system",
        "free space",
        "plain writes",
        "durable writes",
        "direct I/O",
        "kernel",
        "processors",
        "memory",
        "open files",
        "clock",
        "port",
    ] {
        assert!(find(name)["found"].is_string(), "{name} is not in {checks}");
    }
    let clock = find("clock")["found"].as_str().unwrap().to_owned();
    assert!(clock.contains("the last record is "), "{clock}");
    assert_eq!(find("data directory")["verdict"], "ok");
    assert_eq!(find("secret files")["verdict"], "ok");
    assert_eq!(find("in use")["found"], "yes, by a running server");
    assert!(find("durable writes")["found"].as_str().unwrap().contains("p50"));
    assert!(find("port")["found"].as_str().unwrap().contains("a server runs there"));
    let key = server.data.join("admin.key");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let table = on("doctor", &server.data, &[]).with_code(1).stdout;
    assert!(table.contains("others can read admin.key"), "{table}");
    on("doctor", &dir.path().join("none"), &["--listen", "127.0.0.1:0"]);
}
