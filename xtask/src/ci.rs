//! `cargo xtask ci`: the one gate. Cheap checks first; all of them run, whatever fails before.

use crate::report::Run;
use crate::shell::{cargo_workspace, program, run};
use crate::{suites, tidy};

/// Format, tidy, clippy, every test, and the documentation's build.
pub(crate) fn ci(ci: &mut Run) {
    ci.step("fmt", || run(&mut program("cargo", &["fmt", "--all", "--check"])));
    ci.step("tidy", tidy::tidy);
    ci.step("clippy", || {
        run(&mut cargo_workspace("clippy", &["--all-targets", "--", "-D", "warnings"]))
    });
    suites::all(ci);
    ci.step("doc", || {
        run(cargo_workspace("doc", &["--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
    });
}
