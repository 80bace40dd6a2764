//! How many payments may be open: what is refused beyond it, and what never is.

use courant_engine::command::{Command, CreateKey, OpenAccount, PaymentStep, Step};
use courant_engine::{
    Applied, Caller, Decision, Engine, EngineOptions, Facts, Hints, Lsn, Replay, record,
};
use courant_ledger::{
    AccountTerms, Amount, Currency, Id, Limits, Mode, Order, Reason, Side, Timestamp,
};

const NOW: u64 = 100;
const FULL: Decision = Decision::Refused(Reason::OpenPaymentsFull, None);

struct Bench {
    engine: Engine,
    journal: Vec<Vec<u8>>,
}

fn engine(open_payments_max: usize) -> Engine {
    Engine::new(EngineOptions { secret: 1, recent_ids: 100, open_payments_max, generation: 0 })
}

impl Bench {
    /// Two accounts, the first with 100.00.
    fn new(open_payments_max: usize) -> Bench {
        let mut bench = Bench { engine: engine(open_payments_max), journal: Vec::new() };
        for name in ["a", "b"] {
            let (currency, side, limits) = (Currency::EUR, Side::Credit, Limits::NOT_NEGATIVE);
            let terms = AccountTerms { currency, side, limits, code: 0 };
            let (id, metadata) = (id(name), Default::default());
            bench.record(&Command::OpenAccount(OpenAccount { id, terms, name: None, metadata }));
        }
        bench.record(&Command::Pay(Order::top_up(id("funds"), id("a"), eur(10_000))));
        bench
    }

    fn decide(&self, command: &Command<'_>) -> Decision {
        let now = Timestamp::from_seconds(NOW);
        self.engine.decide(now, Caller::default(), command, &Facts::default())
    }

    fn record(&mut self, command: &Command<'_>) {
        let outcome = match self.decide(command) {
            Decision::Record(outcome) => outcome,
            other => panic!("{command:?} is to be recorded, not {other:?}"),
        };
        let (at, caller) = (Timestamp::from_seconds(NOW), Caller::default());
        let (mut command_bytes, mut bytes) = (Vec::new(), Vec::new());
        courant_engine::command::encode(command, &mut command_bytes);
        record::encode(at, caller, &command_bytes, &outcome, &mut bytes);
        self.journal.push(bytes);
        let lsn = Lsn(self.engine.last().0 + 1);
        let (outcome, hints) = (&outcome, Hints::default());
        self.engine.evolve(Applied { lsn, at, caller, command, outcome, hints });
    }
}

fn id(text: &str) -> Id<'_> {
    Id::parse("id", text).expect("the ids of these tests are valid")
}

fn eur(minor: u64) -> Amount {
    Amount::new(minor, Currency::EUR)
}

fn transfer(name: &'static str, minor: u64) -> Order<'static> {
    Order::transfer(id(name), id("a"), id("b"), eur(minor))
}

fn hold(name: &'static str) -> Order<'static> {
    Order { mode: Mode::Authorise, ..transfer(name, 10) }
}

fn later(name: &'static str) -> Order<'static> {
    Order { execute_at: Some(Timestamp::from_seconds(2 * NOW)), ..transfer(name, 10) }
}

fn step(payment: &'static str, step: Step<'static>) -> Command<'static> {
    Command::Step(PaymentStep { payment: id(payment), step, reason: None })
}

#[test]
fn a_payment_that_would_stay_open_is_refused_when_as_many_are_open_as_may_be() {
    let mut bench = Bench::new(2);
    bench.record(&Command::Pay(hold("one")));
    bench.record(&Command::Pay(later("two")));
    let await_funds = Order::top_up(id("three"), id("a"), eur(1));
    let await_funds = Order { mode: Mode::AwaitConfirmation, ..await_funds };
    for order in [hold("three"), later("three"), await_funds] {
        assert_eq!(bench.decide(&Command::Pay(order)), FULL);
    }
    // What ends at once is decided as ever, whatever it ends as.
    bench.record(&Command::Pay(transfer("completed", 10)));
    bench.record(&Command::Pay(Order { mode: Mode::Authorise, ..transfer("rejected", 99_999) }));
    // Steps go on, and what they end makes room.
    let amount_minor = 5;
    bench.record(&step("one", Step::Increment { currency: Currency::EUR, amount_minor }));
    assert_eq!(bench.decide(&Command::Pay(hold("three"))), FULL);
    bench.record(&step("one", Step::Cancel));
    bench.record(&Command::Pay(hold("three")));
    assert_eq!(bench.engine.open_payments_count(), 2);
}

#[test]
fn a_group_is_refused_for_the_first_payment_that_finds_no_room() {
    let mut bench = Bench::new(2);
    bench.record(&Command::Pay(hold("one")));
    let group = vec![transfer("g1", 1), hold("g2"), transfer("g3", 1), later("g4")];
    let refused = Decision::Refused(Reason::OpenPaymentsFull, Some(3));
    assert_eq!(bench.decide(&Command::PayGroup(group.clone())), refused);
    bench.record(&Command::PayGroup(group[..3].to_vec()));
    let full = vec![transfer("h1", 1), transfer("h2", 1)];
    bench.record(&Command::PayGroup(full));
}

#[test]
fn what_was_recorded_is_never_refused_when_the_limit_is_lowered() {
    let mut bench = Bench::new(3);
    for name in ["one", "two"] {
        bench.record(&Command::Pay(hold(name)));
    }
    bench.record(&Command::PayGroup(vec![later("three")]));
    let mut replayed = engine(1);
    for (at, bytes) in bench.journal.iter().enumerate() {
        replayed.replay(Lsn(at as u64 + 1), bytes, Replay::Exact).expect("it was encoded");
    }
    bench.engine = replayed;
    assert_eq!(bench.engine.open_payments_count(), 3);
    assert_eq!(bench.decide(&Command::Pay(hold("four"))), FULL);
    // Those beyond the limit go on, and so does everything else.
    for name in ["one", "two"] {
        bench.record(&step(name, Step::Cancel));
        assert_eq!(bench.decide(&Command::Pay(hold("four"))), FULL);
    }
    let (number, name, scopes, hash, expires_at) = (1, "key", 1, [0; 32], None);
    bench.record(&Command::CreateKey(CreateKey { number, name, scopes, hash, expires_at }));
    bench.record(&step("three", Step::Cancel));
    bench.record(&Command::Pay(hold("four")));
}
