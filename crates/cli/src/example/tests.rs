//! The bank's books as data, and that the comparison can fail.

use std::collections::BTreeMap;

use serde_json::json;

use super::books::{ClosingBalance, Direction, Kind, closing_balances, movements};
use super::czech_bank::{Closing, closing_from, compare};

/// Minor units of a text with two decimals.
fn heller(text: &str) -> i64 {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    assert_eq!(digits.find('.'), Some(digits.len() - 3), "{text}");
    sign * digits.replace('.', "").parse::<i64>().unwrap()
}

#[test]
fn the_books_are_complete_and_agree_with_themselves() {
    let (movements, closing) = (movements().unwrap(), closing_balances().unwrap());
    assert_eq!((movements.len(), closing.len()), (48_938, 38_821));
    let mut balances: BTreeMap<&str, i64> = BTreeMap::new();
    let mut closing_by_day: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for movement in &movements {
        let balance = balances.entry(&movement.account).or_default();
        match movement.direction {
            Direction::Credit => *balance += heller(&movement.amount),
            Direction::Debit => *balance -= heller(&movement.amount),
        }
        closing_by_day.insert((&movement.date, &movement.account), *balance);
    }
    assert_eq!(balances.len(), 1_229);
    for row in &closing {
        let computed = closing_by_day.get(&(row.date.as_str(), row.account.as_str()));
        assert_eq!(computed, Some(&heller(&row.closing_balance)), "{row:?}");
    }
}

#[test]
fn every_kind_of_movement_becomes_the_payment_it_was() {
    let movements = movements().unwrap();
    let first = |kind, direction| {
        let found = movements.iter().find(|m| m.kind == kind && m.direction == direction);
        found.unwrap().payment()
    };
    let deposit = first(Kind::CashDeposit, Direction::Credit);
    assert_eq!(
        serde_json::Value::Object(deposit),
        json!({
            "id": "czech-695247", "type": "top_up", "creditor": "czech-2378", "amount": "700.00",
            "currency": "CZK", "channel": "branch", "metadata": {"booked_on": "1993-01-01"},
        })
    );
    let out = first(Kind::TransferOut, Direction::Debit);
    assert_eq!((&out["type"], out.contains_key("creditor")), (&json!("withdrawal"), false));
    let fee = first(Kind::AccountFee, Direction::Debit);
    assert_eq!((&fee["type"], &fee["creditor"]), (&json!("transfer"), &json!("czech-bank-fees")));
    let interest = first(Kind::Interest, Direction::Credit);
    assert_eq!(interest["debtor"], "czech-bank-interest");
}

#[test]
fn a_balance_that_differs_or_is_missing_is_found() {
    let row = |account: &str, balance: &str| ClosingBalance {
        date: "1993-01-02".into(),
        account: account.into(),
        closing_balance: balance.into(),
    };
    let day_of = BTreeMap::from([
        ("a".to_owned(), "1993-01-02"),
        ("b".to_owned(), "1993-01-02"),
        ("c".to_owned(), "1993-01-03"),
    ]);
    let entry = |payment: &str, balance: &str| json!({"payment": payment, "balance": balance});
    let mut courant = Closing::new();
    let entries = [entry("c", "9.00"), entry("b", "5.00"), entry("a", "3.00"), json!({})];
    closing_from("1", &entries, &day_of, &mut courant);
    assert_eq!(compare(&[row("1", "5.00")], &courant).differences, []);
    let found = compare(&[row("1", "5.10"), row("2", "1.00")], &courant);
    assert_eq!(found.compared, 2);
    let courant: Vec<_> = found.differences.iter().map(|d| d.courant.as_deref()).collect();
    assert_eq!(courant, [Some("5.00"), None]);
}
