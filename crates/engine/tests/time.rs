//! What depends on the time: the owner's clock may stand still or go back, the engine's never does.

use courant_engine::command::{Command, CreateKey, Money, OpenAccount, PaymentStep, Step};
use courant_engine::{
    Applied, Caller, Decision, Engine, EngineOptions, Facts, Lsn, Outcome, SCOPE_ADMIN,
};
use courant_ledger::{
    AccountTerms, Amount, Currency, Id, Limits, Mode, Order, Portion, Reason, Side, Timestamp,
};

struct Bench {
    engine: Engine,
}

impl Bench {
    /// Two accounts, the first with 100.00, at the time of 100 s.
    fn new() -> Bench {
        let (recent_ids, open_payments_max) = (100, 100);
        let options = EngineOptions { secret: 1, recent_ids, open_payments_max, generation: 0 };
        let mut bench = Bench { engine: Engine::new(options) };
        for name in ["a", "b"] {
            let limits = Limits::NOT_NEGATIVE;
            let (currency, side) = (Currency::EUR, Side::Credit);
            let terms = AccountTerms { currency, side, limits, code: 0 };
            let (name, metadata) = (id(name), Default::default());
            let open = OpenAccount { id: name, terms, name: None, metadata };
            bench.record(100, &Command::OpenAccount(open));
        }
        bench.record(100, &Command::Pay(Order::top_up(id("funds"), id("a"), eur(10_000))));
        bench
    }

    fn decide(&self, seconds: u64, command: &Command<'_>) -> Decision {
        let now = Timestamp::from_seconds(seconds);
        self.engine.decide(now, Caller::default(), command, &Facts::default())
    }

    fn record(&mut self, seconds: u64, command: &Command<'_>) -> Outcome {
        match self.decide(seconds, command) {
            Decision::Record(outcome) => {
                let lsn = Lsn(self.engine.last().0 + 1);
                let at = self.engine.time_of(Timestamp::from_seconds(seconds));
                let caller = Caller::default();
                self.engine.evolve(Applied {
                    lsn,
                    at,
                    caller,
                    command,
                    outcome: &outcome,
                    hints: courant_engine::Hints::default(),
                });
                outcome
            }
            other => panic!("{command:?} is to be recorded, not {other:?}"),
        }
    }

    /// Holds 30.00 of the first account until a time.
    fn authorise(&mut self, seconds: u64, expires: u64) {
        let mut order = Order::transfer(id("order"), id("a"), id("b"), eur(3_000));
        order.mode = Mode::Authorise;
        order.expires_at = Some(Timestamp::from_seconds(expires));
        self.record(seconds, &Command::Pay(order));
    }
}

fn id(text: &str) -> Id<'_> {
    Id::parse("id", text).expect("the ids of these tests are valid")
}

fn eur(minor: u64) -> Amount {
    Amount::new(minor, Currency::EUR)
}

fn capture(child: &'static str, minor: u64) -> Command<'static> {
    let portion = Money { currency: Some(Currency::EUR), portion: Portion::Total(minor) };
    let step = Step::Capture { child: id(child), portion, release_rest: false };
    Command::Step(PaymentStep { payment: id("order"), step, reason: None })
}

fn key(number: u32, scopes: u32, expires: Option<u64>) -> Command<'static> {
    let expires_at = expires.map(Timestamp::from_seconds);
    Command::CreateKey(CreateKey { number, name: "key", scopes, hash: [0; 32], expires_at })
}

const BUSY: Decision = Decision::Refused(Reason::PaymentBusy, None);

#[test]
fn a_hold_whose_time_has_come_is_not_captured_before_the_clock_ends_it() {
    let mut bench = Bench::new();
    bench.authorise(200, 300);
    assert!(matches!(bench.decide(299, &capture("c", 1)), Decision::Record(_)));
    assert_eq!(bench.decide(300, &capture("c", 1)), BUSY);
}

#[test]
fn a_clock_that_goes_back_does_not_revive_a_hold() {
    let mut bench = Bench::new();
    bench.authorise(200, 300);
    bench.record(301, &key(1, SCOPE_ADMIN, None));
    assert_eq!(bench.decide(250, &capture("c", 1)), BUSY);
    assert_eq!(
        bench.engine.next_due(Timestamp::from_seconds(250)).map(|id| id.to_string()),
        Some("order".into())
    );
}

#[test]
fn an_expiry_after_a_part_capture_moves_nothing() {
    let mut bench = Bench::new();
    bench.authorise(200, 300);
    bench.record(201, &capture("c", 1_000));
    let Outcome::Payment(after) = bench.record(300, &Command::Due { payment: id("order") }) else {
        panic!("an expiry is an outcome of a payment");
    };
    assert_eq!(after.moved_minor, 0);
    assert_eq!(after.payment.legs[0].captured_minor, 1_000);
}

#[test]
fn the_last_key_that_works_is_not_revoked_although_an_expired_one_is_left() {
    let mut bench = Bench::new();
    bench.record(200, &key(1, SCOPE_ADMIN, None));
    bench.record(200, &key(2, SCOPE_ADMIN, Some(300)));
    let revoke = Command::RevokeKey { number: 1 };
    assert!(matches!(bench.decide(299, &revoke), Decision::Record(_)));
    assert_eq!(bench.decide(300, &revoke), Decision::Refused(Reason::LastAdminKey, None));
}
