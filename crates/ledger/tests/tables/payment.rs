//! The life of a payment: every step in every status, and what each does to the money.

use crate::bench::{check, is_status};

/// How a payment comes to each status. Every one is of 60 from `a`, which has 100, to `b`.
const WAYS: [(&str, &str); 11] = [
    ("scheduled", "authorise p a b:60 at 2000 => received scheduled"),
    ("awaiting", "await_top_up p outside b:60 => pending awaiting_funds"),
    ("authorised", "authorise p a b:60 => authorised"),
    (
        "part",
        "authorise p a b:60 => authorised
         p capture 20 => authorised 20",
    ),
    ("processing", "await_withdrawal p a outside:60 => processing awaiting_confirmation"),
    (
        "inquiry",
        "await_withdrawal p a outside:60 => processing awaiting_confirmation
         p inquire => pending inquiry",
    ),
    ("completed", "pay p a b:60 => completed"),
    (
        "refunded",
        "pay p a b:60 => completed
         p refund all => completed 60",
    ),
    (
        "rejected",
        "await_withdrawal p a outside:60 => processing awaiting_confirmation
         p refuse => rejected outside_refused",
    ),
    (
        "cancelled",
        "authorise p a b:60 => authorised
         p cancel => cancelled cancelled_by_request",
    ),
    (
        "expired",
        "authorise p a b:60 => authorised
         p expire => expired hold_expired",
    ),
];

/// The steps and the one word with which each refuses a payment in the wrong status.
const STEPS: [(&str, &str); 9] = [
    ("capture all", "payment_not_capturable"),
    ("release all", "payment_not_authorised"),
    ("increment 5", "increment_not_possible"),
    ("cancel", "payment_not_cancellable"),
    ("confirm", "payment_not_confirmable"),
    ("refuse", "payment_not_confirmable"),
    ("inquire", "payment_not_confirmable"),
    ("refund 1", "payment_not_refundable"),
    ("reverse all", "payment_not_refundable"),
];

/// `-` stands for the refusal of the step; a status for where the payment stands after it.
const MATRIX: &str = "
           capture   release   increment  cancel    confirm   refuse   inquire refund     reverse
scheduled  -         -         -          cancelled -         -        -       -          -
awaiting   -         -         -          cancelled completed rejected -       -          -
authorised completed cancelled authorised cancelled -         -        -       -          -
part       completed completed authorised completed -         -        -       authorised authorised
processing -         -         -          -         completed rejected pending -          -
inquiry    -         -         -          -         completed rejected -       -          -
completed  -         -         -          -         -         -        -       completed  completed
refunded   -         -         -          -         -         -        -       !          !
rejected   -         -         -          -         -         -        -       -          -
cancelled  -         -         -          -         -         -        -       -          -
expired    -         -         -          -         -         -        -       -          -
";

#[test]
fn every_step_in_every_status() {
    let rows: Vec<&str> = MATRIX.lines().skip(2).filter(|row| !row.is_empty()).collect();
    assert_eq!(rows.len(), WAYS.len());
    for (row, (name, way)) in rows.iter().zip(WAYS) {
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!((cells[0], cells.len()), (name, STEPS.len() + 1), "{row}");
        for (cell, (step, refusal)) in cells[1..].iter().zip(STEPS) {
            let expected = match *cell {
                "-" => refusal.to_string(),
                "!" => "refund_exceeds_capture".to_string(),
                status => outcome(name, step, status),
            };
            check(&format!("{ACCOUNTS}\n{way}\np {step} => {expected}"));
        }
    }
}

const ACCOUNTS: &str = "account a credit floor 0 has 0 0 0 100
                        account b credit floor 0";

/// What is said beside the status: what was moved, and why it stands there.
fn outcome(from: &str, step: &str, status: &str) -> String {
    assert!(is_status(status), "{status}");
    let left = if from == "part" { "40" } else { "60" };
    match (step, status) {
        ("capture all", _) => format!("{status} {left}"),
        ("release all", "cancelled") | ("cancel", _) => format!("{status} cancelled_by_request"),
        ("refuse", _) => format!("{status} outside_refused"),
        ("inquire", _) => format!("{status} inquiry"),
        ("refund 1", _) => format!("{status} 1"),
        ("reverse all", _) => format!("{status} {}", if left == "40" { "20" } else { "60" }),
        _ => status.to_string(),
    }
}

#[test]
fn a_payment_is_posted_at_once() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        pay one a b:100         => completed
        legs one                => b 100 100 0 0 0 0
        sums a                  => 0 100 0 100
        pay two a b:1           => insufficient_funds
        pay three nobody b:1    => debit_account_not_found
        pay four a nobody:1     => credit_account_not_found
        pay five a a:1          => accounts_must_differ
        ",
    );
}

#[test]
fn a_hold_is_captured_in_parts_until_nothing_is_left() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        authorise p a b:60      => authorised
        available a             => 40
        p capture 20            => authorised 20
        p capture 41            => capture_exceeds_hold
        p capture 40            => completed 40
        legs p                  => b 60 60 0 0 0 0
        sums a                  => 0 60 0 100
        sums b                  => 0 0 0 60
        p capture 1             => payment_not_capturable
        ",
    );
}

#[test]
fn the_last_capture_can_release_the_rest() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        authorise p a b:60      => authorised
        p capture 20 rest       => completed 20
        legs p                  => b 60 20 40 0 0 0
        sums a                  => 0 20 0 100
        available a             => 80
        ",
    );
}

#[test]
fn a_hold_is_released_in_parts_until_it_is_cancelled() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        authorise p a b:60      => authorised
        p release 20            => authorised
        p release 41            => release_exceeds_hold
        available a             => 60
        p release 40            => cancelled cancelled_by_request
        legs p                  => b 60 0 60 0 0 0
        sums a                  => 0 0 0 100
        authorise q a b:60      => authorised
        q capture 1             => authorised 1
        q release all           => completed
        legs q                  => b 60 1 59 0 0 0
        ",
    );
}

#[test]
fn an_increment_holds_more_under_the_same_payment() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        account f credit
        authorise p a b:60 fee f:10:debtor => authorised
        p increment 31          => insufficient_funds
        p increment 30          => authorised
        available a             => 0
        p capture all           => completed 90
        legs p                  => b 90 90 0 0 0 0, f 10 10 0 0 0 0
        account big credit
        authorise q big b:5 fee f:5:debtor => authorised
        q increment max         => amount_overflow
        q increment 18446744073709551606   => amount_overflow
        q increment 18446744073709551605   => authorised
        authorise r big b:5,f:5 => authorised
        r increment 5           => increment_not_possible
        ",
    );
}

#[test]
fn what_was_captured_stays_captured_when_the_rest_ends() {
    for (step, end) in
        [("expire", "completed hold_expired"), ("cancel", "completed cancelled_by_request")]
    {
        check(&format!(
            "
            account a credit floor 0 has 0 0 0 100
            account b credit
            account f credit
            authorise p a b:60 fee f:10:debtor => authorised
            p capture 20        => authorised 20
            p {step}            => {end}
            legs p              => b 60 20 40 0 0 0, f 10 10 0 0 0 0
            sums a              => 0 30 0 100
            sums b              => 0 0 0 20
            "
        ));
    }
}

#[test]
fn an_expiry_before_any_capture_releases_the_fees_too() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        account f credit
        authorise p a b:60 fee f:10:debtor fee f:5:creditor => authorised
        available a             => 30
        p expire                => expired hold_expired
        legs p                  => b 60 0 60 0 0 0, f 10 0 10 0 0 0, f 5 0 5 0 0 0
        sums a                  => 0 0 0 100
        sums f                  => 0 0 0 0
        ",
    );
}

#[test]
fn holds_are_captured_from_no_frozen_account_and_released_from_any() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        account c credit
        authorise p a b:20,c:20 => authorised
        p capture b:20          => authorised 20
        freeze b
        p capture all           => completed 20
        authorise q a c:20      => authorised
        freeze a
        q capture all           => debit_account_frozen
        q cancel                => cancelled cancelled_by_request
        ",
    );
}

#[test]
fn money_from_outside_is_awaited() {
    check(
        "
        account a credit ceiling 100
        await_top_up p outside a:60 until 2000 => pending awaiting_funds
        sums a                  => 0 0 0 0
        p confirm               => completed
        sums a                  => 0 0 0 60
        sums outside            => 0 60 0 0
        expires p               => 2000
        await_top_up q outside a:60 => pending awaiting_funds
        q confirm               => ceiling_exceeded
        q refuse                => rejected outside_refused
        await_top_up r outside a:60 until 2000 => pending awaiting_funds
        r expire                => expired funding_expired
        sums a                  => 0 0 0 60
        ",
    );
}

#[test]
fn money_on_its_way_outside_is_held_until_the_outcome_is_known() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account f credit
        await_withdrawal p a outside:60 fee f:5:debtor => processing awaiting_confirmation
        available a             => 35
        p inquire               => pending inquiry
        available a             => 35
        p confirm               => completed
        sums a                  => 0 65 0 100
        sums f                  => 0 0 0 5
        await_withdrawal q a outside:35 => processing awaiting_confirmation
        q refuse                => rejected outside_refused
        sums a                  => 0 65 0 100
        ",
    );
}

#[test]
fn a_scheduled_payment_is_decided_when_its_time_has_come() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        pay p a b:60 at 2000    => received scheduled
        pay q a b:60 at 2000    => received scheduled
        available a             => 100
        now 2000
        p execute               => completed
        q execute               => insufficient_funds
        authorise r a b:10 at 3000 until 4000 => received scheduled
        now 4000
        r execute               => expiry_past
        pay s a b:1 at 4000     => completed
        ",
    );
}

#[test]
fn what_waits_ends_by_itself_after_seven_days_from_when_it_begins() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        pay o a b:1             => completed
        expires o               => never
        authorise p a b:1       => authorised
        expires p               => 605800
        await_top_up q outside a:1 => pending awaiting_funds
        expires q               => 605800
        q expire                => expired funding_expired
        await_top_up r outside a:1 at 2000 => received scheduled
        expires r               => never
        now 2000
        r execute               => pending awaiting_funds
        expires r               => 606800
        await_withdrawal s a outside:1 => processing awaiting_confirmation
        expires s               => never
        ",
    );
}

#[test]
fn times_have_a_horizon_of_366_days() {
    check(
        "
        account a credit floor 0 has 0 0 0 100
        account b credit
        pay p a b:1 at 31623400         => received scheduled
        pay q a b:1 at 31623401         => execution_too_far
        authorise r a b:1 until 31623400 => authorised
        authorise s a b:1 until 31623401 => expiry_too_far
        authorise t a b:1 until 1000    => expiry_past
        authorise u a b:1 until 1001    => authorised
        ",
    );
}
