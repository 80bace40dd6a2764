//! Records of the journal as the API needs them: read, decoded, and joined with the record they
//! build on.

use crate::problem::{Fault, Problem};
use courant_engine::{Command, Lsn, Outcome, Record, record};
use courant_ledger::{Id, Order, Payment};
use courant_node::journal::Payload;
use courant_node::{LookupError, Node, Place, Retired, order_in, origin_of};

use crate::view::Time;
use crate::view::payment::PaymentAsOf;

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
