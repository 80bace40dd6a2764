//! The table of accounts: numbers, look-up by id, totals, and what it refuses to do.

use courant_ledger::{
    Account, AccountNo, AccountTerms, Accounts, Currency, Draft, Force, Id, Limits, Move, Side,
    Sums, Tagger, Touched, assert_balanced,
};

fn account(name: &str, currency: Currency) -> Account {
    let terms = AccountTerms { currency, side: Side::Credit, limits: Limits::NONE, code: 0 };
    Account::new(Id::parse("id", name).expect("the names here are ids"), terms)
}

fn accounts(names: &[&str], currency: Currency) -> Accounts {
    let mut accounts = Accounts::new(Tagger::new(1));
    for (no, name) in names.iter().enumerate() {
        accounts.put(AccountNo(no as u32), account(name, currency));
    }
    accounts
}

#[test]
fn accounts_are_numbered_in_order_and_found_by_their_ids() {
    let mut accounts = Accounts::new(Tagger::new(1));
    assert!(accounts.is_empty());
    for no in 0..40_000u32 {
        assert_eq!(accounts.next_no(), Some(AccountNo(no)));
        accounts.put(AccountNo(no), account(&format!("account-{no}"), Currency::EUR));
    }
    for no in (0..40_000).step_by(7) {
        let name = format!("account-{no}");
        let id = Id::parse("id", &name).expect("a valid id");
        assert_eq!(accounts.find(id), Some(AccountNo(no)));
        assert_eq!(accounts.get(AccountNo(no)).id(), id);
    }
    assert_eq!(accounts.find(Id::parse("id", "account-40000").expect("valid")), None);
    let rest: Vec<u32> = accounts.iter_from(AccountNo(39_998)).map(|(no, _)| no.0).collect();
    assert_eq!(rest, [39_998, 39_999]);
}

#[test]
fn totals_follow_every_change_per_currency() {
    let mut accounts = accounts(&["a", "b"], Currency::EUR);
    accounts.put(AccountNo(2), account("c", Currency::JPY));
    let sums =
        |debits_posted, credits_posted| Sums { debits_posted, credits_posted, ..Sums::default() };
    accounts.set_sums(AccountNo(0), sums(10, 0), 1);
    accounts.set_sums(AccountNo(1), sums(0, 10), 1);
    accounts.set_sums(AccountNo(2), sums(3, 4), 2);
    accounts.set_sums(AccountNo(0), sums(15, 0), 3);
    let totals: Vec<(Currency, Sums)> = accounts.totals().collect();
    assert_eq!(totals, [(Currency::JPY, sums(3, 4)), (Currency::EUR, sums(15, 10))]);
    assert_eq!(accounts.get(AccountNo(0)).last_record, 3);
}

#[test]
#[should_panic(expected = "keeps its id")]
fn an_account_keeps_its_id() {
    accounts(&["a"], Currency::EUR).put(AccountNo(0), account("b", Currency::EUR));
}

#[test]
#[should_panic(expected = "and its currency")]
fn an_account_keeps_its_currency() {
    accounts(&["a"], Currency::EUR).put(AccountNo(0), account("a", Currency::JPY));
}

fn touched(accounts: &Accounts, no: u32, after: Sums) -> Touched {
    let id = accounts.get(AccountNo(no)).id_buf();
    Touched { no: AccountNo(no), id, after, previous: 0 }
}

#[test]
#[should_panic(expected = "debits and credits differ in EUR")]
fn one_sided_changes_stop_the_process() {
    let accounts = accounts(&["a", "b"], Currency::EUR);
    let after = |credits_posted| Sums { credits_posted, ..Sums::default() };
    let touched = [(0, 5), (1, 4)].map(|(no, c)| touched(&accounts, no, after(c)));
    assert_balanced(&accounts, &touched);
}

#[test]
#[should_panic(expected = "debits and credits differ in EUR")]
fn what_one_currency_lacks_another_does_not_make_up() {
    let mut accounts = accounts(&["a"], Currency::EUR);
    accounts.put(AccountNo(1), account("b", Currency::JPY));
    let debit = Sums { debits_posted: 5, ..Sums::default() };
    let credit = Sums { credits_posted: 5, ..Sums::default() };
    let touched = [(0, debit), (1, credit)].map(|(no, after)| touched(&accounts, no, after));
    assert_balanced(&accounts, &touched);
}

#[test]
#[should_panic(expected = "a move between two currencies")]
fn money_never_changes_its_currency() {
    let mut accounts = accounts(&["a"], Currency::EUR);
    accounts.put(AccountNo(1), account("b", Currency::JPY));
    let step = Move { debit: AccountNo(0), credit: AccountNo(1), amount_minor: 1 };
    let _ = Draft::new(&accounts).post(step, Force::No);
}

/// A draft finds its accounts in another way from the ninth on.
#[test]
fn a_draft_over_many_accounts_adds_up_like_one_over_few() {
    let names: Vec<String> = (0..40).map(|no| format!("a{no}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let accounts = accounts(&names, Currency::EUR);
    let mut draft = Draft::new(&accounts);
    for round in 0..5 {
        for no in 1..40 {
            let (debit, credit) = (AccountNo(0), AccountNo(no));
            let amount_minor = u64::from(no) + round;
            draft.post(Move { debit, credit, amount_minor }, Force::No).expect("no limits");
        }
    }
    let touched = draft.finish();
    assert_eq!(touched.len(), 40);
    for t in touched {
        let no = u128::from(t.no.0);
        let expected = if no == 0 { (5 * 780 + 10 * 39, 0) } else { (0, 5 * no + 10) };
        assert_eq!((t.after.debits_posted, t.after.credits_posted), expected, "account {no}");
    }
}
