//! `courant pay`, `top-up` and `withdraw`: one payment, under an id that is made up if none is
//! given.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{metadata, named, new_id, object, pair, show, text};
use crate::client::{Method, ServerArgs};
use crate::exit::{Exit, Failure};
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct PayArgs {
    /// The account that pays
    debtor: String,
    /// The account that is paid
    creditor: String,
    /// How much the creditor is paid, with the currency's decimals
    #[arg(allow_negative_numbers = true)]
    amount: String,
    /// ISO 4217 code
    #[arg(value_name = "CUR")]
    currency: String,
    /// A further creditor of the same payment; may be repeated
    #[arg(long = "also", value_name = "CREDITOR=AMOUNT", value_parser = pair)]
    also: Vec<(String, String)>,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    server: ServerArgs,
}

/// A payment whose other side is the outside world.
#[derive(Debug, Args)]
pub(crate) struct OutsideArgs {
    /// The account whose money it is
    account: String,
    /// How much, with the currency's decimals
    #[arg(allow_negative_numbers = true)]
    amount: String,
    /// ISO 4217 code
    #[arg(value_name = "CUR")]
    currency: String,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// Post the money at once
    Pay,
    /// Hold the money for later captures
    Authorise,
    /// Wait until the outside world confirms
    AwaitConfirmation,
}

/// What payments of every type may have.
#[derive(Debug, Args)]
struct Terms {
    /// The payment's id: paying the same id again pays nothing [default: a new UUID, printed]
    #[arg(long)]
    id: Option<String>,
    /// How far the payment goes at once
    #[arg(long, value_enum, default_value = "pay")]
    mode: Mode,
    /// Where the order came from, such as mobile
    #[arg(long)]
    channel: Option<String>,
    /// A fee on top of the amount, or taken from it (`,creditor`); may be repeated
    #[arg(long = "fee", value_name = "ACCOUNT=AMOUNT[,BEARER]", value_parser = fee)]
    fees: Vec<Fee>,
    /// Not before this time, such as 2030-01-31T09:00:00Z
    #[arg(long, value_name = "TIME")]
    execute_at: Option<String>,
    /// When a hold or an awaited confirmation lapses
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// The debtor's reference, carried to the creditor unchanged
    #[arg(long, value_name = "TEXT")]
    end_to_end_id: Option<String>,
    /// What the payment is for
    #[arg(long, value_name = "TEXT")]
    remittance: Option<String>,
    /// A pair of the caller's own; may be repeated
    #[arg(long = "meta", value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
struct Fee {
    account: String,
    amount: String,
    bearer: Option<String>,
}

fn fee(argument: &str) -> Result<Fee, String> {
    let (account, rest) =
        pair(argument).map_err(|_| "write it like ACCOUNT=AMOUNT or ACCOUNT=AMOUNT,creditor")?;
    let (amount, bearer) = match rest.split_once(',') {
        Some((amount, bearer)) => (amount.to_owned(), Some(bearer.to_owned())),
        None => (rest, None),
    };
    Ok(Fee { account, amount, bearer })
}

pub(crate) fn pay(args: &PayArgs) -> Result<Exit, Failure> {
    let payee = |creditor: &str, amount: &str| json!({"creditor": creditor, "amount": amount});
    let also = args.also.iter().map(|(creditor, amount)| payee(creditor, amount));
    let mut members = vec![("debtor", Some(json!(args.debtor)))];
    if args.also.is_empty() {
        members.push(("creditor", Some(json!(args.creditor))));
        members.push(("amount", Some(json!(args.amount))));
    } else {
        let payees = std::iter::once(payee(&args.creditor, &args.amount)).chain(also);
        members.push(("payees", Some(payees.collect())));
    }
    send(&args.server, &args.terms, &args.currency, members)
}

pub(crate) fn top_up(args: &OutsideArgs) -> Result<Exit, Failure> {
    args.send("top_up", "creditor")
}

pub(crate) fn withdraw(args: &OutsideArgs) -> Result<Exit, Failure> {
    args.send("withdrawal", "debtor")
}

impl OutsideArgs {
    fn send(&self, kind: &str, side: &'static str) -> Result<Exit, Failure> {
        let members = vec![
            ("type", Some(json!(kind))),
            (side, Some(json!(self.account))),
            ("amount", Some(json!(self.amount))),
        ];
        send(&self.server, &self.terms, &self.currency, members)
    }
}

fn send(
    server: &ServerArgs,
    terms: &Terms,
    currency: &str,
    mut members: Vec<(&'static str, Option<Value>)>,
) -> Result<Exit, Failure> {
    let client = server.client()?;
    let id = terms.id.clone().unwrap_or_else(new_id);
    members.push(("currency", Some(json!(currency))));
    members.extend(terms.members(&id));
    let answer = client.send_once(Method::Post, "/v1/payments", &object(&members), None);
    let answer = answer.map_err(|error| named(error, "--id", &id))?;
    show::payment(&mut Output::new(server.json), &answer.body, None, answer.is_repeat)
}

impl Terms {
    fn members(&self, id: &str) -> Vec<(&'static str, Option<Value>)> {
        let mode = match self.mode {
            Mode::Pay => None,
            Mode::Authorise => Some(json!("authorise")),
            Mode::AwaitConfirmation => Some(json!("await_confirmation")),
        };
        let fees = (!self.fees.is_empty()).then(|| self.fees.iter().map(Fee::body).collect());
        vec![
            ("id", Some(json!(id))),
            ("mode", mode),
            ("fees", fees),
            ("execute_at", text(&self.execute_at)),
            ("expires_at", text(&self.expires_at)),
            ("channel", text(&self.channel)),
            ("end_to_end_id", text(&self.end_to_end_id)),
            ("remittance", text(&self.remittance)),
            ("metadata", metadata(&self.metadata)),
        ]
    }
}

impl Fee {
    fn body(&self) -> Value {
        object(&[
            ("account", Some(json!(self.account))),
            ("amount", Some(json!(self.amount))),
            ("bearer", Some(json!(self.bearer.as_deref().unwrap_or("debtor")))),
        ])
    }
}
