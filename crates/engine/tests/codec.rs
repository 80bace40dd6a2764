//! The bytes of commands, records and snapshots: nothing is lost in them, and damaged ones do no
//! harm.

mod golden;
mod strategies;

use courant_engine::command::{Money, PaymentStep, Step};
use courant_engine::outcome::{AccountsAfter, GroupOutcome};
use courant_engine::{Caller, Command, Lsn, Outcome, Record, command, record};
use courant_ledger::{
    Amount, Currency, Id, Legs, Mode, Order, OrderKind, PAYEES_MAX, Part, Payment, Portion, Status,
    Timestamp,
};
use proptest::prelude::*;
use strategies::AnyRecord;

/// What decoding may allocate for each byte it reads: the largest value made from the fewest bytes,
/// and the growth of the list it is put into.
const ALLOCATED_PER_BYTE_MAX: u64 = 256;
/// What decoding may allocate besides.
const ALLOCATED_MAX: u64 = 4_096;

fn encoded(any: &AnyRecord) -> Vec<u8> {
    let (mut command, mut out) = (Vec::new(), Vec::new());
    command::encode(&any.command, &mut command);
    record::encode(any.at, any.caller, &command, &any.outcome, &mut out);
    out
}

/// Decodes, and fails if that takes more memory than the bytes justify.
fn decode_measured(bytes: &[u8]) -> bool {
    let mut decoded = false;
    let info = allocation_counter::measure(|| decoded = record::decode(bytes).is_ok());
    let allowed = ALLOCATED_MAX + ALLOCATED_PER_BYTE_MAX * bytes.len() as u64;
    assert!(info.bytes_max <= allowed, "{} bytes for {}", info.bytes_max, bytes.len());
    decoded
}

proptest! {
    #[test]
    fn a_command_survives_its_bytes(command in strategies::command()) {
        let mut bytes = Vec::new();
        command::encode(&command, &mut bytes);
        let bytes: &'static [u8] = bytes.leak();
        prop_assert_eq!(command::decode(bytes), Ok(command.clone()));
        // One command has one encoding: bytes are compared to recognise a repeat.
        let mut again = Vec::new();
        command::encode(&command, &mut again);
        prop_assert_eq!(bytes, again);
    }

    #[test]
    fn a_record_survives_its_bytes(any in strategies::record()) {
        let bytes: &'static [u8] = encoded(&any).leak();
        let decoded: Record<'static> = record::decode(bytes).expect("it was encoded");
        prop_assert_eq!(decoded.command_bytes, record::command_bytes(bytes).expect("sound"));
        prop_assert_eq!(decoded.at, any.at);
        prop_assert_eq!(decoded.caller, any.caller);
        prop_assert_eq!(decoded.command, any.command);
        prop_assert_eq!(decoded.outcome, any.outcome);
    }

    #[test]
    fn a_record_of_no_group_is_decoded_whole(any in strategies::record()) {
        let bytes = encoded(&any);
        let whole = record::decode(&bytes).expect("it was encoded");
        if !matches!(whole.command, Command::PayGroup(_)) {
            let id = Id::parse("id", "any").expect("an id");
            prop_assert_eq!(record::decode_one(&bytes, id), Ok(whole));
        }
    }

    #[test]
    fn a_record_cut_anywhere_is_an_error(any in strategies::record()) {
        let bytes = encoded(&any);
        for end in 0..bytes.len() {
            prop_assert!(record::decode(&bytes[..end]).is_err(), "cut at {}", end);
        }
        let mut longer = bytes;
        longer.push(0);
        prop_assert!(record::decode(&longer).is_err());
    }

    /// A flipped bit may give another record: to notice it is what the journal's checksum is for.
    #[test]
    fn a_flipped_bit_does_no_harm(any in strategies::record()) {
        let mut bytes = encoded(&any);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            decode_measured(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        prop_assert!(decode_measured(&bytes));
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0u8..10) {
        let _ = command::decode(&bytes);
        let mut record = vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, bytes.len() as u8 / 2, kind];
        record.extend_from_slice(&bytes);
        decode_measured(&record);
    }
}

/// One payment of the largest group costs no more memory than one alone.
#[test]
fn one_payment_of_a_group_is_taken_without_the_others() {
    let ids: Vec<String> = (0..10_000).map(|n| format!("p-{n}")).collect();
    let ids: &'static [String] = ids.leak();
    let id = |text: &'static str| Id::parse("id", text).expect("an id");
    let (at, amount) = (Timestamp(1), |n: usize| Amount::new(n as u64 + 1, Currency::EUR));
    let order = |n: usize| Order::transfer(id(&ids[n]), id("a"), id("b"), amount(n));
    let payment = |n: usize| Payment {
        kind: OrderKind::Transfer,
        mode: Mode::Pay,
        status: if n.is_multiple_of(2) { Status::Completed } else { Status::Rejected },
        reason: None,
        currency: Currency::EUR,
        created_at: Timestamp(n as u64),
        execute_at: None,
        expires_at: None,
        legs: Legs::new(),
    };
    let payments = (0..ids.len()).map(payment).collect();
    let any = AnyRecord {
        at,
        caller: Caller::default(),
        command: Command::PayGroup((0..ids.len()).map(order).collect()),
        outcome: Outcome::Group(GroupOutcome { payments, accounts: AccountsAfter::new() }),
    };
    let bytes: &'static [u8] = encoded(&any).leak();
    for n in [0, 1, 4_999, 9_999] {
        let measured = allocation_counter::measure(|| {
            let one = record::decode_one(bytes, id(&ids[n])).expect("sound");
            assert_eq!(one.command, Command::PayGroup(vec![order(n)]));
            let Outcome::Group(group) = &one.outcome else { panic!("{:?}", one.outcome) };
            assert_eq!(group.payments, [payment(n)]);
        });
        assert!(measured.bytes_max <= ALLOCATED_MAX, "{measured:?}");
    }
    let none = record::decode_one(bytes, id("nobody")).expect("sound");
    assert_eq!(none.command, Command::PayGroup(Vec::new()));
}

/// A count is believed only as far as there are bytes for it.
#[test]
fn a_large_count_allocates_nothing() {
    let mut command = Vec::new();
    command::encode(&Command::PayGroup(Vec::new()), &mut command);
    assert_eq!(command.pop(), Some(0), "the number of payments comes last");
    command.extend([0x90, 0x4e]); // 10,000 as a varint
    let outcome = Outcome::KeyCreated { instead_of: None };
    let mut bytes = Vec::new();
    record::encode(Timestamp(0), Caller::default(), &command, &outcome, &mut bytes);
    assert!(!decode_measured(&bytes));
    command.resize(command.len() + 10_000, 0);
    bytes.clear();
    record::encode(Timestamp(0), Caller::default(), &command, &outcome, &mut bytes);
    assert!(!decode_measured(&bytes));
}

#[test]
fn a_newer_format_is_named() {
    let any = AnyRecord {
        at: Timestamp(1),
        caller: Caller::default(),
        command: Command::RevokeKey { number: 1 },
        outcome: Outcome::KeyRevoked,
    };
    let mut bytes = encoded(&any);
    bytes[0] = 2;
    let error = record::decode(&bytes).expect_err("format 2 is not known yet");
    assert_eq!(error, courant_engine::DecodeError::NewerFormat(2));
    assert!(error.to_string().contains("use the release that wrote it"), "{error}");
    assert_eq!(Lsn::default(), Lsn::NONE);
}

/// What is admitted must be readable again: the engine thread reads it without a second check.
#[test]
fn more_parts_than_payees_are_refused_before_they_are_encoded() {
    let capture = |parts: usize| {
        let part = Part { payee: Id::parse("payee", "shop").expect("an id"), amount_minor: 1 };
        let portion = Portion::Parts(std::iter::repeat_n(part, parts).collect());
        let portion = Money { currency: Some(Currency::EUR), portion };
        let payment = Id::parse("payment", "order").expect("an id");
        Command::Step(PaymentStep { payment, step: Step::Release { portion }, reason: None })
    };
    let most = capture(PAYEES_MAX);
    most.check().expect("as many as a payment has payees");
    let mut bytes = Vec::new();
    command::encode(&most, &mut bytes);
    let bytes: &'static [u8] = bytes.leak();
    assert_eq!(command::decode(bytes), Ok(most.clone()));
    let refused = capture(PAYEES_MAX + 1).check().expect_err("one more");
    assert_eq!((&*refused.field, refused.limit), ("parts", Some(PAYEES_MAX as u64)));
}
