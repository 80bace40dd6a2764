//! Refunds, returns and reversals: together never more than was captured.

use crate::bench::check;

#[test]
fn what_goes_back_is_capped_by_what_was_captured() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit floor 0
        pay p a b:60            => completed
        p refund 20             => completed 20
        p return 15             => completed 15
        p refund 26             => refund_exceeds_capture
        p reverse 25            => completed 25
        legs p                  => b 60 60 0 20 15 25
        p refund all            => refund_exceeds_capture
        p reverse 1             => refund_exceeds_capture
        sums a                  => 0 60 0 160
        sums b                  => 0 60 0 60
        ",
    );
}

#[test]
fn a_part_capture_is_refunded_while_the_rest_is_held() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit floor 0
        authorise p a b:60      => authorised
        p refund 1              => payment_not_refundable
        p capture 20            => authorised 20
        p refund 21             => refund_exceeds_capture
        p refund 20             => authorised 20
        p capture 10            => authorised 10
        p refund all            => authorised 10
        legs p                  => b 60 30 0 30 0 0
        p cancel                => completed cancelled_by_request
        legs p                  => b 60 30 30 30 0 0
        ",
    );
}

#[test]
fn only_a_reversal_goes_below_the_floor() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit floor 0
        account c credit
        pay p a b:60            => completed
        pay spent b c:50        => completed
        p refund 11             => insufficient_funds
        p return 11             => insufficient_funds
        p refund 10             => completed 10
        p reverse 50            => completed 50
        sums b                  => 0 110 0 60
        available b             => 0
        ",
    );
}

#[test]
fn a_reversal_passes_frozen_accounts_and_no_closed_one() {
    check(
        "
        account a credit floor 0 ceiling 100 has 0 0 0 100
        account b credit
        account c credit
        pay p a b:60            => completed
        pay q c a:60            => completed
        p refund 1              => ceiling_exceeded
        freeze b
        p refund 1              => debit_account_frozen
        p reverse 1             => completed 1
        freeze a
        p reverse 1             => completed 1
        close b
        p reverse 1             => debit_account_closed
        ",
    );
}

#[test]
fn fees_stay_taken() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit floor 0 has 0 0 0 5
        account f credit
        pay p a b:60 fee f:10:debtor fee f:5:creditor => completed
        p refund all            => completed 60
        sums a                  => 0 70 0 160
        sums b                  => 0 65 0 65
        sums f                  => 0 0 0 15
        ",
    );
}

#[test]
fn a_split_goes_back_by_parts() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        account c credit
        pay p a b:60,c:40       => completed
        p refund 10             => parts_required
        p refund b:61           => refund_exceeds_capture
        p refund b:60,c:1       => completed 61
        p refund b:1            => refund_exceeds_capture
        p reverse all           => completed 39
        legs p                  => b 60 60 0 60 0 0, c 40 40 0 1 0 39
        ",
    );
}
