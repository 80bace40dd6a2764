//! Records of the journal as the API needs them: read, decoded, and joined with the record they
//! build on.

use crate::problem::{Fault, Problem};
use courant_engine::command::{PaymentStep, Step};
use courant_engine::outcome::PaymentOutcome;
use courant_engine::{Command, Lsn, Outcome, Record, record};
use courant_ledger::{Id, Order, Payment};
use courant_node::journal::Payload;
use courant_node::{LookupError, Node, Place, Retired, order_in, origin_of, payment_in};

use crate::view::payment::{PaymentAsOf, StepView};
use crate::view::{Decimal, Time};

/// Reads a record that another record or the engine names. May wait for the disk.
pub(crate) fn read(node: &Node, lsn: Lsn) -> Result<Payload, Problem> {
    match node.record(lsn) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Problem::internal(format_args!("there is no record at {lsn}"))),
        Err(LookupError::Retired { lsn, .. }) => Err(retired(&node.retired(lsn))),
        Err(error) => Err(unreadable(&error)),
    }
}

/// What a client is told about a record that cannot be read.
pub(crate) fn unreadable(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(target: "courant::internal", %error, "a record cannot be read");
    Fault::HistoryUnreadable.into()
}

/// What a client is told about a record that was archived or dropped. Where the archive is, is for
/// the operator to know.
pub(crate) fn retired(retired: &Retired) -> Problem {
    let Retired { lsn, begin, retirement } = retired;
    let how = match retirement.as_ref().map(|retirement| &retirement.place) {
        Some(Place::Archive(_)) => "archived",
        Some(Place::Nowhere) => "dropped",
        None => "archived or dropped",
    };
    let since = retirement.as_ref().map(|retirement| Time(retirement.at).to_string());
    let since = since.map(|time| format!(" at {time}")).unwrap_or_default();
    let detail = format!(
        "This needs the record at {lsn}, which was {how}{since}; the server's records begin at \
         {begin}. If the request was sent before, it was done then, and it is not done again. \
         Nothing was done now."
    );
    Problem::because(Fault::HistoryRetired, detail)
}

/// Decodes a record of the journal.
pub(crate) fn decode(bytes: &[u8]) -> Result<Record<'_>, Problem> {
    record::decode(bytes).map_err(Problem::internal)
}

/// The payment that a record is about; of a group, the one at `index`.
pub(crate) fn payment_id<'a>(record: &Record<'a>, index: usize) -> Option<Id<'a>> {
    match &record.command {
        Command::Pay(order) => Some(order.id),
        Command::PayGroup(orders) => orders.get(index).map(|order| order.id),
        Command::Step(step) => Some(step.payment),
        Command::Due { payment } => Some(*payment),
        Command::OpenAccount(_)
        | Command::ChangeAccount(_)
        | Command::CreateKey(_)
        | Command::RevokeKey { .. } => None,
    }
}

/// Shows a payment as of a record, of a group the one at `index`; reads the record that made it if
/// that is another one.
pub(crate) fn with_payment<T>(
    node: &Node,
    (lsn, record): (Lsn, &Record<'_>),
    index: usize,
    show: impl FnOnce(PaymentAsOf<'_, '_>) -> T,
) -> Result<T, Problem> {
    let missing = || Problem::internal(format_args!("the record at {lsn} is about no payment"));
    let show = |order: Option<&Order<'_>>, payment: Option<&Payment>| {
        let (order, payment) = order.zip(payment).ok_or_else(missing)?;
        Ok(show(PaymentAsOf { order, payment, lsn, at: record.at }))
    };
    match (&record.command, &record.outcome) {
        (Command::PayGroup(orders), Outcome::Group(group)) => {
            show(orders.get(index), group.payments.get(index))
        }
        (Command::Pay(order), Outcome::Payment(after)) if origin_of(lsn, record) == lsn => {
            show(Some(order), Some(&after.payment))
        }
        (_, Outcome::Payment(after)) => {
            let id = payment_id(record, index).ok_or_else(missing)?;
            let bytes = read(node, origin_of(lsn, record))?;
            let made = record::decode_one(&bytes, id).map_err(Problem::internal)?;
            show(order_in(&made, id), Some(&after.payment))
        }
        _ => Err(missing()),
    }
}

/// The step that a record is, if it is one with an amount of its own. May read the record before
/// it.
pub(crate) fn step_in<'r>(
    node: &Node,
    record: &'r Record<'_>,
) -> Result<Option<StepView<'r>>, Problem> {
    let (Command::Step(step), Outcome::Payment(after)) = (&record.command, &record.outcome) else {
        return Ok(None);
    };
    let amount_minor = match &step.step {
        Step::Cancel | Step::Confirm | Step::RefuseOutside | Step::Inquire => return Ok(None),
        Step::Capture { .. } | Step::GiveBack { .. } => Some(u128::from(after.moved_minor)),
        Step::Increment { amount_minor, .. } => Some(u128::from(*amount_minor)),
        Step::Release { .. } => released_minor(node, step, after)?,
    };
    let currency = after.payment.currency;
    Ok(Some(StepView {
        child: step.step.child().map(Id::as_str),
        amount: amount_minor.map(|minor| Decimal::sum(minor, currency)),
        currency: currency.code(),
    }))
}

/// What a release gave up: what the payment had released after it, less what before. `None` if what
/// was before is no longer in the journal.
fn released_minor(
    node: &Node,
    step: &PaymentStep<'_>,
    after: &PaymentOutcome,
) -> Result<Option<u128>, Problem> {
    let bytes = match read(node, after.previous) {
        Err(problem) if problem.is(Fault::HistoryRetired) => return Ok(None),
        read => read?,
    };
    let before = record::decode_one(&bytes, step.payment).map_err(Problem::internal)?;
    let before = payment_in(&before, step.payment);
    let before = before.ok_or_else(|| Problem::internal("a record is about another payment"))?;
    let released = |payment: &Payment| payment.sum_minor(|leg| leg.released_minor);
    Ok(Some(released(&after.payment) - released(before)))
}
