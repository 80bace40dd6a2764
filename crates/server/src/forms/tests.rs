//! Tests of the forms of payment orders: what is accepted encodes and decodes to the same.

use super::*;
use proptest::prelude::*;

const GOOD: &str = r#"{"id": "p", "debtor": "a", "creditor": "b", "amount": "1.00",
    "currency": "EUR", "fees": [{"account": "f", "amount": "0.10", "bearer": "debtor"}],
    "metadata": {"k": "v"}, "remittance": "for\u0020tea", "channel": "mobile"}"#;

/// The same order in Protobuf, by hand: tag, length, text.
fn good_protobuf() -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let fee = [field(1, b"f"), field(2, b"0.10"), vec![3 << 3, 1]].concat();
    let pair = [field(1, b"k"), field(2, b"v")].concat();
    let payment = [
        field(1, b"p"),
        field(4, b"a"),
        field(5, b"b"),
        field(7, b"1.00"),
        field(8, b"EUR"),
        field(9, &fee),
        field(12, b"mobile"),
        field(14, b"for tea"),
        field(15, &pair),
    ];
    field(1, &payment.concat())
}

#[test]
fn both_forms_ask_for_the_same_command() {
    let json = payment_json(GOOD.as_bytes()).expect("a good payment");
    assert_eq!(batch_protobuf(&good_protobuf()), Ok(vec![Ok(json)]));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_are_refused_or_make_a_command_that_can_be_read(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut json = GOOD.as_bytes().to_vec();
        let mut protobuf = good_protobuf();
        for (at, byte) in changes {
            let (in_json, in_protobuf) = (at.index(json.len()), at.index(protobuf.len()));
            json[in_json] = byte;
            protobuf[in_protobuf] = byte;
        }
        let batch = batch_protobuf(&protobuf).unwrap_or_default();
        for bytes in batch.into_iter().chain([payment_json(&json)]).flatten() {
            prop_assert!(command::decode(&bytes).is_ok());
        }
    }
}
