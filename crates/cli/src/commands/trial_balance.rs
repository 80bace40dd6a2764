//! `courant trial-balance`: the sums over all accounts, per currency, and whether debits equal
//! credits.

use clap::Args;
use serde_json::Value;

use crate::client::ServerArgs;
use crate::exit::{Exit, Failure};
use crate::output::{Column, Output, cell};

#[derive(Debug, Args)]
pub(crate) struct TrialBalanceArgs {
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &TrialBalanceArgs) -> Result<Exit, Failure> {
    let balance = args.server.client()?.get("/v1/trial-balance")?;
    let mut out = Output::new(args.server.json);
    let is_balanced = balance["balanced"].as_bool().unwrap_or_default();
    if out.json {
        out.json(&balance)?;
    } else {
        table(&balance, &mut out)?;
        let verdict =
            if is_balanced { "debits equal credits" } else { "DEBITS DIFFER FROM CREDITS" };
        out.line(verdict)?;
    }
    Ok(if is_balanced { Exit::Success } else { Exit::Negative })
}

fn table(balance: &Value, out: &mut Output) -> Result<(), Failure> {
    const SUMS: [&str; 4] =
        ["debits_posted", "credits_posted", "debits_pending", "credits_pending"];
    let mut columns = vec![Column::Text("currency")];
    columns.extend(SUMS.map(Column::Number));
    let rows = balance["currencies"].as_array().into_iter().flatten().map(|currency| {
        let sums = SUMS.map(|name| cell(currency, name));
        [vec![cell(currency, "currency")], sums.to_vec()].concat()
    });
    out.table(&columns, rows, "no account was opened yet")
}
