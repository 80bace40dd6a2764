//! The data directory and the file system it is on: modes, owner, kind, free space, who uses it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use courant_journal::verify::in_use;
use courant_journal::{DirectIo, OsStorage};

use super::Check;

/// Below this much free space the server will soon refuse payments, in bytes.
const FREE_BYTES_LOW: u64 = 1 << 30;
/// File systems that forget when the power goes.
const VOLATILE: [&str; 3] = ["tmpfs", "ramfs", "devtmpfs"];
/// File systems over a network: a sync means what the server at the other end makes of it.
const REMOTE: [&str; 5] = ["nfs", "nfs4", "cifs", "smb3", "9p"];

pub(super) fn checks(data: &Path, place: &Path) -> Vec<Check> {
    let mut checks = vec![directory(data)];
    checks.extend(secrets(data));
    checks.push(user(data));
    checks.push(file_system(place));
    checks.push(free_space(place));
    checks
}

fn directory(data: &Path) -> Check {
    const NAME: &str = "data directory";
    let shown = data.display();
    let metadata = match std::fs::metadata(data) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => return Check::bad(NAME, format!("{shown} is not a directory")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Check::good(
                NAME,
                format!("{shown} is not there yet: `courant serve` makes it"),
            );
        }
        Err(error) => return Check::bad(NAME, format!("{shown}: {error}")),
    };
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Check::bad(
            NAME,
            format!("{shown} belongs to another user (uid {})", metadata.uid()),
        );
    }
    match mode & 0o077 {
        0 => Check::good(NAME, format!("{shown}, mode {mode:03o}")),
        _ => Check::warning(
            NAME,
            format!("others can look into {shown} (mode {mode:03o}): chmod 700"),
        ),
    }
}

/// The small files that hold secrets are for their owner alone.
fn secrets(data: &Path) -> Option<Check> {
    const NAME: &str = "secret files";
    let mode = |name: &str| {
        let metadata = std::fs::metadata(data.join(name)).ok()?;
        Some((name.to_owned(), metadata.permissions().mode() & 0o777))
    };
    let modes: Vec<_> = crate::offline::SECRET_FILES.iter().filter_map(|name| mode(name)).collect();
    let open: Vec<_> = modes.iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
    match (modes.is_empty(), open.as_slice()) {
        (true, _) => None,
        (false, []) => Some(Check::good(NAME, format!("{} files, mode 600", modes.len()))),
        (false, [(name, mode), ..]) => {
            Some(Check::bad(NAME, format!("others can read {name} (mode {mode:03o}): chmod 600")))
        }
    }
}

fn user(data: &Path) -> Check {
    const NAME: &str = "in use";
    let journal = OsStorage::open_existing(data.join("journal"), DirectIo::Auto);
    match journal.and_then(|journal| in_use(&journal)) {
        Ok(true) => Check::good(NAME, "yes, by a running server"),
        Ok(false) => Check::good(NAME, "no"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Check::good(NAME, "no"),
        Err(error) => Check::warning(NAME, format!("cannot be told: {error}")),
    }
}

fn file_system(place: &Path) -> Check {
    const NAME: &str = "file system";
    let Some((mount, kind)) = mount_of(place) else {
        return Check::warning(NAME, "cannot be told from /proc/self/mountinfo");
    };
    if VOLATILE.contains(&kind.as_str()) {
        let found = format!("{kind} at {mount} is memory: everything is gone after a restart");
        return Check::bad(NAME, found);
    }
    if REMOTE.contains(&kind.as_str()) {
        let found = format!("{kind} at {mount} is on a network: use a local disk");
        return Check::warning(NAME, found);
    }
    Check::good(NAME, format!("{kind} at {mount}"))
}

/// Where the file system of a directory is mounted, and what it is.
fn mount_of(place: &Path) -> Option<(String, String)> {
    let place = place.canonicalize().ok()?;
    let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mounts = table.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mount = before.split(' ').nth(4)?;
        Some((mount.to_owned(), after.split(' ').next()?.to_owned()))
    });
    mounts.filter(|(mount, _)| place.starts_with(mount)).max_by_key(|(mount, _)| mount.len())
}

fn free_space(place: &Path) -> Check {
    const NAME: &str = "free space";
    let stat = match rustix::fs::statvfs(place) {
        Ok(stat) => stat,
        Err(error) => return Check::warning(NAME, format!("cannot be told: {error}")),
    };
    let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
    let found = format!("{} GiB", free_bytes >> 30);
    match free_bytes {
        0..FREE_BYTES_LOW => Check::bad(NAME, format!("{found}: less than 1 GiB, make room")),
        _ => Check::good(NAME, found),
    }
}
