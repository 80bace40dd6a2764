//! The lines of an import file as functions on bytes: for whoever throws bytes at them.

use serde_json::{Map, Value};

use super::lines::{self, Content, Form, Line, Lines, Place, RawLines};
use super::mapping::{Constants, Mapping};

/// One line of a file, as the import reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportLine {
    /// Its number, from 1; the header counts too.
    pub number: u64,
    /// Where the next one begins: the byte in the file, and the number of the line there.
    pub end: (u64, u64),
    /// The payment as the API takes it, or why the line is none.
    pub payment: Result<Map<String, Value>, String>,
}

/// The lines of a CSV file, or why it cannot be read at all.
pub fn csv_lines(file: &[u8]) -> Result<Vec<ImportLine>, String> {
    let mut raw = RawLines::new(file, Place::BEGIN);
    let mapping = mapping(&mut raw)?;
    all(Lines::new(raw, Form::Csv(mapping)))
}

/// The lines from a place on, as an import reads them that was interrupted there.
pub fn csv_lines_from(file: &[u8], end: (u64, u64)) -> Result<Vec<ImportLine>, String> {
    let mapping = mapping(&mut RawLines::new(file, Place::BEGIN))?;
    let (byte, line) = end;
    let start = usize::try_from(byte).map_err(|error| error.to_string())?;
    let rest = file.get(start..).ok_or("the file is shorter")?;
    all(Lines::new(RawLines::new(rest, Place { byte, line }), Form::Csv(mapping)))
}

fn mapping(raw: &mut RawLines<&[u8]>) -> Result<Mapping, String> {
    let nothing_set = Constants::new(&[]).map_err(|failure| failure.to_string())?;
    let header = lines::header(raw).map_err(|failure| failure.to_string())?;
    Mapping::new(&header, &[], nothing_set).map_err(|failure| failure.to_string())
}

fn all(mut lines: Lines<&[u8]>) -> Result<Vec<ImportLine>, String> {
    let mut found = Vec::new();
    while let Some(line) = lines.next().map_err(|failure| failure.to_string())? {
        let Line { number, end, content } = line;
        let payment = match content {
            Content::Payment(payment) => Ok(payment),
            Content::Unusable { why, .. } => Err(why),
        };
        found.push(ImportLine { number, end: (end.byte, end.line), payment });
    }
    Ok(found)
}
