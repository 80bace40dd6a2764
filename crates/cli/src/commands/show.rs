//! Accounts and payments as a person reads them.

use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::output::{Output, cell, field};

/// One account.
pub(super) fn account(out: &mut Output, account: &Value) -> Result<(), Failure> {
    if out.json {
        return out.json(account);
    }
    let money = |name: &str| {
        let amount = field(account, name)?;
        Some(format!("{amount} {}", cell(account, "currency")))
    };
    let unlimited = |name: &str| money(name).or_else(|| Some("unlimited".to_owned()));
    let held = |name: &str| money(name).filter(|text| text.contains(|c| ('1'..='9').contains(&c)));
    out.pairs(&[
        ("account", field(account, "id")),
        ("name", field(account, "name")),
        ("status", field(account, "status")),
        ("balance", money("balance")),
        ("available", unlimited("available")),
        ("held out", held("debits_pending")),
        ("held in", held("credits_pending")),
        ("floor", money("floor").or_else(|| Some("none".to_owned()))),
        ("ceiling", money("ceiling")),
        ("opened", field(account, "opened_at")),
        ("metadata", pairs(&account["metadata"])),
    ])
}

/// One payment, and the step that was just done. The exit code says whether it was accepted.
pub(super) fn payment(
    out: &mut Output,
    payment: &Value,
    step: Option<String>,
    is_repeat: bool,
) -> Result<Exit, Failure> {
    let exit = match payment["status"].as_str() {
        Some("rejected") => Exit::Negative,
        _ => Exit::Success,
    };
    if out.json {
        return out.json(payment).map(|()| exit);
    }
    let repeat = is_repeat.then(|| "this had been done before; nothing was done again".to_owned());
    let amounts = &payment["amounts"];
    let amount = |name: &str| {
        let amount = field(amounts, name)?;
        let is_zero = !amount.contains(|c| ('1'..='9').contains(&c));
        (!is_zero).then(|| format!("{amount} {}", cell(payment, "currency")))
    };
    out.pairs(&[
        ("payment", field(payment, "id")),
        ("step", step),
        ("status", status(payment)),
        ("reason", reason(&payment["reason"])),
        ("type", field(payment, "type")),
        ("amount", money(payment)),
        ("from", field(payment, "debtor")),
        ("to", creditors(payment)),
        ("captured", amount("captured")),
        ("remaining", amount("remaining")),
        ("released", amount("released")),
        ("refunded", amount("refunded")),
        ("returned", amount("returned")),
        ("reversed", amount("reversed")),
        ("channel", field(payment, "channel")),
        ("end-to-end", field(payment, "end_to_end_id")),
        ("remittance", field(payment, "remittance")),
        ("metadata", pairs(&payment["metadata"])),
        ("executes", field(payment, "execute_at")),
        ("expires", field(payment, "expires_at")),
        ("created", field(payment, "created_at")),
        ("updated", field(payment, "updated_at")),
        ("repeat", repeat),
    ])?;
    Ok(exit)
}

/// How much an event or a step of this kind is about: a step of a payment has an amount of its own.
pub(super) fn amount(kind: &str, step: &Value, payment: &Value) -> Option<String> {
    match kind {
        "payment.captured"
        | "payment.released"
        | "payment.incremented"
        | "payment.refunded"
        | "payment.returned"
        | "payment.reversed" => field(step, "amount"),
        "payment.completed" => field(&payment["amounts"], "captured"),
        _ => field(payment, "amount"),
    }
}

/// `rejected (RJCT)`
pub(super) fn status(payment: &Value) -> Option<String> {
    let status = field(payment, "status")?;
    match field(payment, "iso_status") {
        Some(iso) => Some(format!("{status} ({iso})")),
        None => Some(status),
    }
}

/// `insufficient_funds (AM04): The debited account ...`
pub(super) fn reason(reason: &Value) -> Option<String> {
    let code = field(reason, "code")?;
    let iso = field(reason, "iso").map(|iso| format!(" ({iso})")).unwrap_or_default();
    let text = field(reason, "text").map(|text| format!(": {text}")).unwrap_or_default();
    Some(format!("{code}{iso}{text}"))
}

/// Who is paid, joined.
pub(super) fn creditors(payment: &Value) -> Option<String> {
    let payees = payment["payees"].as_array().filter(|payees| !payees.is_empty());
    let Some(payees) = payees else { return field(payment, "creditor") };
    Some(payees.iter().map(|payee| cell(payee, "creditor")).collect::<Vec<_>>().join(", "))
}

/// `12.34 EUR`
pub(super) fn money(payment: &Value) -> Option<String> {
    let amount = field(payment, "amount").or_else(|| field(&payment["amounts"], "authorised"))?;
    Some(format!("{amount} {}", cell(payment, "currency")))
}

fn pairs(metadata: &Value) -> Option<String> {
    let pairs = metadata.as_object().filter(|pairs| !pairs.is_empty())?;
    let shown = pairs.keys().map(|key| format!("{key}={}", cell(metadata, key)));
    Some(shown.collect::<Vec<_>>().join(" "))
}
