//! The file of refused lines: NDJSON, one object a line with number, reason, sentence and what
//! stood there.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::exit::Failure;

/// A line that was refused, and why.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) line: u64,
    /// The stable code, such as `insufficient_funds`; `unusable_line` for what is no payment at
    /// all.
    pub(super) code: String,
    pub(super) sentence: String,
    /// The payment as it was sent, or an excerpt of the line.
    pub(super) input: Value,
}

/// Writes refusals behind those of an earlier run. Makes the file with the first one.
#[derive(Debug)]
pub(super) struct RefusedFile {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    bytes: u64,
}

impl RefusedFile {
    /// Goes on behind `bytes` of the file; what follows them belongs to lines that will be sent
    /// again.
    pub(super) fn resume(path: &Path, bytes: u64) -> RefusedFile {
        RefusedFile { path: path.to_owned(), file: None, bytes }
    }

    pub(super) fn add(&mut self, refusal: &Refusal) -> Result<(), Failure> {
        let line = json!({
            "line": refusal.line,
            "code": refusal.code,
            "sentence": refusal.sentence,
            "input": refusal.input,
        });
        let line = format!("{line}\n");
        let failed = |error: std::io::Error| Failure::file(&self.path, "write", &error);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(open(&self.path, self.bytes).map_err(failed)?),
        };
        file.write_all(line.as_bytes()).map_err(failed)?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Hands everything to the system and says how long the file is.
    pub(super) fn flush(&mut self) -> Result<u64, Failure> {
        if let Some(file) = &mut self.file {
            file.flush().map_err(|error| Failure::file(&self.path, "write", &error))?;
        }
        Ok(self.bytes)
    }
}

fn open(path: &Path, bytes: u64) -> std::io::Result<BufWriter<File>> {
    use std::io::Seek;
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.set_len(bytes)?;
    file.seek(std::io::SeekFrom::Start(bytes))?;
    Ok(BufWriter::new(file))
}
