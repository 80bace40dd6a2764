//! `courant verify`: every byte of the journal, every record replayed, snapshots and ids compared,
//! and every acknowledged payment looked for.
//!
//! Changes nothing and needs no lock: on a running directory it checks what is complete. Reads
//! everything twice: once byte by byte by the journal's own rules, once record by record into a
//! fresh ledger. Where the oldest segments were archived or dropped, it begins with the first that
//! is there, and with a snapshot for what was before.

mod ids;
mod kept;
mod replay;
mod snapshots;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use courant_journal::verify::{Report, VerifyOptions, in_use, verify};
use courant_journal::{ChainHead, Lsn};
use courant_ledger::format_minor;
use serde_json::{Value, json};

use super::{DirectoryArgs, backup, check_formats, journal};
use crate::exit::{Exit, Failure};
use crate::output::{Column, Output};
use crate::progress;
use replay::{Replayed, replay};

/// Acknowledged payments that are missing or double and are shown; all are counted.
const SHOWN_MAX: usize = 20;

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    directory: DirectoryArgs,
    /// A file with one payment id a line: each must be in the journal exactly once
    #[arg(long, value_name = "FILE")]
    acknowledged: Option<PathBuf>,
    /// A chain head noted earlier, which must still be in the journal's past
    #[arg(long, value_name = "LSN:HASH")]
    head: Option<ChainHead>,
}

/// Everything that was found.
struct Findings {
    report: Report,
    replayed: Replayed,
    /// Payments of the file, and how often each was made.
    acknowledged: Option<HashMap<String, u32>>,
    is_running: bool,
}

pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Failure> {
    let data = &args.directory.data;
    if backup::is_backup(data) {
        return backup::verify(data, Output::new(args.directory.json));
    }
    let findings = find(args)?;
    let mut out = Output::new(args.directory.json);
    match out.json {
        true => out.json(&findings.json())?,
        false => findings.print(data, &mut out)?,
    }
    Ok(if findings.is_sound() { Exit::Success } else { Exit::Negative })
}

fn find(args: &VerifyArgs) -> Result<Findings, Failure> {
    let data = &args.directory.data;
    let storage = journal(data)?;
    check_formats(data)?;
    let is_running = in_use(&storage).unwrap_or(false);
    let options = VerifyOptions { noted_head: args.head, running: is_running };
    let mut acknowledged = args.acknowledged.as_deref().map(read_ids).transpose()?;
    let (bar, progress) = progress::shown("reading", args.directory.json);
    let report = verify(&storage, &options, |done, total| progress.tell(done, total));
    bar.finish_and_clear();
    let report = report.map_err(|error| Failure::negative(error.to_string()))?;
    let replayed = replay(data, (&report, is_running), acknowledged.as_mut())?;
    Ok(Findings { report, replayed, acknowledged, is_running })
}

/// Ids, one a line. A last line without its end is none: whoever wrote it was killed.
fn read_ids(path: &Path) -> Result<HashMap<String, u32>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, "read", &e))?;
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    let ids = complete.lines().map(str::trim).filter(|id| !id.is_empty());
    Ok(ids.map(|id| (id.to_owned(), 0)).collect())
}

impl Findings {
    fn is_sound(&self) -> bool {
        self.is_whole() && self.wrong_ids().is_empty()
    }

    /// Whether the directory itself is sound, whatever was acknowledged.
    fn is_whole(&self) -> bool {
        self.report.is_sound()
            && self.replayed.contradiction.is_none()
            && self.replayed.snapshots.problems.is_empty()
            && self.replayed.ids.problems.is_empty()
            && self.replayed.kept.is_empty()
            && self.replayed.audit.engine.is_balanced()
            && self.wrong_ids().iter().all(|(_, count)| *count == 0)
    }

    /// Acknowledged payments that are not there exactly once.
    fn wrong_ids(&self) -> Vec<(&str, u32)> {
        let ids = self.acknowledged.iter().flatten();
        let mut wrong: Vec<_> = ids
            .filter(|(_, count)| **count != 1)
            .map(|(id, count)| (id.as_str(), *count))
            .collect();
        wrong.sort_unstable();
        wrong
    }

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            self.report.problems.iter().map(ToString::to_string).collect();
        if let Some((lsn, why)) = &self.replayed.contradiction {
            problems.push(format!("the record at LSN {lsn} does not fit: {why}"));
        }
        problems.extend(self.replayed.snapshots.problems.iter().cloned());
        problems.extend(self.replayed.ids.problems.iter().cloned());
        problems.extend(self.replayed.kept.iter().cloned());
        if !self.replayed.audit.engine.is_balanced() {
            problems.push("debits differ from credits".to_owned());
        }
        let wrong = self.wrong_ids();
        for (id, count) in wrong.iter().take(SHOWN_MAX) {
            problems.push(match count {
                0 => format!("acknowledged payment {id} is not in the journal"),
                _ => format!("acknowledged payment {id} was made {count} times"),
            });
        }
        if wrong.len() > SHOWN_MAX {
            problems.push(format!("and {} more acknowledged payments", wrong.len() - SHOWN_MAX));
        }
        problems
    }

    fn json(&self) -> Value {
        let engine = &self.replayed.audit.engine;
        json!({
            "sound": self.is_sound(),
            "running": self.is_running,
            "segments": self.report.segments,
            "batches": self.report.batches,
            "records": self.report.records,
            "begin": self.report.begin.0,
            "end": self.report.end.0,
            "head": self.report.head.map(|head| head.to_string()),
            "torn_bytes": self.report.torn.as_ref().map_or(0, |torn| torn.bytes),
            "accounts": engine.accounts_count(),
            "payments": engine.payments_count(),
            "snapshots_equal": self.replayed.snapshots.equal,
            "ids_found": self.replayed.ids.found,
            "balanced": engine.is_balanced(),
            "acknowledged": self.acknowledged.as_ref().map(HashMap::len),
            "acknowledged_wrong": self.acknowledged.as_ref().map(|_| self.wrong_ids().len()),
            "problems": self.problems(),
        })
    }

    fn print(&self, data: &Path, out: &mut Output) -> Result<(), Failure> {
        let (report, engine) = (&self.report, &self.replayed.audit.engine);
        let begin = (report.begin != Lsn::NONE)
            .then(|| format!("LSN {}: what lies before was archived or dropped", report.begin));
        let snapshots = match self.replayed.snapshots.equal {
            0 if self.replayed.snapshots.problems.is_empty() => "none yet".to_owned(),
            equal => format!("{equal} are what replaying gives"),
        };
        let ids = match self.replayed.ids.found {
            0 if self.replayed.ids.problems.is_empty() => "none yet".to_owned(),
            found => format!("{found} found"),
        };
        let torn = report
            .torn
            .as_ref()
            .map(|torn| format!("{} bytes of a batch that was never acknowledged", torn.bytes));
        let acknowledged = self.acknowledged.as_ref().map(|ids| {
            let wrong = self.wrong_ids().len();
            format!("{} payments, {} found exactly once, {wrong} not", ids.len(), ids.len() - wrong)
        });
        out.pairs(&[
            ("segments", Some(report.segments.to_string())),
            ("batches", Some(report.batches.to_string())),
            ("records", Some(report.records.to_string())),
            ("begin", begin),
            ("end", Some(format!("LSN {}", report.end))),
            ("chain head", report.head.map(|head| head.to_string())),
            ("torn tail", torn),
            ("accounts", Some(engine.accounts_count().to_string())),
            ("payments", Some(engine.payments_count().to_string())),
            ("snapshots", Some(snapshots)),
            ("ids on disk", Some(ids)),
            ("acknowledged", acknowledged),
        ])?;
        self.print_totals(out)?;
        for problem in self.problems() {
            out.line(format_args!("PROBLEM  {problem}"))?;
        }
        out.line(self.conclusion(data))
    }

    fn conclusion(&self, data: &Path) -> String {
        let data = data.display();
        if self.is_sound() {
            return "sound: nothing is missing, altered or out of balance".to_owned();
        }
        if !self.is_whole() {
            return format!("NOT SOUND: see `courant repair --data {data}`, or restore a backup");
        }
        let retired = match self.report.begin {
            Lsn::NONE => "",
            _ => " Payments from before its begin are not looked for.",
        };
        format!(
            "MISSING: the journal is sound, but lacks {} of the acknowledged payments.{retired} Is \
             {data} the directory of the server that acknowledged them, and was no older backup \
             restored into it?",
            self.wrong_ids().len()
        )
    }

    fn print_totals(&self, out: &mut Output) -> Result<(), Failure> {
        let columns = [
            Column::Text("currency"),
            Column::Number("debits"),
            Column::Number("credits"),
            Column::Number("debits held"),
            Column::Number("credits held"),
        ];
        let rows = self.replayed.audit.engine.totals().map(|(currency, sums)| {
            let sums = [
                sums.debits_posted,
                sums.credits_posted,
                sums.debits_pending,
                sums.credits_pending,
            ];
            let shown = sums.map(|sum| format_minor(sum as i128, currency).to_string());
            [vec![currency.to_string()], shown.to_vec()].concat()
        });
        out.table(&columns, rows, "no account was opened yet")
    }
}
