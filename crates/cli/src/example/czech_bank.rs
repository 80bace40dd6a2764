//! The Czech bank's books: opened, imported, and compared balance by balance.
//!
//! Running it again on the same server pays nothing twice and compares again: the closing balances
//! come from the entries of each account, which stay.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::books::{
    CURRENCY, ClosingBalance, Kind, Movement, account_id, closing_balances, movements, payment_id,
};
use crate::client::{Client, Method};
use crate::commands::pages;
use crate::exit::{Exit, Failure};
use crate::import::{Sender, Verdict};
use crate::output::{Output, cell, note};
use crate::progress;

/// Movements in one request.
const BATCH: usize = 1_000;
/// Differences that are shown; all are counted.
const DIFFERENCES_SHOWN_MAX: usize = 20;

/// What the comparison found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Closing balances that were looked at.
    pub(super) compared: usize,
    /// Those that differ: date, account, the bank's balance, Courant's.
    pub(super) differences: Vec<Difference>,
}

/// A closing balance that is not the bank's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) date: String,
    pub(super) account: String,
    pub(super) bank: String,
    pub(super) courant: Option<String>,
}

/// Balances at the end of days, by date and account, as the bank numbers it.
pub(super) type Closing = BTreeMap<(String, String), String>;

pub(super) fn run(client: &Client, out: &mut Output) -> Result<Exit, Failure> {
    let movements = movements()?;
    let accounts = accounts_of(&movements);
    open_accounts(client, &accounts)?;
    let paid = pay(client, &movements)?;
    let closing = read_closing(client, &accounts, &movements)?;
    let comparison = compare(&closing_balances()?, &closing);
    let is_balanced = client.get("/v1/trial-balance")?["balanced"] == json!(true);
    report(&accounts, &paid, &comparison, is_balanced, out)?;
    let is_exact = comparison.differences.is_empty() && paid.refused == 0 && is_balanced;
    Ok(if is_exact { Exit::Success } else { Exit::Negative })
}

fn accounts_of(movements: &[Movement]) -> BTreeSet<&str> {
    movements.iter().map(|movement| movement.account.as_str()).collect()
}

/// Customers may overdraw; the bank's own accounts go below zero with every interest paid.
fn open_accounts(client: &Client, accounts: &BTreeSet<&str>) -> Result<(), Failure> {
    note(format_args!("opening {} accounts", accounts.len()));
    let customers = accounts.iter().map(|account| account_id(account));
    let own = Kind::BANKS_OWN.iter().filter_map(|kind| kind.bank_account()).map(str::to_owned);
    for id in customers.chain(own) {
        let body = json!({"id": id, "currency": CURRENCY, "floor": null});
        client.send(Method::Post, "/v1/accounts", &body, None)?;
    }
    Ok(())
}

/// How the payments went.
#[derive(Debug, Default)]
struct Paid {
    accepted: usize,
    repeated: usize,
    refused: usize,
}

fn pay(client: &Client, movements: &[Movement]) -> Result<Paid, Failure> {
    note(format_args!("importing {} movements", movements.len()));
    let bar = progress::bar(Some(movements.len() as u64), progress::Unit::Things);
    let sender = Sender::new(client.clone());
    let mut paid = Paid::default();
    for batch in movements.chunks(BATCH) {
        let payments: Vec<_> = batch.iter().map(Movement::payment).collect();
        for (verdict, movement) in sender.send(&payments)?.into_iter().zip(batch) {
            match verdict {
                Verdict::Accepted => paid.accepted += 1,
                Verdict::Repeated => paid.repeated += 1,
                Verdict::Refused { code, sentence } => {
                    paid.refused += 1;
                    note(format_args!("movement {} was refused: {code}: {sentence}", movement.id));
                }
            }
        }
        bar.inc(batch.len() as u64);
        bar.set_message(batch[0].date.clone());
    }
    bar.finish_and_clear();
    Ok(paid)
}

/// The balance after the last movement of every day, from the entries of every account.
fn read_closing(
    client: &Client,
    accounts: &BTreeSet<&str>,
    movements: &[Movement],
) -> Result<Closing, Failure> {
    note("comparing closing balances");
    let bar = progress::bar(Some(accounts.len() as u64), progress::Unit::Things);
    let day_of: BTreeMap<String, &str> =
        movements.iter().map(|m| (payment_id(&m.id), m.date.as_str())).collect();
    let mut closing = Closing::new();
    for account in accounts {
        let path = format!("/v1/accounts/{}/entries", account_id(account));
        closing_from(account, &pages::collect(client, &path, usize::MAX)?, &day_of, &mut closing);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(closing)
}

/// Takes one account's closing balances from its entries, newest first: the first one of a day is
/// its last.
pub(super) fn closing_from(
    account: &str,
    entries: &[Value],
    day_of: &BTreeMap<String, &str>,
    closing: &mut Closing,
) {
    for entry in entries {
        let day = entry["payment"].as_str().and_then(|payment| day_of.get(payment));
        if let Some(day) = day {
            let key = ((*day).to_owned(), account.to_owned());
            closing.entry(key).or_insert_with(|| cell(entry, "balance"));
        }
    }
}

/// The bank's closing balances against Courant's, text by text: both have two decimals.
pub(super) fn compare(bank: &[ClosingBalance], courant: &Closing) -> Comparison {
    let mut comparison = Comparison { compared: bank.len(), ..Comparison::default() };
    for row in bank {
        let found = courant.get(&(row.date.clone(), row.account.clone()));
        if found != Some(&row.closing_balance) {
            comparison.differences.push(Difference {
                date: row.date.clone(),
                account: row.account.clone(),
                bank: row.closing_balance.clone(),
                courant: found.cloned(),
            });
        }
    }
    comparison
}

fn report(
    accounts: &BTreeSet<&str>,
    paid: &Paid,
    comparison: &Comparison,
    is_balanced: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let differences = comparison.differences.len();
    if out.json {
        return out.json(&json!({
            "accounts": accounts.len(),
            "movements": paid.accepted + paid.repeated + paid.refused,
            "repeated": paid.repeated,
            "refused": paid.refused,
            "compared": comparison.compared,
            "differences": differences,
            "balanced": is_balanced,
        }));
    }
    for difference in comparison.differences.iter().take(DIFFERENCES_SHOWN_MAX) {
        let courant = difference.courant.as_deref().unwrap_or("none");
        out.line(format_args!(
            "{} account {}: the bank has {}, Courant {courant}",
            difference.date, difference.account, difference.bank
        ))?;
    }
    out.pairs(&[
        ("accounts", Some(accounts.len().to_string())),
        ("movements", Some((paid.accepted + paid.repeated + paid.refused).to_string())),
        ("already known", (paid.repeated > 0).then(|| paid.repeated.to_string())),
        ("refused", Some(paid.refused.to_string())),
        ("balances compared", Some(comparison.compared.to_string())),
        ("differences", Some(differences.to_string())),
        ("debits = credits", Some(if is_balanced { "yes" } else { "NO" }.to_owned())),
    ])
}
