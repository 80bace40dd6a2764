//! The lines of an import file, one payment each, with their place in the file.
//!
//! Reads in constant memory: a line is at most [`LINE_BYTES_MAX`]. A line that cannot be a payment
//! comes out with its reason; only a file that cannot be read at all ends the reading. A line of
//! CSV may hold quoted line breaks.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read};
use std::iter;

use csv::{ByteRecord, StringRecord};
use csv_core::ReadRecordResult;
use serde_json::{Value, json};

use super::mapping::{Constants, Mapping, Payment};
use crate::exit::Failure;

/// The longest line, quoted line breaks included. The limit of one payment at the server is the
/// same.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Characters of a refused line that are kept when it is no payment at all.
const EXCERPT_LENGTH_MAX: usize = 200;

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    /// Its number in the file, from 1; the header counts too.
    pub(super) number: u64,
    /// Where the next one begins.
    pub(super) end: Place,
    pub(super) content: Content,
}

/// What a line holds.
#[derive(Debug)]
pub(super) enum Content {
    Payment(Payment),
    /// No payment: why, and the line as far as it could be read.
    Unusable {
        why: String,
        excerpt: Value,
    },
}

/// A place between two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Place {
    /// From the start of the file.
    pub(super) byte: u64,
    /// The number of the line that begins there.
    pub(super) line: u64,
}

impl Place {
    /// The beginning of a file.
    pub(super) const BEGIN: Place = Place { byte: 0, line: 1 };
}

/// How a line becomes a payment.
pub(super) enum Form {
    Csv(Mapping),
    Ndjson(Constants),
}

/// The lines of a file, from a place on.
pub(super) struct Lines<R> {
    raw: RawLines<R>,
    form: Form,
}

impl<R: Read> Lines<R> {
    /// Goes on with what `raw` has not read yet; of CSV that is what follows the header.
    pub(super) fn new(raw: RawLines<R>, form: Form) -> Lines<R> {
        Lines { raw, form }
    }

    /// The next line that is not blank.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Failure> {
        let next = match &self.form {
            Form::Csv(_) => self.raw.next_row()?,
            Form::Ndjson(_) => self.raw.next_line()?,
        };
        let Some((number, bytes)) = next else { return Ok(None) };
        let content = match &self.form {
            Form::Csv(mapping) => csv_content(mapping, &bytes),
            Form::Ndjson(constants) => ndjson_content(constants, &bytes),
        };
        Ok(Some(Line { number, end: self.raw.at, content }))
    }
}

/// Lines as bytes, without the line break at the end.
#[derive(Debug)]
pub(super) struct RawLines<R> {
    from: BufReader<R>,
    at: Place,
}

impl<R: Read> RawLines<R> {
    /// `from` stands at `at`.
    pub(super) fn new(from: R, at: Place) -> RawLines<R> {
        RawLines { from: BufReader::new(from), at }
    }

    /// The next line that is not blank, with its number.
    fn next_line(&mut self) -> Result<Option<(u64, Vec<u8>)>, Failure> {
        self.next_ending_with(|_| true)
    }

    /// The next row of CSV that is not blank: it ends with the first line break outside of
    /// quotation marks.
    fn next_row(&mut self) -> Result<Option<(u64, Vec<u8>)>, Failure> {
        let mut quotes = Quotes::default();
        self.next_ending_with(move |line| {
            line.iter().for_each(|byte| quotes.see(*byte));
            !quotes.is_inside
        })
    }

    fn next_ending_with(
        &mut self,
        mut is_end: impl FnMut(&[u8]) -> bool,
    ) -> Result<Option<(u64, Vec<u8>)>, Failure> {
        let mut bytes = Vec::new();
        let mut number = self.at.line;
        loop {
            let begin = bytes.len();
            let room = (LINE_BYTES_MAX - begin) as u64;
            let read = (&mut self.from).take(room).read_until(b'\n', &mut bytes);
            let read = read.map_err(|e| Failure::usage(format!("the file cannot be read: {e}")))?;
            self.at.byte += read as u64;
            let line = &bytes[begin..];
            if !line.ends_with(b"\n") {
                if bytes.len() == LINE_BYTES_MAX {
                    return Err(too_long(number));
                }
                // The file ends here, with or without a last line.
                let is_blank = bytes.trim_ascii().is_empty();
                return Ok((!is_blank).then_some((number, bytes)));
            }
            self.at.line += 1;
            if is_end(line) {
                if !bytes.trim_ascii().is_empty() {
                    return Ok(Some((number, bytes)));
                }
                bytes.clear();
                number = self.at.line;
            }
        }
    }
}

fn too_long(line: u64) -> Failure {
    let message = format!("line {line} is longer than 1 MiB");
    Failure::usage(message).next("is a quotation mark missing, or is it NDJSON? (--format ndjson)")
}

/// Whether a place in a row of CSV is inside quotation marks, as RFC 4180 has it: a mark opens only
/// at the start of a field, and a doubled one inside stands for itself.
#[derive(Debug)]
struct Quotes {
    is_inside: bool,
    /// A mark here opens, or opens again after a doubled one.
    may_open: bool,
}

impl Default for Quotes {
    fn default() -> Quotes {
        Quotes { is_inside: false, may_open: true }
    }
}

impl Quotes {
    fn see(&mut self, byte: u8) {
        match (self.is_inside, byte) {
            (true, b'"') => *self = Quotes { is_inside: false, may_open: true },
            (true, _) => {}
            (false, b'"') if self.may_open => self.is_inside = true,
            (false, _) => self.may_open = byte == b',' || byte == b'\n',
        }
    }
}

/// Reads the header of a CSV file.
pub(super) fn header(raw: &mut RawLines<impl Read>) -> Result<StringRecord, Failure> {
    let next = raw.next_row()?;
    let (_, bytes) = next
        .ok_or_else(|| Failure::usage("the file is empty").next("its first line names columns"))?;
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let row = csv_row(bytes).ok_or("a quotation mark is missing".to_owned());
    let header = row.and_then(|row| StringRecord::from_byte_record(row).map_err(|e| e.to_string()));
    header.map_err(|why| Failure::usage(format!("the first line is no header: {why}")))
}

thread_local! {
    /// Takes CSV apart. Kept, since to make one costs more than a row of some hundred bytes; never
    /// copied: a copy of `csv_core::Reader` knows neither comma nor quotation mark.
    static PARSER: RefCell<csv_core::Reader> = RefCell::new(csv_core::Reader::new());
}

/// The one row that the bytes are.
fn csv_row(bytes: &[u8]) -> Option<ByteRecord> {
    PARSER.with_borrow_mut(|parser| {
        parser.reset();
        // Past an empty line it takes a byte order mark for what it is here: part of a cell.
        parser.read_record(b"\n", &mut [0; 1], &mut [0; 1]);
        let (row, rest) = next_row(parser, bytes)?;
        next_row(parser, rest).is_none().then_some(row)
    })
}

/// The first row of the bytes, and what follows it.
fn next_row<'a>(
    parser: &mut csv_core::Reader,
    mut bytes: &'a [u8],
) -> Option<(ByteRecord, &'a [u8])> {
    // No field is longer than what it was written as.
    let mut text = vec![0; bytes.len() + 1];
    let mut ends = vec![0; 32];
    let (mut text_len, mut fields) = (0, 0);
    loop {
        let (result, read, written, ended) =
            parser.read_record(bytes, &mut text[text_len..], &mut ends[fields..]);
        (bytes, text_len, fields) = (&bytes[read..], text_len + written, fields + ended);
        match result {
            ReadRecordResult::Record => break,
            ReadRecordResult::End => return None,
            // Asked again with nothing left, the parser ends the row.
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => text.resize(2 * text.len(), 0),
            ReadRecordResult::OutputEndsFull => ends.resize(2 * ends.len(), 0),
        }
    }
    let begins = iter::once(&0).chain(&ends[..fields]);
    let row = begins.zip(&ends[..fields]).map(|(begin, end)| &text[*begin..*end]);
    Some((row.collect(), bytes))
}

fn csv_content(mapping: &Mapping, bytes: &[u8]) -> Content {
    let Some(row) = csv_row(bytes) else {
        return unusable("the line is not a row of CSV: is a quotation mark missing?", bytes);
    };
    match StringRecord::from_byte_record(row) {
        Ok(row) => match mapping.payment(&row) {
            Ok(payment) => Content::Payment(payment),
            Err(why) => unusable(&why, bytes),
        },
        Err(_) => unusable("the line is not UTF-8", bytes),
    }
}

fn ndjson_content(constants: &Constants, bytes: &[u8]) -> Content {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(mut payment)) => {
            constants.fill(&mut payment);
            Content::Payment(payment)
        }
        Ok(_) => unusable("the line is not a JSON object", bytes),
        Err(error) => unusable(&format!("the line is not JSON: {error}"), bytes),
    }
}

fn unusable(why: &str, line: &[u8]) -> Content {
    let text = String::from_utf8_lossy(line.trim_ascii_end());
    let excerpt: String = text.chars().take(EXCERPT_LENGTH_MAX).collect();
    Content::Unusable { why: why.to_owned(), excerpt: json!(excerpt) }
}
