//! One event as the JSON of CloudEvents 1.0.

use super::{EventId, EventType, EventsOf};
use crate::access::Scopes;
use crate::problem::{Fault, Problem};
use crate::records;
use crate::view::account::{FixedView, Opening, RulesView};
use crate::view::payment::StepView;
use crate::view::{ReasonView, Time};
use courant_engine::command::ChangeAccount;
use courant_engine::outcome::AccountChanged;
use courant_engine::{Command, Lsn, Outcome, Record};
use courant_ledger::{AccountStatus, AccountTerms, Id};
use courant_node::{Node, payment_in};
use serde::Serialize;

/// Media type of [`Event::data`].
const DATA_TYPE: &str = "application/json";

/// A CloudEvent.
#[derive(Serialize)]
struct Event<'a, D> {
    specversion: &'static str,
    id: String,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: &'a str,
    time: Time,
    datacontenttype: &'static str,
    data: D,
}

/// An account as an event shows it: without balances, which belong to payments.
#[derive(Serialize)]
struct AccountData<'a> {
    id: &'a str,
    #[serde(flatten)]
    fixed: FixedView<'a>,
    #[serde(flatten)]
    rules: RulesView,
    change_reason: Option<&'a str>,
    version: u64,
}

/// A payment whose order is no longer in the journal.
#[derive(Serialize)]
struct RetiredOrderData<'a> {
    id: &'a str,
    status: &'static str,
    iso_status: &'static str,
    reason: Option<ReasonView>,
    /// Always null; elsewhere there is no such field.
    order: Option<()>,
    created_at: Time,
    updated_at: Time,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<StepView<'a>>,
}

/// An API key as an event shows it.
#[derive(Serialize)]
struct KeyData<'a> {
    number: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<&'static str>,
    version: u64,
}

/// What an event needs besides its data.
struct Envelope<'a> {
    source: &'a str,
    id: EventId,
    kind: EventType,
    time: Time,
}

impl Envelope<'_> {
    fn write<D: Serialize>(&self, subject: &str, data: D, out: &mut Vec<u8>) {
        let event = Event {
            specversion: "1.0",
            id: self.id.to_string(),
            source: self.source,
            kind: self.kind.name(),
            subject,
            time: self.time,
            datacontenttype: DATA_TYPE,
            data,
        };
        serde_json::to_writer(out, &event)
            .expect("texts and numbers can always be written as JSON");
    }
}

/// Appends the event at an index of a record. May wait for the disk and the engine.
pub(super) fn render(
    (node, source): (&Node, &str),
    lsn: Lsn,
    record: &Record<'_>,
    index: u32,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let events = EventsOf::record(record);
    let id = EventId::of(node.incarnations(), events.place(lsn, index));
    let envelope = Envelope { source, id, kind: events.kind(index), time: Time(record.at) };
    match (&record.command, &record.outcome) {
        (Command::OpenAccount(open), _) => {
            let status = AccountStatus::Open;
            let data = AccountData {
                id: open.id.as_str(),
                fixed: FixedView::new(&open.terms, Opening::of(record, open.id.as_str())),
                rules: RulesView::new(status, open.terms.limits, &open.terms),
                change_reason: None,
                version: lsn.0,
            };
            envelope.write(open.id.as_str(), data, out);
        }
        (Command::ChangeAccount(change), Outcome::AccountChanged(after)) => {
            return changed(node, &envelope, (lsn, change), after, out);
        }
        (Command::CreateKey(key), _) => {
            let scopes = Scopes::from_bits(key.scopes).names();
            let (number, name) = (key.number, Some(key.name));
            let data = KeyData { number, name, scopes, version: lsn.0 };
            envelope.write(&number.to_string(), data, out);
        }
        (Command::RevokeKey { number }, _) => {
            let data = KeyData { number: *number, name: None, scopes: Vec::new(), version: lsn.0 };
            envelope.write(&number.to_string(), data, out);
        }
        _ => {
            let at = events.payment_index(index);
            let id = records::payment_id(record, at);
            let id = id.ok_or_else(|| Problem::internal("a record is about nothing known"))?;
            // The second event of a step tells the status, and the first what led there.
            let step = if index == 0 { records::step_in(node, record)? } else { None };
            let shown = records::with_payment(node, (lsn, record), at, |payment| {
                envelope.write(id.as_str(), payment.view().after(step), out);
            });
            return match shown {
                Err(problem) if problem.is(Fault::HistoryRetired) => {
                    without_order(&envelope, (lsn, record), (id, step), out)
                }
                shown => shown,
            };
        }
    }
    Ok(())
}

/// The event of a payment whose order was archived or dropped: what its later record says by
/// itself.
fn without_order(
    envelope: &Envelope<'_>,
    (lsn, record): (Lsn, &Record<'_>),
    (id, step): (Id<'_>, Option<StepView<'_>>),
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let missing = || Problem::internal(format_args!("the record at {lsn} is not about {id}"));
    let payment = payment_in(record, id).ok_or_else(missing)?;
    let data = RetiredOrderData {
        id: id.as_str(),
        status: payment.status.name(),
        iso_status: payment.status.iso20022(),
        reason: payment.reason.map(ReasonView::from),
        order: None,
        created_at: Time(payment.created_at),
        updated_at: Time(record.at),
        version: lsn.0,
        step,
    };
    envelope.write(id.as_str(), data, out);
    Ok(())
}

/// The event of a changed account. What never changes about it is taken from its opening.
fn changed(
    node: &Node,
    envelope: &Envelope<'_>,
    (lsn, change): (Lsn, &ChangeAccount<'_>),
    after: &AccountChanged,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = change.id;
    let read = node.account(id).wait().map_err(|_| Fault::Stopped)?;
    let read = read.ok_or_else(|| Problem::internal("a changed account does not exist"))?;
    let bytes = records::read(node, Lsn(read.account.opened_record))?;
    let opened = records::decode(&bytes)?;
    let terms: &AccountTerms = &read.account.terms;
    let data = AccountData {
        id: id.as_str(),
        fixed: FixedView::new(terms, Opening::of(&opened, id.as_str())),
        rules: RulesView::new(after.status, after.limits, terms),
        change_reason: change.reason,
        version: lsn.0,
    };
    envelope.write(id.as_str(), data, out);
    Ok(())
}
