//! The one way to standard output: lines, tables for people, JSON for programs.
//!
//! Nothing else in this crate writes there. Diagnostics go to standard error. A reader that goes
//! away ends the command silently.

use std::io::{IsTerminal, StdoutLock, Write};

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

use crate::exit::Failure;

/// Above the options in a help text that say how to print.
pub(crate) const HEADING: &str = "Output";

/// Standard output, locked for as long as a command runs.
#[derive(Debug)]
pub(crate) struct Output {
    out: StdoutLock<'static>,
    /// Programs read it: JSON and nothing else.
    pub(crate) json: bool,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    /// Text, set to the left.
    Text(&'static str),
    /// A number or an amount, set to the right.
    Number(&'static str),
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { out: std::io::stdout().lock(), json }
    }

    /// One line.
    pub(crate) fn line(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(|e| Failure::output(&e))
    }

    /// A JSON document, indented; one command prints one.
    pub(crate) fn json(&mut self, value: &Value) -> Result<(), Failure> {
        self.line(format_args!("{value:#}"))
    }

    /// A JSON document in one line, for streams of them.
    pub(crate) fn json_line(&mut self, value: &Value) -> Result<(), Failure> {
        self.line(value)?;
        self.flush()
    }

    /// Lets the reader see what was printed so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|e| Failure::output(&e))
    }

    /// A table; `empty` is said instead if it has no rows.
    pub(crate) fn table(
        &mut self,
        columns: &[Column],
        rows: impl IntoIterator<Item = Vec<String>>,
        empty: &str,
    ) -> Result<(), Failure> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(columns.iter().map(|column| match column {
            Column::Text(name) | Column::Number(name) => *name,
        }));
        table.add_rows(rows);
        if table.row_count() == 0 {
            return self.line(empty);
        }
        for (at, column) in columns.iter().enumerate() {
            if let (Column::Number(_), Some(cells)) = (column, table.column_mut(at)) {
                cells.set_cell_alignment(CellAlignment::Right);
            }
        }
        for line in table.lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// Names and values, one pair a line. Pairs without a value are left out.
    pub(crate) fn pairs(&mut self, pairs: &[(&str, Option<String>)]) -> Result<(), Failure> {
        let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in pairs {
            if let Some(value) = value {
                self.line(format_args!("{name:<width$}  {value}"))?;
            }
        }
        Ok(())
    }

    /// Bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(|e| Failure::output(&e))
    }
}

/// A line for the person at the terminal, on standard error.
pub(crate) fn note(text: impl std::fmt::Display) {
    // Nobody can be told that standard error is gone.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says on standard error why the command failed.
pub(crate) fn failure(failure: &Failure) {
    if !failure.message.is_empty() {
        note(format_args!("courant: {failure}"));
    }
}

/// Whether a person watches standard error, so that a progress bar makes sense.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// A member of a JSON object as a person reads it: no quotes, nothing for null.
pub(crate) fn field(object: &Value, name: &str) -> Option<String> {
    match &object[name] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// As [`field`], for a cell of a table.
pub(crate) fn cell(object: &Value, name: &str) -> String {
    field(object, name).unwrap_or_else(|| "-".to_owned())
}
