//! How a command ends: the exit codes, and the one error of this program.
//!
//! The codes are stable; docs/cli.md lists them. A [`Failure`] is a sentence for a person and says
//! what to do next.

use std::fmt;
use std::process::ExitCode;

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done, and the answer is yes.
    Success = 0,
    /// Understood and answered with no: a rejected payment, a refused request, damage found.
    Negative = 1,
    /// The command line, an input file or an environment variable is not usable. clap exits with it
    /// too.
    Usage = 2,
    /// The server cannot be reached, or went away before it answered.
    Unreachable = 3,
    /// There is no key, or it may not do this.
    NotAllowed = 4,
    /// Something broke that should not have.
    Internal = 5,
}

/// The table of codes as `--help` shows it.
pub(crate) const EXIT_CODES_HELP: &str = "\
Exit codes:
  0  done
  1  refused: a rejected payment, a refused request, damage found
  2  the command line or an input file is not usable
  3  the server cannot be reached
  4  there is no API key, or it does not allow this
  5  something broke inside";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What was wrong. Empty if there is nobody left to read it.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) next: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), next: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    pub(crate) fn negative(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Negative, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Internal, message)
    }

    /// A file that cannot be used; names it and what the system said.
    pub(crate) fn file(path: &std::path::Path, what: &str, error: &std::io::Error) -> Failure {
        Failure::usage(format!("cannot {what} {}: {error}", path.display()))
    }

    /// The reader of our output went away (`courant ... | head`): end silently, there is nothing to
    /// mend.
    pub(crate) fn output(error: &std::io::Error) -> Failure {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::new(Exit::Success, ""),
            _ => Failure::internal(format!("cannot write to standard output: {error}")),
        }
    }

    /// The same failure with what to do next.
    #[must_use]
    pub(crate) fn next(self, next: impl Into<String>) -> Failure {
        Failure { next: Some(next.into()), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.next {
            Some(next) => write!(f, "\n  {next}"),
            None => Ok(()),
        }
    }
}
