//! Target: a payment order as the JSON body of a request.
//!
//! What is accepted is a command that means the same in every form; what is refused names field and
//! reason.

use courant_server::forms::payment_json;

use crate::order;
use crate::story;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"id":"p","debtor":"a","creditor":"b","amount":"1.00","currency":"EUR"}"#,
        r#"{"id":"p","type":"withdrawal","debtor":"a","amount":"1","currency":"JPY"}"#,
        r#"{"id":"p","remittance":"for\u0020tea","metadata":{"k":"v","k":"w"}}"#,
        r#"{"id":null,"amount":1e3}"#,
        r#"[["p"]]"#,
        "[[[[[[[[[[[[[[[[[[",
    ];
    let of_story = story::orders().into_iter().map(|order| order::json(&order));
    of_story.chain(texts.iter().map(|text| text.as_bytes().to_vec())).collect()
}

pub(crate) fn run(data: &[u8]) {
    match payment_json(data) {
        Ok(command) => order::check_command(&command),
        Err(refusal) => order::check_refusal(&refusal),
    }
}
