//! Postings: what each does to the four sums, and what refuses it.

use crate::bench::check;

#[test]
fn a_posting_moves_money_and_keeps_all_sums() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        post a b 30         => ok
        sums a              => 0 30 0 100
        sums b              => 0 0 0 30
        post b a 10         => ok
        sums a              => 0 30 0 110
        sums b              => 0 10 0 30
        available a         => 80
        available b         => unlimited
        post a b max        => insufficient_funds
        sums a              => 0 30 0 110
        ",
    );
}

#[test]
fn a_hold_is_captured_or_released_in_parts() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit floor 0
        hold a b 60         => ok
        sums a              => 60 0 0 100
        sums b              => 0 0 60 0
        available a         => 40
        available b         => 0
        post b a 1          => insufficient_funds
        post a b 41         => insufficient_funds
        capture a b 25      => ok
        sums a              => 35 25 0 100
        sums b              => 0 0 35 25
        available a         => 40
        release a b 30      => ok
        sums a              => 5 25 0 100
        available a         => 70
        release a b 5       => ok
        sums a              => 0 25 0 100
        sums b              => 0 0 0 25
        ",
    );
}

#[test]
fn a_floor_guards_the_lowest_balance_that_holds_can_lead_to() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        post a b 100        => ok
        post a b 1          => insufficient_funds
        account c credit floor -50
        hold c b 50         => ok
        hold c b 1          => insufficient_funds
        post c b 1          => insufficient_funds
        account d credit floor 40 has 0 0 0 100
        post d b 61         => insufficient_funds
        post d b 60         => ok
        account e debit floor 0 has 0 100 0 0
        post b e 1          => ok
        sums e              => 0 100 0 1
        hold b e 99         => ok
        hold b e 1          => insufficient_funds
        available e         => 0
        account f credit floor 500 has 0 0 0 100
        available f         => 0
        post f b 1          => insufficient_funds
        post b f 1          => ok
        ",
    );
}

#[test]
fn a_ceiling_guards_the_highest_balance_that_holds_can_lead_to() {
    check(
        "
        account a credit
        account b credit ceiling 100
        post a b 60         => ok
        hold a b 40         => ok
        hold a b 1          => ceiling_exceeded
        post a b 1          => ceiling_exceeded
        release a b 40      => ok
        post a b 40         => ok
        post b a 1          => ok
        account c debit ceiling 100
        post c a 100        => ok
        post c a 1          => ceiling_exceeded
        hold c a 1          => ceiling_exceeded
        post a c 1          => ok
        account d credit ceiling -5
        post a d 1          => ceiling_exceeded
        post d a 1          => ok
        ",
    );
}

#[test]
fn captured_money_was_checked_when_it_was_held() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit ceiling 100
        hold a b 100        => ok
        capture a b 100     => ok
        sums a              => 0 100 0 100
        sums b              => 0 0 0 100
        ",
    );
}

#[test]
fn frozen_and_closed_accounts_refuse_but_holds_on_frozen_ones_are_released() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        hold a b 10         => ok
        freeze a
        post a b 1          => debit_account_frozen
        post b a 1          => credit_account_frozen
        hold a b 1          => debit_account_frozen
        hold b a 1          => credit_account_frozen
        capture a b 1       => debit_account_frozen
        force a b 1         => ok
        release a b 10      => ok
        sums a              => 0 1 0 100
        unfreeze a
        post a b 1          => ok
        close b
        post a b 1          => credit_account_closed
        post b a 1          => debit_account_closed
        hold a b 1          => credit_account_closed
        force a b 1         => credit_account_closed
        force b a 1         => debit_account_closed
        ",
    );
}

#[test]
fn a_correction_goes_below_the_floor_and_above_the_ceiling() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit ceiling 10
        force a b 150       => ok
        sums a              => 0 150 0 100
        available a         => 0
        post a b 1          => insufficient_funds
        post b a 50         => ok
        available a         => 0
        ",
    );
}

#[test]
fn sums_stop_below_their_limit() {
    check(
        "
        account a credit has 0 top 0 0
        account b credit has 0 0 0 top
        account c credit
        post a c 1          => balance_overflow
        force a c 1         => balance_overflow
        hold a c 1          => balance_overflow
        post c b 1          => balance_overflow
        force c b 1         => balance_overflow
        hold c b 1          => balance_overflow
        post c a 1          => ok
        ",
    );
}

#[test]
fn an_account_pays_nothing_to_itself() {
    check(
        "
        account a credit has 0 0 0 100
        post a a 1          => accounts_must_differ
        hold a a 1          => accounts_must_differ
        ",
    );
}

#[test]
#[should_panic(expected = "a hold ends with no more than it began with")]
fn more_than_was_held_is_never_released() {
    check(
        "
        account a credit has 0 0 0 100
        account b credit
        hold a b 10         => ok
        release a b 11      => ok
        ",
    );
}
