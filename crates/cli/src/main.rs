//! `courant`: all of it is in the library beside this file.

mod memory;

use std::process::ExitCode;

#[global_allocator]
static MEMORY: memory::HugePages = memory::HugePages;

fn main() -> ExitCode {
    courant_cli::main()
}
