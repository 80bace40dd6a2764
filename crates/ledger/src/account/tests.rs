//! Tests of balances, availability and status changes.

use super::*;

fn account(side: Side, limits: Limits, sums: Sums) -> Account {
    let terms = AccountTerms { currency: Currency::EUR, side, limits, code: 0 };
    let mut account = Account::new(Id::parse("id", "a").expect("valid"), terms);
    account.sums = sums;
    account
}

fn sums(dp: u128, d: u128, cp: u128, c: u128) -> Sums {
    Sums { debits_pending: dp, debits_posted: d, credits_pending: cp, credits_posted: c }
}

#[test]
fn available_is_balance_less_holds_less_floor() {
    let table = [
        (Side::Credit, Some(0), sums(10, 20, 5, 100), Some(70)),
        (Side::Credit, Some(-50), sums(10, 20, 5, 100), Some(120)),
        (Side::Credit, Some(90), sums(10, 20, 5, 100), Some(0)),
        (Side::Credit, None, sums(10, 20, 5, 100), None),
        (Side::Debit, Some(0), sums(10, 120, 5, 100), Some(15)),
        (Side::Debit, Some(0), sums(0, 100, 0, 120), Some(0)),
    ];
    for (side, floor, sums, expected) in table {
        let account = account(side, Limits { floor, ceiling: None }, sums);
        assert_eq!(account.available(), expected, "{side:?} {floor:?} {sums:?}");
    }
}

#[test]
fn closing_needs_nothing_left_and_is_final() {
    let open = |s| account(Side::Credit, Limits::NOT_NEGATIVE, s);
    assert_eq!(open(sums(0, 0, 0, 1)).closed(), Err(Reason::BalanceNotZero));
    assert_eq!(open(sums(1, 0, 0, 0)).closed(), Err(Reason::HoldsNotZero));
    assert_eq!(open(sums(0, 0, 1, 0)).closed(), Err(Reason::HoldsNotZero));
    let mut account = open(sums(0, 7, 0, 7));
    account.status = account.closed().expect("empty");
    assert_eq!(account.closed(), Err(Reason::AccountClosed));
    assert_eq!(account.frozen(), Err(Reason::AccountClosed));
    assert_eq!(account.unfrozen(), Err(Reason::AccountClosed));
    assert_eq!(account.limited(Limits::NONE), Err(Reason::AccountClosed));
}

#[test]
fn freezing_twice_and_crossed_limits_are_refused() {
    let mut account = account(Side::Credit, Limits::NOT_NEGATIVE, Sums::default());
    assert_eq!(account.unfrozen(), Err(Reason::AccountNotFrozen));
    account.status = account.frozen().expect("open");
    assert_eq!(account.frozen(), Err(Reason::AccountAlreadyFrozen));
    assert_eq!(account.unfrozen(), Ok(AccountStatus::Open));
    let crossed = Limits { floor: Some(1), ceiling: Some(0) };
    assert_eq!(account.limited(crossed), Err(Reason::LimitsCrossed));
}
