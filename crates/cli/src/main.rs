//! `courant`: all of it is in the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    courant_cli::main()
}
