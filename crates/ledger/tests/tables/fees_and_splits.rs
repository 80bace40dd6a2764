//! Payments with fees and with several payees.

use crate::bench::check;

#[test]
fn a_fee_of_the_debtor_comes_on_top_and_one_of_the_creditor_from_what_it_received() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit floor 0
        account f credit
        pay p a b:60 fee f:10:debtor fee f:5:creditor => completed
        sums a                  => 0 70 0 100
        sums b                  => 0 5 0 60
        sums f                  => 0 0 0 15
        pay q a b:30 fee f:1:debtor => insufficient_funds
        pay r a b:3 fee f:59:creditor => payment_below_fee
        pay r2 a b:31 fee f:1:creditor => insufficient_funds
        pay s a b:3 fee f:58:creditor => completed
        pay t a b:1 fee nobody:1:debtor => fee_account_not_found
        pay u a b:1 fee a:1:debtor  => accounts_must_differ
        pay v a b:1 fee b:1:creditor => accounts_must_differ
        ",
    );
}

#[test]
fn fees_are_held_with_the_principal_and_taken_with_the_first_capture() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit floor 0
        account f credit
        authorise p a b:60 fee f:10:debtor fee f:5:creditor => authorised
        sums a                  => 70 0 0 100
        p capture 4             => capture_below_fee
        p capture 20            => authorised 20
        sums a                  => 40 30 0 100
        sums b                  => 0 5 40 20
        sums f                  => 0 0 0 15
        p capture 10            => authorised 10
        sums f                  => 0 0 0 15
        p capture all           => completed 30
        legs p                  => b 60 60 0 0 0 0, f 10 10 0 0 0 0, f 5 5 0 0 0 0
        ",
    );
}

#[test]
fn a_first_capture_below_the_payees_fee_needs_money_of_the_payees_own() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit floor 0 has 0 0 0 1
        account f credit ceiling 4
        authorise p a b:60 fee f:5:creditor => authorised
        p capture 3             => capture_below_fee
        p capture 4             => ceiling_exceeded
        authorise q a b:10 fee f:2:creditor fee f:2:creditor => authorised
        q capture 2             => capture_below_fee
        q capture 3             => authorised 3
        sums b                  => 0 4 67 4
        q capture 1             => authorised 1
        ",
    );
}

#[test]
fn a_release_of_everything_gives_the_fees_back() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        account f credit
        authorise p a b:60 fee f:10:debtor => authorised
        p release 59            => authorised
        sums a                  => 11 0 0 100
        p release 1             => cancelled cancelled_by_request
        sums a                  => 0 0 0 100
        ",
    );
}

#[test]
fn a_split_pays_all_payees_or_none() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        account c credit ceiling 30
        pay p a b:50,c:31       => ceiling_exceeded
        sums b                  => 0 0 0 0
        pay q a b:71,c:30       => insufficient_funds
        pay r a b:70,c:30       => completed
        sums a                  => 0 100 0 100
        sums c                  => 0 0 0 30
        account d credit
        pay s d b:max,c:1       => amount_overflow
        pay t d b:max fee c:1:debtor => amount_overflow
        ",
    );
}

#[test]
fn a_split_hold_is_captured_and_released_by_parts() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        account c credit
        account f credit
        authorise p a b:40,c:30 fee f:5:debtor => authorised
        p capture 10            => parts_required
        p capture b:10,nobody:1 => part_payee_unknown
        p capture b:10,b:10     => part_payee_unknown
        p capture f:5           => part_payee_unknown
        p capture b:41          => capture_exceeds_hold
        p capture b:10,c:30     => authorised 40
        legs p                  => b 40 10 0 0 0 0, c 30 30 0 0 0 0, f 5 5 0 0 0 0
        p release c:1           => release_exceeds_hold
        p release b:10          => authorised
        p capture all           => completed 20
        legs p                  => b 40 30 10 0 0 0, c 30 30 0 0 0 0, f 5 5 0 0 0 0
        sums a                  => 0 65 0 100
        ",
    );
}
