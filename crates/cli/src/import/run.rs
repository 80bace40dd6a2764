//! The import itself: read a round of batches, send them, write down what was refused and how far
//! it came.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::lines::{self, Content, Form, Line, Lines, Place, RawLines};
use super::mapping::{Constants, Mapping, Payment};
use super::refused::{Refusal, RefusedFile};
use super::state::{Identity, State};
use super::{Format, ImportArgs, Sender, Verdict};
use crate::exit::{Exit, Failure};
use crate::output::{Output, note};
use crate::progress;

/// Hex digits of the file's digest in the ids made from it: 96 bits.
const ID_DIGEST_LENGTH: usize = 24;

pub(crate) fn run(args: &ImportArgs) -> Result<Exit, Failure> {
    let client = args.server.client()?;
    let input = Input::open(args)?;
    let state_path = beside(&args.file, args.state.as_ref(), ".import-state.json");
    let refused_path = beside(&args.file, args.refused.as_ref(), ".refused.ndjson");
    let sender = Sender::new(client);
    let state = match &input.digest {
        Some(digest) => begin(args, input.identity(args, digest, sender.source()?), &state_path)?,
        None => State::new(Identity::default()),
    };
    let mut import = Import {
        sender,
        id_prefix: input.id_prefix.clone(),
        batch: usize::from(args.batch),
        parallel: usize::from(args.parallel),
        refused: RefusedFile::resume(&refused_path, state.refused_bytes),
        state_path: input.digest.is_some().then_some(state_path),
        bar: progress::bar(input.bytes, progress::Unit::Bytes),
        state,
    };
    let was_complete = import.state.is_complete;
    if !was_complete {
        let mut lines = input.lines(args, import.state.done)?;
        import.all(&mut lines)?;
    }
    let mut out = Output::new(args.server.json);
    if was_complete && !out.json {
        out.line("this import was complete already: nothing was sent. What it had come to:")?;
    }
    import.report(&mut out, &refused_path, was_complete)
}

/// The file, or standard input.
struct Input {
    format: Format,
    /// Of standard input there is no digest, so no resuming either.
    digest: Option<String>,
    bytes: Option<u64>,
    id_prefix: Option<String>,
}

impl Input {
    fn open(args: &ImportArgs) -> Result<Input, Failure> {
        let format = args.format.or_else(|| Format::of(&args.file)).ok_or_else(|| {
            let message = format!("what {} is cannot be told by its name", args.file.display());
            Failure::usage(message).next("add --format csv or --format ndjson")
        })?;
        if is_standard_input(&args.file) {
            let id_prefix = args.id_prefix.clone();
            return Ok(Input { format, digest: None, bytes: None, id_prefix });
        }
        let mut file = open(&args.file)?;
        let mut hasher = blake3::Hasher::new();
        let bytes = std::io::copy(&mut file, &mut hasher);
        let bytes = bytes.map_err(|error| Failure::file(&args.file, "read", &error))?;
        let digest = hasher.finalize().to_hex().to_string();
        let made = || format!("import-{}-", &digest[..ID_DIGEST_LENGTH]);
        let id_prefix = Some(args.id_prefix.clone().unwrap_or_else(made));
        Ok(Input { format, digest: Some(digest), bytes: Some(bytes), id_prefix })
    }

    /// What this import is, if it is one that can go on.
    fn identity(&self, args: &ImportArgs, digest: &str, server: String) -> Identity {
        let mapping = json!([format!("{:?}", self.format), args.map, args.set]);
        Identity {
            digest: digest.to_owned(),
            server,
            id_prefix: self.id_prefix.clone().unwrap_or_default(),
            mapping: blake3::hash(mapping.to_string().as_bytes()).to_hex().to_string(),
        }
    }

    /// The lines that are not done yet.
    fn lines(
        &self,
        args: &ImportArgs,
        done: Option<Place>,
    ) -> Result<Lines<Box<dyn Read>>, Failure> {
        let is_file = self.digest.is_some();
        let constants = Constants::new(&args.set)?;
        let mut raw = match (is_file, self.format) {
            (false, _) => RawLines::new(Box::new(std::io::stdin()) as Box<dyn Read>, Place::BEGIN),
            (true, Format::Csv) => at(&args.file, Place::BEGIN)?,
            (true, Format::Ndjson) => at(&args.file, done.unwrap_or(Place::BEGIN))?,
        };
        if self.format == Format::Ndjson {
            return Ok(Lines::new(raw, Form::Ndjson(constants)));
        }
        let mapping = Mapping::new(&lines::header(&mut raw)?, &args.map, constants)?;
        tell_unused(&mapping);
        let raw = match done {
            Some(done) => at(&args.file, done)?,
            None => raw,
        };
        Ok(Lines::new(raw, Form::Csv(mapping)))
    }
}

fn tell_unused(mapping: &Mapping) {
    if !mapping.unused.is_empty() {
        note(format_args!("courant: columns without a field: {}", mapping.unused.join(", ")));
    }
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::file(path, "open", &error))
}

/// The lines of a file from a place on.
fn at(path: &Path, place: Place) -> Result<RawLines<Box<dyn Read>>, Failure> {
    let mut file = open(path)?;
    let sought = file.seek(SeekFrom::Start(place.byte));
    sought.map_err(|error| Failure::file(path, "read", &error))?;
    Ok(RawLines::new(Box::new(file) as Box<dyn Read>, place))
}

/// The path given, or one beside the file.
fn beside(file: &Path, given: Option<&PathBuf>, ending: &str) -> PathBuf {
    if let Some(given) = given {
        return given.clone();
    }
    let mut name = match is_standard_input(file) {
        true => "standard-input".into(),
        false => file.as_os_str().to_owned(),
    };
    name.push(ending);
    name.into()
}

/// The state to go on from.
fn begin(args: &ImportArgs, identity: Identity, path: &Path) -> Result<State, Failure> {
    if args.restart {
        return Ok(State::new(identity));
    }
    let Some(found) = State::load(path)? else { return Ok(State::new(identity)) };
    let began = &found.identity;
    if began.digest != identity.digest {
        let message = format!("{} has changed since its import began", args.file.display());
        let next = "--restart imports it from the first line; without an id column its payments \
                    are other payments then, so take care that none is paid twice";
        return Err(Failure::usage(message).next(next));
    }
    if began.server != identity.server {
        let message = format!(
            "the import began at a server with another data directory: {}, not {}",
            began.server, identity.server
        );
        let next = "--restart begins again at the first line; --state FILE keeps both apart";
        return Err(Failure::usage(message).next(next));
    }
    if began.id_prefix != identity.id_prefix {
        let message = format!(
            "the import began with ids of {:?} and the line number, not of {:?}",
            began.id_prefix, identity.id_prefix
        );
        let next = "go on with the --id-prefix it began with; under other ids --restart and \
                    --state FILE pay every line again";
        return Err(Failure::usage(message).next(next));
    }
    if began.mapping != identity.mapping {
        let next = "go on with those it began with; --restart begins again at the first line, and \
                    pays again what gets another id";
        return Err(
            Failure::usage("the import began with another --format, --map or --set").next(next)
        );
    }
    Ok(found)
}

struct Import {
    sender: Sender,
    id_prefix: Option<String>,
    batch: usize,
    parallel: usize,
    refused: RefusedFile,
    /// None for standard input, which cannot be read again.
    state_path: Option<PathBuf>,
    state: State,
    bar: ProgressBar,
}

/// A batch: the payments to send, with their line numbers, and the lines that are none.
#[derive(Default)]
struct Batch {
    payments: Vec<Payment>,
    numbers: Vec<u64>,
    unusable: Vec<Refusal>,
}

impl Import {
    fn all(&mut self, lines: &mut Lines<Box<dyn Read>>) -> Result<(), Failure> {
        loop {
            let mut round = Vec::new();
            let mut end = None;
            while round.len() < self.parallel {
                let (batch, batch_end) = self.read_batch(lines)?;
                let Some(batch_end) = batch_end else { break };
                end = Some(batch_end);
                round.push(batch);
            }
            let Some(end) = end else { break };
            let verdicts = self.send(&round)?;
            for (batch, verdicts) in round.into_iter().zip(verdicts) {
                self.count(batch, verdicts)?;
            }
            self.state.done = Some(end);
            self.save()?;
            self.bar.set_position(end.byte);
            self.bar.set_message(format!("{} lines", self.state.counts.lines()));
        }
        self.state.is_complete = true;
        self.save()?;
        self.bar.finish_and_clear();
        Ok(())
    }

    /// The next batch and where it ends in the file; no end if there was nothing left.
    fn read_batch(
        &self,
        lines: &mut Lines<Box<dyn Read>>,
    ) -> Result<(Batch, Option<Place>), Failure> {
        let mut batch = Batch::default();
        let mut end = None;
        while batch.payments.len() + batch.unusable.len() < self.batch {
            let Some(line) = lines.next()? else { break };
            end = Some(line.end);
            self.put(line, &mut batch)?;
        }
        Ok((batch, end))
    }

    fn put(&self, line: Line, batch: &mut Batch) -> Result<(), Failure> {
        match line.content {
            Content::Payment(mut payment) => {
                if !payment.contains_key("id") {
                    let prefix = self.id_prefix.as_ref().ok_or_else(no_id)?;
                    payment.insert("id".into(), json!(format!("{prefix}{}", line.number)));
                }
                batch.payments.push(payment);
                batch.numbers.push(line.number);
            }
            Content::Unusable { why, excerpt } => batch.unusable.push(Refusal {
                line: line.number,
                code: "unusable_line".into(),
                sentence: why,
                input: excerpt,
            }),
        }
        Ok(())
    }

    /// Sends the batches of a round at once; the first failure is the round's.
    fn send(&self, round: &[Batch]) -> Result<Vec<Vec<Verdict>>, Failure> {
        if let [batch] = round {
            return Ok(vec![self.sender.send(&batch.payments)?]);
        }
        std::thread::scope(|scope| {
            let sending: Vec<_> = round
                .iter()
                .map(|batch| scope.spawn(|| self.sender.send(&batch.payments)))
                .collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err(Failure::internal("a sending thread failed")))
            };
            sending.into_iter().map(join).collect()
        })
    }

    fn count(&mut self, batch: Batch, verdicts: Vec<Verdict>) -> Result<(), Failure> {
        let counts = &mut self.state.counts;
        let mut refusals = batch.unusable;
        let sent = batch.payments.into_iter().zip(batch.numbers);
        for ((payment, line), verdict) in sent.zip(verdicts) {
            match verdict {
                Verdict::Accepted => counts.accepted += 1,
                Verdict::Repeated => counts.repeated += 1,
                Verdict::Refused { code, sentence } => {
                    let input = Value::Object(payment);
                    refusals.push(Refusal { line, code, sentence, input });
                }
            }
        }
        refusals.sort_by_key(|refusal| refusal.line);
        counts.refused += refusals.len() as u64;
        refusals.iter().try_for_each(|refusal| self.refused.add(refusal))
    }

    fn save(&mut self) -> Result<(), Failure> {
        self.state.refused_bytes = self.refused.flush()?;
        match &self.state_path {
            Some(path) => self.state.save(path),
            None => Ok(()),
        }
    }

    fn report(
        &self,
        out: &mut Output,
        refused_path: &Path,
        was_complete: bool,
    ) -> Result<Exit, Failure> {
        let counts = self.state.counts;
        let refused_file = (counts.refused > 0).then(|| refused_path.display().to_string());
        if out.json {
            out.json(&json!({
                "was_complete": was_complete,
                "lines": counts.lines(),
                "accepted": counts.accepted,
                "repeated": counts.repeated,
                "refused": counts.refused,
                "refused_file": refused_file,
            }))?;
        } else {
            out.pairs(&[
                ("lines", Some(counts.lines().to_string())),
                ("accepted", Some(counts.accepted.to_string())),
                ("repeated", Some(counts.repeated.to_string())),
                ("refused", Some(counts.refused.to_string())),
                ("refused lines", refused_file),
            ])?;
        }
        Ok(if counts.refused == 0 { Exit::Success } else { Exit::Negative })
    }
}

fn no_id() -> Failure {
    Failure::usage("standard input has payments without an id, so a repeat would pay twice")
        .next("name their column with --map id=COLUMN, or add --id-prefix TEXT")
}
