//! The progress bar of long work, on standard error, if a person watches.

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

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    Bytes,
    Things,
}
