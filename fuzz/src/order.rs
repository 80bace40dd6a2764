//! A payment order written in each form that the server takes, from the order as it was decoded.

use courant_engine::{Command, command};
use courant_ledger::{Bearer, Mode, Order, OrderKind, Timestamp, format_minor};
use courant_server::forms::Refusal;
use serde_json::{Map, Value, json};

/// Codes of problems that may be about the form as a whole, or about a field whose name is empty.
const OF_NO_FIELD: &[&str] =
    &["bad_json", "bad_protobuf", "too_deep", "wrong_type", "unknown_field"];

/// What must hold of every command made from bytes outside: written again it is the same bytes, and
/// in any form it asks for the same.
pub(crate) fn check_command(bytes: &[u8]) {
    let command = command::decode(bytes).expect("a command just made can be read");
    let mut again = Vec::new();
    command::encode(&command, &mut again);
    assert_eq!(again, bytes, "a command has one encoding");
    let Command::Pay(order) = &command else { panic!("a payment asks to pay: {command:?}") };
    order.check().expect("what was accepted is in order");
    let in_json = courant_server::forms::payment_json(&json(order));
    assert_eq!(in_json.as_deref(), Ok(bytes), "as JSON");
    let in_protobuf = courant_server::forms::batch_protobuf(&protobuf(order));
    assert_eq!(in_protobuf, Ok(vec![Ok(bytes.to_vec())]), "as Protobuf");
}

/// A refusal names what was wrong, and where.
pub(crate) fn check_refusal(refusal: &Refusal) {
    assert!(!refusal.code.is_empty() && !refusal.detail.is_empty(), "{refusal:?}");
    match &refusal.field {
        Some(field) => assert!(!field.is_empty(), "a field has a name: {refusal:?}"),
        None => assert!(OF_NO_FIELD.contains(&&*refusal.code), "it names its field: {refusal:?}"),
    }
}

/// The order as a body of JSON.
pub(crate) fn json(order: &Order<'_>) -> Vec<u8> {
    let amount = |minor| text_of(minor, order);
    let mut body = Map::new();
    let mut put = |field: &str, value: Option<Value>| {
        body.extend(value.map(|value| (field.to_owned(), value)));
    };
    put("id", Some(json!(order.id.as_str())));
    put("type", Some(json!(["transfer", "top_up", "withdrawal"][kind(order)])));
    put("mode", Some(json!(["pay", "authorise", "await_confirmation"][mode(order)])));
    put("debtor", Some(json!(order.debtor.as_str())));
    put("currency", Some(json!(order.currency.code())));
    let payees = order.payees.iter();
    let payees =
        payees.map(|p| json!({"creditor": p.creditor.as_str(), "amount": amount(p.amount_minor)}));
    put("payees", Some(payees.collect()));
    let fees = order.fees.iter().map(|fee| {
        let bearer = ["debtor", "creditor"][usize::from(fee.bearer == Bearer::Creditor)];
        let amount = amount(fee.amount_minor);
        json!({"account": fee.account.as_str(), "amount": amount, "bearer": bearer})
    });
    put("fees", Some(fees.collect()));
    put("execute_at", order.execute_at.map(|time| json!(rfc3339(time))));
    put("expires_at", order.expires_at.map(|time| json!(rfc3339(time))));
    put("channel", order.details.channel.map(Value::from));
    put("end_to_end_id", order.details.end_to_end_id.map(Value::from));
    put("remittance", order.details.remittance.map(Value::from));
    let pairs = order.details.metadata.iter();
    let pairs: Map<_, _> = pairs.map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
    put("metadata", Some(Value::Object(pairs)));
    Value::Object(body).to_string().into_bytes()
}

/// The order as a batch of one in Protobuf (docs/payments.proto).
pub(crate) fn protobuf(order: &Order<'_>) -> Vec<u8> {
    let details = &order.details;
    let mut payment = field(1, order.id.as_str());
    payment.extend([number(2, kind(order)), number(3, mode(order))].concat());
    payment.extend(field(4, order.debtor.as_str()));
    for payee in &order.payees {
        let amount = text_of(payee.amount_minor, order);
        payment.extend(field(6, [field(1, payee.creditor.as_str()), field(2, amount)].concat()));
    }
    payment.extend(field(8, order.currency.code()));
    for fee in &order.fees {
        let bearer = number(3, 1 + usize::from(fee.bearer == Bearer::Creditor));
        let amount = text_of(fee.amount_minor, order);
        let fee = [field(1, fee.account.as_str()), field(2, amount), bearer];
        payment.extend(field(9, fee.concat()));
    }
    let times = [(10, order.execute_at), (11, order.expires_at)];
    let times = times.map(|(at, time)| (at, time.map(rfc3339)));
    let texts = [(12, details.channel), (13, details.end_to_end_id), (14, details.remittance)];
    let texts = texts.map(|(at, text)| (at, text.map(str::to_owned)));
    for (at, text) in times.into_iter().chain(texts) {
        payment.extend(text.map(|text| field(at, text)).unwrap_or_default());
    }
    for (key, value) in &details.metadata {
        payment.extend(field(15, [field(1, key), field(2, value)].concat()));
    }
    field(1, payment)
}

fn kind(order: &Order<'_>) -> usize {
    match order.kind {
        OrderKind::Transfer => 0,
        OrderKind::TopUp => 1,
        OrderKind::Withdrawal => 2,
    }
}

fn mode(order: &Order<'_>) -> usize {
    match order.mode {
        Mode::Pay => 0,
        Mode::Authorise => 1,
        Mode::AwaitConfirmation => 2,
    }
}

fn text_of(minor: u64, order: &Order<'_>) -> String {
    format_minor(i128::from(minor), order.currency).to_string()
}

fn rfc3339(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.nanos()));
    time.expect("64 bits of nanoseconds end in the year 2554").to_string()
}

/// A field of Protobuf that has a length: a text or a message.
fn field(number: u8, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    const LENGTH_DELIMITED: u8 = 2;
    let bytes = bytes.as_ref();
    let mut out = vec![number << 3 | LENGTH_DELIMITED];
    let mut left = bytes.len();
    while left >= 0x80 {
        out.push(0x80 | left.to_le_bytes()[0] & 0x7f);
        left >>= 7;
    }
    out.push(left.to_le_bytes()[0]);
    out.extend_from_slice(bytes);
    out
}

/// A field of Protobuf that is a small number.
fn number(field: u8, value: usize) -> Vec<u8> {
    vec![field << 3, value.to_le_bytes()[0]]
}
