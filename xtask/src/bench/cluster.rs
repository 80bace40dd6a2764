//! A PostgreSQL cluster of its own: in a new directory, on a socket in that directory, run by
//! nobody else's user.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Where Debian keeps the programs of the server, a directory for each major version.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";

/// The port is only a part of the socket's name: nothing listens on the network.
const PORT: &str = "54329";

/// The database's own superuser, and, if root starts it, the system's user that runs it.
const USER: &str = "postgres";

/// How long it may take to be ready: 100 looks, a tenth of a second apart.
const LOOKS_MAX: u32 = 100;
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Durable as Courant is, with the memory and journal room that its manual advises for a busy
/// server.
const SETTINGS: [&str; 9] = [
    "listen_addresses=",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=1GB",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
    "max_connections=64",
    "autovacuum=on",
];

/// A directory that is removed with this value.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    /// `whose` keeps the directories of several programs apart.
    pub(super) fn new(parent: &Path, whose: &str) -> Result<Self> {
        let path = parent.join(format!("courant-bench-{whose}-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("remove {} by hand: {error}", self.0.display());
        }
    }
}

/// A running cluster, stopped with this value.
#[derive(Debug)]
pub(super) struct Cluster {
    server: Child,
    programs: PathBuf,
    directory: Directory,
}

impl Cluster {
    pub(super) fn start(directory: Directory) -> Result<Self> {
        let programs = programs()?;
        let user = SystemUser::needed()?;
        if let Some(user) = user {
            chown(directory.path(), Some(user.id), Some(user.group))?;
        }
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let data = directory.path().join("data");
        let mut make = command(&programs, "initdb", user);
        make.arg("--pgdata").arg(&data).args(["--username", USER, "--auth", "trust"]);
        make.current_dir(directory.path()).stdout(Stdio::null());
        shell::run(&mut make)?;
        let mut serve = command(&programs, "postgres", user);
        serve.arg("-D").arg(&data).args(["-p", PORT, "-k"]).arg(directory.path());
        SETTINGS.iter().for_each(|setting| {
            serve.args(["-c", setting]);
        });
        let log = fs::File::create(directory.path().join("server.log"))?;
        serve.current_dir(directory.path()).stdin(Stdio::null());
        let server = serve.stdout(log.try_clone()?).stderr(log).spawn();
        let server = server.context("starting postgres")?;
        let mut cluster = Self { server, programs, directory };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// A client program, connected to this cluster.
    pub(super) fn client(&self, program: &str) -> Command {
        let mut client = command(&self.programs, program, None);
        client.env("PGHOST", self.directory.path()).env("PGPORT", PORT);
        client.env("PGUSER", USER).env("PGDATABASE", USER).current_dir(self.directory.path());
        client
    }

    /// Where clients may write.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn version(&self) -> Result<String> {
        let mut ask = self.client("psql");
        ask.args(["--no-align", "--tuples-only", "--command", "SELECT version()"]);
        Ok(shell::output(&mut ask)?.trim().to_owned())
    }

    /// Stops it, without waiting for clients.
    pub(super) fn stop(mut self) -> Result<()> {
        self.interrupt()?;
        self.server.wait().context("waiting for postgres to stop")?;
        Ok(())
    }

    /// SIGINT is its "fast shutdown": it ends its own processes, which SIGKILL would leave behind.
    fn interrupt(&self) -> Result<()> {
        let process_id = self.server.id().to_string();
        shell::output(Command::new("kill").args(["-INT", &process_id])).map(|_| ())
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            if let Some(status) = self.server.try_wait()? {
                bail!("postgres ended: {status}\n{}", self.log());
            }
            if shell::output(&mut self.client("pg_isready")).is_ok() {
                return Ok(());
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        bail!("postgres is not ready after {LOOKS_MAX} looks\n{}", self.log())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("server.log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // After `stop` it has been waited for, and its process id is not used again.
        if let Ok(None) = self.server.try_wait() {
            let stopped = self.interrupt().and_then(|()| Ok(self.server.wait()?));
            if let Err(error) = stopped {
                eprintln!("end process {} by hand: {error:#}", self.server.id());
            }
        }
    }
}

/// The user that runs the server: it refuses to be run by root.
#[derive(Debug, Clone, Copy)]
struct SystemUser {
    id: u32,
    group: u32,
}

impl SystemUser {
    /// `None` if we are not root.
    fn needed() -> Result<Option<Self>> {
        if shell::output(Command::new("id").arg("-u"))?.trim() != "0" {
            return Ok(None);
        }
        let number = |option| -> Result<u32> {
            let text = shell::output(Command::new("id").args([option, USER]))?;
            text.trim().parse().with_context(|| format!("`id {option} {USER}` gave no number"))
        };
        Ok(Some(Self { id: number("-u")?, group: number("-g")? }))
    }
}

fn command(programs: &Path, program: &str, user: Option<SystemUser>) -> Command {
    let mut command = Command::new(programs.join(program));
    if let Some(SystemUser { id, group }) = user {
        command.uid(id).gid(group);
    }
    command
}

/// The directory with `initdb` and `postgres`: the newest of Debian's, or that of the PATH.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir(DEBIAN_VERSIONS).into_iter().flatten().flatten();
    let debian = versions.filter_map(|version| {
        let major: u32 = version.file_name().to_str()?.parse().ok()?;
        Some((major, version.path().join("bin")))
    });
    if let Some((_, newest)) = debian.filter(|(_, path)| path.join("initdb").is_file()).max() {
        return Ok(newest);
    }
    let search = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&search).find(|folder| folder.join("initdb").is_file());
    found.context("`initdb` is neither below /usr/lib/postgresql nor in the PATH")
}
