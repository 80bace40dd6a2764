//! A running node: what is acknowledged is there, once, before and after restarts.

use crate::common::{ME, balance, call, eur, id, open_account};
use courant_node::engine::Command;
use courant_node::engine::command::{Money, PaymentStep, Step};
use courant_node::ledger::{Currency, GiveBack, Mode, Order, Portion, Reason, Status};
use courant_node::{Node, NodeOptions, Reply, Request, order_in, payment_in};

fn status(reply: Reply) -> (Option<Status>, bool) {
    match reply {
        Reply::Recorded { status, repeat, .. } => (status, repeat),
        other => panic!("{other:?}"),
    }
}

struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Directory {
        Directory(tempfile::tempdir().expect("a directory"))
    }

    fn open(&self) -> Node {
        Node::open(self.0.path(), NodeOptions::small()).expect("it opens")
    }
}

#[test]
fn money_moves_once_and_survives_a_restart() {
    let directory = Directory::new();
    let node = directory.open();
    for name in ["alice", "bob"] {
        call(&node, &open_account(name));
    }
    let top_up = Command::Pay(Order::top_up(id("t-1"), id("alice"), eur(10_000)));
    assert_eq!(status(call(&node, &top_up)), (Some(Status::Completed), false));
    assert_eq!(status(call(&node, &top_up)), (Some(Status::Completed), true));
    let pay = Command::Pay(Order::transfer(id("p-1"), id("alice"), id("bob"), eur(1_234)));
    assert_eq!(status(call(&node, &pay)), (Some(Status::Completed), false));
    let other = Command::Pay(Order::transfer(id("p-1"), id("alice"), id("bob"), eur(1_235)));
    let conflict = Reply::Refused { reason: Reason::IdempotencyConflict, index: None };
    assert_eq!(call(&node, &other), conflict);
    let poor = Command::Pay(Order::transfer(id("p-2"), id("bob"), id("alice"), eur(9_999)));
    assert_eq!(status(call(&node, &poor)), (Some(Status::Rejected), false));
    node.close();

    let node = directory.open();
    assert_eq!((balance(&node, "alice"), balance(&node, "bob")), (8_766, 1_234));
    assert_eq!(status(call(&node, &pay)), (Some(Status::Completed), true));
    assert_eq!(call(&node, &other), conflict);
    let trial = node.trial_balance().wait().expect("running");
    assert!(trial.balanced);
    assert_eq!(trial.payments, 3);
}

#[test]
fn old_payments_are_found_refunded_and_never_repeated() {
    let directory = Directory::new();
    let node = directory.open();
    for name in ["alice", "bob"] {
        call(&node, &open_account(name));
    }
    let top_up = Order::top_up(id("t"), id("alice"), eur(1_000_000));
    call(&node, &Command::Pay(top_up));
    let hold = Order {
        mode: Mode::Authorise,
        ..Order::transfer(id("hold"), id("alice"), id("bob"), eur(500))
    };
    call(&node, &Command::Pay(hold.clone()));
    let capture = |child| {
        let portion = Money { currency: Some(Currency::EUR), portion: Portion::Total(200) };
        let step = Step::Capture { child: id(child), portion, release_rest: true };
        Command::Step(PaymentStep { payment: id("hold"), step, reason: None })
    };
    let names: Vec<String> = (0..1_000).map(|n| format!("p-{n}")).collect();
    let pay = |n: usize| Order::transfer(id(&names[n]), id("alice"), id("bob"), eur(1));
    let mut request = Request::default();
    (0..500).for_each(|n| request.push(ME, &Command::Pay(pay(n))).expect("valid"));
    node.submit(request).expect("taken").wait().expect("answered");
    let first = call(&node, &capture("c-1"));
    assert_eq!(status(first), (Some(Status::Completed), false));
    for n in 500..1_000 {
        call(&node, &Command::Pay(pay(n)));
    }
    node.snapshot().expect("a snapshot");
    let node = {
        node.close();
        directory.open()
    };
    assert!(node.stats().id_runs > 0, "generations of 60 ids were sealed: {:?}", node.stats());
    for n in (0..1_000).step_by(37) {
        let again = call(&node, &Command::Pay(pay(n)));
        assert_eq!(status(again), (Some(Status::Completed), true), "payment {n}");
        let read =
            node.payment(id(&names[n])).wait().expect("running").expect("kept").expect("there");
        let record = read.origin_record().expect("sound");
        let order = order_in(&record, read.id.as_id()).expect("it made the payment");
        assert_eq!(order.id.as_str(), names[n]);
    }
    let again = call(&node, &capture("c-1"));
    assert_eq!(status(again), (Some(Status::Completed), true));
    let refund = |child, minor| {
        let portion = Money { currency: Some(Currency::EUR), portion: Portion::Total(minor) };
        let step = Step::GiveBack { child: id(child), why: GiveBack::Refund, portion };
        Command::Step(PaymentStep { payment: id("hold"), step, reason: None })
    };
    let before = balance(&node, "bob");
    let refunded = call(&node, &refund("r-1", 150));
    assert_eq!(status(refunded), (Some(Status::Completed), false));
    assert!(status(call(&node, &refund("r-1", 150))).1);
    let too_much = Reply::Refused { reason: Reason::RefundExceedsCapture, index: None };
    assert_eq!(call(&node, &refund("r-2", 51)), too_much);
    assert_eq!(balance(&node, "bob"), before - 150);
    let read = node.payment(id("hold")).wait().expect("running").expect("kept").expect("there");
    let latest = read.latest_record().expect("sound");
    let payment = payment_in(&latest, id("hold")).expect("it is about it");
    assert_eq!(payment.legs[0].refunded_minor, 150);
    assert_ne!(read.origin_lsn, read.latest_lsn);
    let unknown =
        Command::Step(PaymentStep { payment: id("nobody"), step: Step::Cancel, reason: None });
    let not_found = Reply::Refused { reason: Reason::PaymentNotFound, index: None };
    assert_eq!(call(&node, &unknown), not_found);
}

#[test]
fn many_threads_and_many_repeats_move_each_payment_once() {
    let directory = Directory::new();
    let node = directory.open();
    for name in ["alice", "bob"] {
        call(&node, &open_account(name));
    }
    call(&node, &Command::Pay(Order::top_up(id("t"), id("alice"), eur(1_000_000))));
    std::thread::scope(|scope| {
        for thread in 0..8usize {
            let node = node.clone();
            scope.spawn(move || {
                for n in 0..300 {
                    // Every payment is sent by two threads, the second time a little later.
                    let name = format!("p-{}-{n}", thread / 2);
                    let order = Order::transfer(id(&name), id("alice"), id("bob"), eur(1));
                    let reply = call(&node, &Command::Pay(order));
                    assert_eq!(status(reply).0, Some(Status::Completed));
                }
            });
        }
    });
    assert_eq!(balance(&node, "bob"), 4 * 300);
    let trial = node.trial_balance().wait().expect("running");
    assert_eq!(trial.payments, 1 + 4 * 300);
    assert!(trial.balanced);
}
