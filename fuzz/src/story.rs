//! A short life of an engine, from which seeds are taken: accounts, payments, a hold, a freeze.

use courant_engine::command::{
    self, AccountChange, ChangeAccount, CreateKey, Money, OpenAccount, PaymentStep, Step,
};
use courant_engine::record;
use courant_engine::{Caller, Command, Decision, Engine, EngineOptions, Facts, Lsn};
use courant_ledger::{
    AccountTerms, Amount, Bearer, Currency, Details, Fee, Id, Limits, Mode, Order, Payee, Portion,
    Side, Timestamp,
};

/// Any time will do.
const NOW: Timestamp = Timestamp(1_000_000_000);

/// An engine with nothing in it.
pub(crate) fn empty() -> Engine {
    let (recent_ids, open_payments_max) = (64, 100);
    Engine::new(EngineOptions { secret: 1, recent_ids, open_payments_max, generation: 0 })
}

/// The engine after the story, and the records of its steps in order.
pub(crate) fn lived() -> (Engine, Vec<Vec<u8>>) {
    let mut engine = empty();
    let mut records = Vec::new();
    for (step, command) in commands().iter().enumerate() {
        let lsn = Lsn(8 * (step as u64 + 1));
        let caller = Caller { key: 0, idempotency_key: (step == 1).then_some("opened-once") };
        let decision = engine.decide(NOW, caller, command, &Facts::default());
        let Decision::Record(outcome) = decision else {
            panic!("step {step} of the story is not recorded: {decision:?}")
        };
        let (mut command_bytes, mut bytes) = (Vec::new(), Vec::new());
        command::encode(command, &mut command_bytes);
        record::encode(engine.time_of(NOW), caller, &command_bytes, &outcome, &mut bytes);
        engine
            .replay(lsn, &bytes, courant_engine::Replay::Exact)
            .expect("what was just encoded can be decoded");
        records.push(bytes);
    }
    (engine, records)
}

fn id(text: &'static str) -> Id<'static> {
    Id::parse("id", text).expect("an id of the story is valid")
}

fn eur(minor: u64) -> Amount {
    Amount::new(minor, Currency::EUR)
}

fn commands() -> Vec<Command<'static>> {
    let all = || Money { currency: None, portion: Portion::All };
    let step =
        |step| Command::Step(PaymentStep { payment: id("hold-1"), step, reason: Some("a reason") });
    let hold = Order {
        mode: Mode::Authorise,
        expires_at: Some(Timestamp(NOW.0 + 1_000_000_000)),
        details: Details { channel: Some("mobile"), ..Details::default() },
        ..Order::transfer(id("hold-1"), id("alice"), id("bob"), eur(2_000))
    };
    let capture = Money { currency: Some(Currency::EUR), portion: Portion::Total(500) };
    let freeze =
        ChangeAccount { id: id("bob"), change: AccountChange::Freeze, reason: Some("asked") };
    let key =
        CreateKey { number: 1, name: "till", scopes: 1, hash: [7; 32], expires_at: Some(NOW) };
    vec![
        open("alice"),
        open("bob"),
        Command::Pay(Order::top_up(id("top-up-1"), id("alice"), eur(10_000))),
        Command::Pay(Order::transfer(id("pay-1"), id("alice"), id("bob"), eur(1_234))),
        Command::Pay(Order::transfer(id("too-much"), id("alice"), id("bob"), eur(999_999))),
        Command::Pay(hold),
        step(Step::Capture { child: id("part-1"), portion: capture, release_rest: false }),
        step(Step::Release { portion: all() }),
        Command::PayGroup(vec![
            Order::transfer(id("group-1"), id("alice"), id("bob"), eur(1)),
            Order::withdrawal(id("group-2"), id("bob"), eur(2)),
        ]),
        Command::Pay(Order {
            mode: Mode::Authorise,
            ..Order::transfer(id("hold-2"), id("alice"), id("bob"), eur(300))
        }),
        Command::CreateKey(key),
        Command::ChangeAccount(freeze),
    ]
}

/// The payment orders of the story, and one with everything that an order can have.
pub(crate) fn orders() -> Vec<Order<'static>> {
    let mut orders = vec![whole()];
    for command in commands() {
        match command {
            Command::Pay(order) => orders.push(order),
            Command::PayGroup(group) => orders.extend(group),
            _ => {}
        }
    }
    orders
}

fn whole() -> Order<'static> {
    let payee = |name, amount_minor| Payee { creditor: id(name), amount_minor };
    Order {
        mode: Mode::Authorise,
        payees: [payee("bob", 1_200), payee("carol", 34)].into_iter().collect(),
        fees: [Fee { account: id("fees"), amount_minor: 5, bearer: Bearer::Debtor }]
            .into_iter()
            .collect(),
        execute_at: Some(NOW),
        expires_at: Some(Timestamp(NOW.0 + 1)),
        details: Details {
            channel: Some("mobile"),
            end_to_end_id: Some("E2E-1"),
            remittance: Some("for tea"),
            metadata: [("order", "1"), ("shop", "Praha")].into_iter().collect(),
        },
        ..Order::transfer(id("whole"), id("alice"), id("bob"), eur(1))
    }
}

fn open(name: &'static str) -> Command<'static> {
    Command::OpenAccount(OpenAccount {
        id: id(name),
        terms: AccountTerms {
            currency: Currency::EUR,
            side: Side::Credit,
            limits: Limits::NOT_NEGATIVE,
            code: 1,
        },
        name: Some(name),
        metadata: [("city", "Praha")].into_iter().collect(),
    })
}
