//! The progress bar of long work, on standard error, if a person watches.

use std::sync::OnceLock;

use courant_journal::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// A bar that fills up to `total`; nothing at all if nobody watches.
pub(crate) fn bar(total: Option<u64>, unit: Unit) -> ProgressBar {
    if !output::is_watched() {
        return ProgressBar::hidden();
    }
    let Some(total) = total else { return ProgressBar::new_spinner() };
    let template = match unit {
        Unit::Bytes => "{bar:40} {bytes}/{total_bytes}  {msg}  {eta} left",
        Unit::Things => "{bar:40} {pos}/{len}  {msg}  {eta} left",
    };
    let style = ProgressStyle::with_template(template).expect("the template is well formed");
    ProgressBar::new(total).with_style(style)
}

/// Less than this is done before anybody would look for a bar.
const LONG_BYTES: u64 = 256 << 20;

/// Shows how far long work has come in its bytes, unless `json` says that a program reads; to be
/// cleared at its end.
pub(crate) fn shown(doing: &'static str, json: bool) -> (ProgressBar, Progress) {
    let bar = if json { ProgressBar::hidden() } else { bar(Some(0), Unit::Bytes) };
    let told = bar.clone();
    let progress = Progress::told_to(move |done, total| {
        // A bar of nothing looks like one that has stopped.
        if total == 0 {
            return;
        }
        told.set_length(total);
        told.set_position(done);
        told.set_message(doing);
    });
    (bar, progress)
}

/// As [`shown`], where there is usually little to do: then nothing is shown.
pub(crate) fn shown_if_long(doing: &'static str, json: bool) -> Progress {
    let bar = OnceLock::new();
    Progress::told_to(move |done, total| {
        if total >= LONG_BYTES {
            let (bar, progress) = bar.get_or_init(|| shown(doing, json));
            progress.tell(done, total);
            if done == total {
                bar.finish_and_clear();
            }
        }
    })
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    Bytes,
    Things,
}
