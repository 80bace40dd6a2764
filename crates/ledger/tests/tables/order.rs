//! The form of an order: every field that is missing, too much, zero or in the wrong company.

use courant_ledger::{
    Bearer, Currency, Details, FEES_MAX, Fee, FieldProblem, Id, Mode, Order, OrderKind, PAYEES_MAX,
    Payee, Timestamp, outside_account,
};

fn id(text: &'static str) -> Id<'static> {
    Id::parse("id", text).expect("the ids of these tests are valid")
}

fn payee(name: &'static str, amount_minor: u64) -> Payee<'static> {
    Payee { creditor: id(name), amount_minor }
}

fn fee(name: &'static str, amount_minor: u64, bearer: Bearer) -> Fee<'static> {
    Fee { account: id(name), amount_minor, bearer }
}

fn names(count: usize) -> impl Iterator<Item = &'static str> {
    // Few and short: they live as long as the test.
    (0..count).map(|at| -> &'static str { format!("payee{at}").leak() })
}

/// An order with nothing wrong: a split with a fee, authorised for a later time.
fn good() -> Order<'static> {
    Order {
        id: id("order-1"),
        kind: OrderKind::Transfer,
        mode: Mode::Authorise,
        debtor: id("a"),
        payees: [payee("b", 5), payee("c", 6)].into_iter().collect(),
        fees: [fee("f", 1, Bearer::Debtor)].into_iter().collect(),
        currency: Currency::EUR,
        execute_at: Some(Timestamp::from_seconds(10)),
        expires_at: Some(Timestamp::from_seconds(20)),
        details: Details::default(),
    }
}

type Change = fn(&mut Order<'static>);

/// Each row: what is changed about the good order, and the field, code and limit of the refusal.
fn check(rows: &[(Change, &str, FieldProblem, Option<u64>)]) {
    good().check().expect("the order that the rows change is a good one");
    for (at, (change, field, code, limit)) in rows.iter().enumerate() {
        let mut order = good();
        change(&mut order);
        let error = order.check().expect_err(&format!("row {at}: {field} is wrong"));
        assert_eq!((&*error.field, error.code, error.limit), (*field, *code, *limit), "row {at}");
        assert!(!error.sentence().is_empty());
    }
}

#[test]
fn lists_have_a_length() {
    use FieldProblem::{Missing, TooMany};
    check(&[
        (|o| o.payees.clear(), "payees", Missing, None),
        (
            |o| o.payees = names(PAYEES_MAX + 1).map(|n| payee(n, 1)).collect(),
            "payees",
            TooMany,
            Some(100),
        ),
        (
            |o| o.fees = (0..=FEES_MAX).map(|_| fee("f", 1, Bearer::Debtor)).collect(),
            "fees",
            TooMany,
            Some(16),
        ),
        (
            |o| o.details.metadata = names(17).map(|n| (n, "v")).collect(),
            "metadata",
            TooMany,
            Some(16),
        ),
    ]);
    let mut most = good();
    most.payees = names(PAYEES_MAX).map(|n| payee(n, 1)).collect();
    most.fees = (0..FEES_MAX).map(|_| fee("f", 1, Bearer::Debtor)).collect();
    assert_eq!(most.check(), Ok(()));
}

#[test]
fn amounts_are_above_zero() {
    use FieldProblem::Zero;
    check(&[
        (|o| o.payees[1].amount_minor = 0, "payees[1].amount", Zero, None),
        (|o| o.payees = [payee("b", 0)].into_iter().collect(), "amount", Zero, None),
        (|o| o.fees[0].amount_minor = 0, "fees[0].amount", Zero, None),
    ]);
}

#[test]
fn what_does_not_go_together_is_refused() {
    use FieldProblem::NotAllowed;
    check(&[
        (|o| o.payees[1].creditor = id("b"), "payees[1].creditor", NotAllowed, None),
        (|o| o.fees[0].bearer = Bearer::Creditor, "fees[0].bearer", NotAllowed, None),
        (|o| o.mode = Mode::Pay, "expires_at", NotAllowed, None),
        (|o| o.expires_at = o.execute_at, "expires_at", NotAllowed, None),
        (|o| o.expires_at = Some(Timestamp::from_seconds(9)), "expires_at", NotAllowed, None),
        (|o| o.mode = Mode::AwaitConfirmation, "mode", NotAllowed, None),
    ]);
}

#[test]
fn the_outside_world_stands_only_where_it_belongs() {
    use FieldProblem::NotAllowed;
    const OUTSIDE: fn() -> Id<'static> = || outside_account(Currency::EUR);
    check(&[
        (|o| o.debtor = OUTSIDE(), "debtor", NotAllowed, None),
        (|o| o.payees[0].creditor = OUTSIDE(), "debtor", NotAllowed, None),
        (|o| o.fees[0].account = OUTSIDE(), "fees[0].account", NotAllowed, None),
        (|o| o.kind = OrderKind::TopUp, "debtor", NotAllowed, None),
        (|o| o.kind = OrderKind::Withdrawal, "debtor", NotAllowed, None),
        (
            |o| {
                o.kind = OrderKind::TopUp;
                o.debtor = OUTSIDE();
            },
            "payees",
            NotAllowed,
            None,
        ),
        (
            |o| {
                o.kind = OrderKind::TopUp;
                o.debtor = OUTSIDE();
                o.payees.truncate(1);
            },
            "mode",
            NotAllowed,
            None,
        ),
        (
            |o| {
                o.kind = OrderKind::Withdrawal;
                o.debtor = OUTSIDE();
                o.payees[0].creditor = OUTSIDE();
                o.payees.truncate(1);
            },
            "debtor",
            NotAllowed,
            None,
        ),
    ]);
}

#[test]
fn texts_keep_their_rules() {
    use FieldProblem::{BadCharacter, Duplicate, TooLong, TooShort};
    check(&[
        (|o| o.details.channel = Some(""), "channel", TooShort, Some(1)),
        (|o| o.details.channel = Some("Mobile"), "channel", BadCharacter, None),
        (
            |o| o.details.end_to_end_id = Some("123456789012345678901234567890123456"),
            "end_to_end_id",
            TooLong,
            Some(35),
        ),
        (|o| o.details.remittance = Some("two\nlines"), "remittance", BadCharacter, None),
        (|o| o.details.metadata.push(("a b", "")), "metadata", BadCharacter, None),
        (|o| o.details.metadata.push(("a", "\u{0}")), "metadata.a", BadCharacter, None),
        (|o| o.details.metadata.extend([("a", "1"), ("a", "2")]), "metadata", Duplicate, None),
    ]);
}

#[test]
fn every_kind_has_its_modes() {
    let allowed = [
        (OrderKind::Transfer, [true, true, false]),
        (OrderKind::TopUp, [true, false, true]),
        (OrderKind::Withdrawal, [true, true, true]),
    ];
    for (kind, modes) in allowed {
        for (mode, allowed) in
            [Mode::Pay, Mode::Authorise, Mode::AwaitConfirmation].into_iter().zip(modes)
        {
            let amount = courant_ledger::Amount::new(5, Currency::EUR);
            let order = match kind {
                OrderKind::Transfer => Order::transfer(id("o"), id("a"), id("b"), amount),
                OrderKind::TopUp => Order::top_up(id("o"), id("b"), amount),
                OrderKind::Withdrawal => Order::withdrawal(id("o"), id("a"), amount),
            };
            let order = Order { mode, ..order };
            assert_eq!(order.check().is_ok(), allowed, "{kind:?} {mode:?}");
        }
    }
}

#[test]
fn the_total_of_the_payees_may_overflow_and_says_so() {
    let mut order = good();
    assert_eq!(order.total_minor(), Some(11));
    order.payees[0].amount_minor = u64::MAX;
    assert_eq!(order.total_minor(), None);
}
