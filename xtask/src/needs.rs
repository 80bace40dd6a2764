//! Programs that suites need beyond a Rust toolchain and a C compiler, and how they get here.
//!
//! Installs only what is missing, only for a suite that is about to run, and says what and why.
//! Without the right to install it never asks for a password: it prints the command to type.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Where distributions put programs that are not in everybody's PATH.
const MORE_FOLDERS: &[&str] = &["/usr/sbin", "/sbin"];

/// One program and the package that brings it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    program: &'static str,
    /// A package of Debian and Ubuntu.
    package: &'static str,
    why: &'static str,
}

pub(crate) const CXX: Need = Need { program: "c++", package: "g++", why: "compiles libFuzzer" };

pub(crate) const CURL: Need =
    Need { program: "curl", package: "curl", why: "runs the commands of README.md" };

pub(crate) const STRACE: Need =
    Need { program: "strace", package: "strace", why: "makes system calls fail" };

pub(crate) const POSTGRESQL: Need = Need {
    program: "pg_createcluster",
    package: "postgresql",
    why: "the database that Courant is measured beside",
};

/// Makes sure that every program is there. What is missing is installed or named in the error.
pub(crate) fn install(needs: &[Need]) -> Result<()> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    for need in needs.iter().filter(|need| !is_there(need.program, &search)) {
        install_one(need)?;
    }
    Ok(())
}

fn is_there(program: &str, search: &OsStr) -> bool {
    let folders = std::env::split_paths(search);
    let folders = folders.chain(MORE_FOLDERS.iter().map(PathBuf::from));
    folders.into_iter().any(|folder| folder.join(program).is_file())
}

fn install_one(need: &Need) -> Result<()> {
    let Need { program, package, why } = need;
    let words = ["apt-get", "install", "--yes", "--no-install-recommends", package];
    let line = words.join(" ");
    if !Path::new("/usr/bin/apt-get").is_file() {
        bail!("`{program}` is missing ({why}); install it with your system's package manager");
    }
    if !is_root()? {
        bail!("`{program}` is missing ({why}); type: sudo {line}");
    }
    println!("`{program}` is missing ({why}); installing it: {line}");
    let mut command = shell::program(words[0], &words[1..]);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    shell::run(&mut command).with_context(|| format!("`{program}` is needed: {why}"))?;
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(shell::output(Command::new("id").arg("-u"))?.trim() == "0")
}

#[cfg(test)]
mod tests;
