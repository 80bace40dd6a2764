//! `courant repair`: shows what a repair of a damaged journal would do, and does it only with
//! `--apply`.
//!
//! The journal is locked all the while, so that it is not done to a running server. Nothing is
//! deleted: what is given up is kept in directories named `removed-...`. Snapshots and the index of
//! ids that show more than the journal will have go too: they are made again from the journal at
//! the next start. Where segments were retired they cannot be, and a repair that would need it is
//! refused. What is recorded after the new end belongs to another incarnation, so that no event has
//! the id of one that was given up.

mod derived;
#[cfg(test)]
mod tests;

use clap::Args;
use courant_engine::Lsn;
use courant_journal::repair::{Plan, RepairError, lock, plan};
use courant_journal::{DirectIo, OpenError, OsStorage};
use courant_node::Incarnations;
use serde_json::{Value, json};

use super::{DirectoryArgs, check_formats, journal};
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use derived::Derived;

#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    directory: DirectoryArgs,
    /// Do it; without this nothing is changed
    #[arg(long)]
    apply: bool,
}

pub(crate) fn run(args: &RepairArgs) -> Result<Exit, Failure> {
    let data = &args.directory.data;
    let storage = journal(data)?;
    check_formats(data)?;
    let locked = lock(&storage).map_err(failure)?;
    let plan = plan(&storage).map_err(failure)?;
    let mut removed_to = None;
    if !plan.is_empty() {
        let derived = Derived::of(data, &plan)?;
        if args.apply {
            let when = clock::since_1970().as_secs().to_string();
            if plan.gives_up_records() {
                let root = OsStorage::open_existing(data, DirectIo::Never)
                    .map_err(|error| Failure::file(data, "open", &error))?;
                Incarnations::begin(&root, Lsn(plan.end.0))
                    .map_err(|error| Failure::file(&data.join("incarnations"), "write", &error))?;
            }
            // First what can be made again: if we are stopped in between, nothing says more than
            // the journal.
            derived.keep_aside(data, &when)?;
            removed_to = Some(plan.apply(&storage, &locked, &when).map_err(failure)?);
        }
    }
    let mut out = Output::new(args.directory.json);
    match out.json {
        true => out.json(&shown_json(&plan, removed_to.as_deref()))?,
        false => shown(&plan, removed_to.as_deref(), &mut out)?,
    }
    let is_done = plan.is_empty() || removed_to.is_some();
    Ok(if is_done { Exit::Success } else { Exit::Negative })
}

fn shown_json(plan: &Plan, removed_to: Option<&str>) -> Value {
    json!({
        "damage": plan.damage.as_ref().map(ToString::to_string),
        "end": plan.end.0,
        "steps": plan.steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "applied": removed_to.is_some(),
        "removed_to": removed_to,
    })
}

fn shown(plan: &Plan, removed_to: Option<&str>, out: &mut Output) -> Result<(), Failure> {
    if plan.is_empty() {
        return out.line("nothing to repair");
    }
    if let Some(damage) = &plan.damage {
        out.line(damage)?;
    }
    let tense = if removed_to.is_some() { "done" } else { "would be done" };
    out.line(format_args!("{tense}, so that the journal ends at LSN {}:", plan.end))?;
    for step in &plan.steps {
        out.line(format_args!("  {step}"))?;
    }
    match removed_to {
        Some(place) => out.line(format_args!("what was taken away is in journal/{place}")),
        None => out.line(
            "payments after that place are lost by this: restore a backup if there is one, \
             else add --apply",
        ),
    }
}

fn failure(error: RepairError) -> Failure {
    match &error {
        RepairError::Open(OpenError::Locked { .. }) => Failure::usage(error.to_string()),
        _ => Failure::negative(error.to_string()),
    }
}
