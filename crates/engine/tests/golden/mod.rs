//! The bytes of format 1, committed: every kind of record and a snapshot.
//!
//! Today's encoder must make them, and today's decoder must read them, whatever else changes. A
//! change of the format takes a new format number and a new file beside this one, which stays.

use courant_engine::command::{
    self, AccountChange, ChangeAccount, Command, CreateKey, Money, OpenAccount, PaymentStep, Step,
};
use courant_engine::{
    Applied, Caller, Cursor, Decision, Engine, EngineOptions, Facts, Lsn, Outcome, Replay, Section,
    record,
};
use courant_ledger::{
    AccountTerms, Amount, Bearer, Currency, Fee, GiveBack, Id, Limits, Mode, Order, Part, Payee,
    Portion, Side, Timestamp,
};

const GOLDEN: &str = include_str!("format-1.hex");

/// Few, so that the snapshot has several sections of a kind.
const ENTRIES_PER_SECTION: usize = 2;

fn new_engine() -> Engine {
    let (recent_ids, open_payments_max) = (1_000, usize::MAX);
    Engine::new(EngineOptions { secret: 1, recent_ids, open_payments_max, generation: 0 })
}

/// Makes the lines of the file: what the bytes are, and the bytes in hex.
struct Scene {
    engine: Engine,
    lines: Vec<String>,
}

impl Scene {
    fn record(&mut self, seconds: u64, what: &str, command: &Command<'_>) {
        self.record_for(seconds, what, Caller::default(), command);
    }

    fn record_for<'c>(
        &mut self,
        seconds: u64,
        what: &str,
        caller: Caller<'c>,
        command: &Command<'c>,
    ) {
        self.record_as(seconds, what, (caller, command), |_| {});
    }

    /// Records a command with the outcome that it had when the file was made: decisions may change,
    /// and records of what was decided before are read all the same.
    fn record_as<'c>(
        &mut self,
        seconds: u64,
        what: &str,
        (caller, command): (Caller<'c>, &Command<'c>),
        as_then: impl FnOnce(&mut Outcome),
    ) {
        command.check().unwrap_or_else(|error| panic!("{what}: {error}"));
        let at = Timestamp::from_seconds(seconds);
        let mut outcome = match self.engine.decide(at, caller, command, &Facts::default()) {
            Decision::Record(outcome) => outcome,
            other => panic!("{what} is to be recorded, not {other:?}"),
        };
        as_then(&mut outcome);
        let (mut command_bytes, mut bytes) = (Vec::new(), Vec::new());
        command::encode(command, &mut command_bytes);
        record::encode(at, caller, &command_bytes, &outcome, &mut bytes);
        let lsn = Lsn(self.engine.last().0 + 1);
        self.engine.evolve(Applied {
            lsn,
            at,
            caller,
            command,
            outcome: &outcome,
            hints: courant_engine::Hints::default(),
        });
        self.lines.push(format!("record {what} {}", hex(&bytes)));
    }

    fn snapshot(&mut self) {
        for section in sections(&self.engine) {
            self.lines.push(format!("section - {}", hex(&section)));
        }
    }
}

fn sections(engine: &Engine) -> Vec<Vec<u8>> {
    let mut sections = Vec::new();
    let mut next = Section::More(Cursor::BEGIN);
    while let Section::More(cursor) = next {
        let mut section = Vec::new();
        next = engine.snapshot_section(cursor, ENTRIES_PER_SECTION, &mut section);
        sections.push(section);
    }
    sections
}

fn id(text: &str) -> Id<'_> {
    Id::parse("id", text).expect("the ids of this file are valid")
}

fn eur(minor: u64) -> Amount {
    Amount::new(minor, Currency::EUR)
}

fn open(name: &'static str, currency: Currency, side: Side, limits: Limits) -> Command<'static> {
    let terms = AccountTerms { currency, side, limits, code: 4_000 };
    let metadata = [("branch", "Brno"), ("empty", "")].into_iter().collect();
    Command::OpenAccount(OpenAccount { id: id(name), terms, name: Some("Žofie"), metadata })
}

fn change(change: AccountChange) -> Command<'static> {
    Command::ChangeAccount(ChangeAccount { id: id("d"), change, reason: Some("as asked") })
}

fn step(payment: &'static str, step: Step<'static>) -> Command<'static> {
    Command::Step(PaymentStep { payment: id(payment), step, reason: None })
}

fn total(minor: u64) -> Money<'static> {
    Money { currency: Some(Currency::EUR), portion: Portion::Total(minor) }
}

fn part(amount_minor: u64) -> Money<'static> {
    let parts = Portion::Parts([Part { payee: id("b"), amount_minor }].into_iter().collect());
    Money { currency: Some(Currency::EUR), portion: parts }
}

fn hold(name: &'static str) -> Order<'static> {
    let order = Order::transfer(id(name), id("a"), id("b"), eur(500));
    Order { mode: Mode::Authorise, ..order }
}

/// Every kind of command, every kind of step, and payments in every status.
fn scene() -> Vec<String> {
    let mut scene = Scene { engine: new_engine(), lines: Vec::new() };
    accounts(&mut scene);
    orders(&mut scene);
    steps(&mut scene);
    keys(&mut scene);
    scene.snapshot();
    scene.lines
}

fn accounts(scene: &mut Scene) {
    let limits = Limits { floor: Some(-1_000), ceiling: Some(i128::from(u64::MAX) * 4) };
    scene.record(100, "open-first-of-currency", &open("a", Currency::EUR, Side::Credit, limits));
    scene.record(100, "open", &open("b", Currency::EUR, Side::Credit, Limits::NOT_NEGATIVE));
    scene.record(101, "open-debit", &open("c", Currency::EUR, Side::Debit, Limits::NONE));
    scene.record(102, "open-yen", &open("d", Currency::JPY, Side::Credit, Limits::NONE));
    scene.record(103, "freeze", &change(AccountChange::Freeze));
    scene.record(104, "unfreeze", &change(AccountChange::Unfreeze));
    let limits = Limits { floor: None, ceiling: Some(-1) };
    scene.record(105, "limit", &change(AccountChange::Limit(limits)));
    scene.record(106, "close", &change(AccountChange::Close));
}

fn orders(scene: &mut Scene) {
    let top_up = Order::top_up(id("top-up"), id("a"), eur(u64::MAX));
    scene.record(200, "top-up", &Command::Pay(top_up));
    let caller = Caller { key: 300, idempotency_key: Some("once & for all") };
    let pay = Command::Pay(full_order());
    scene.record_for(201, "pay-with-everything", caller, &pay);
    let rejected = Order::transfer(id("rejected"), id("b"), id("nobody"), eur(1));
    scene.record(202, "rejected", &Command::Pay(rejected));
    let mut scheduled = Order::transfer(id("scheduled"), id("a"), id("b"), eur(7));
    scheduled.execute_at = Some(Timestamp::from_seconds(900));
    let group = vec![
        Order::transfer(id("first"), id("a"), id("b"), eur(1)),
        scheduled,
        Order { mode: Mode::AwaitConfirmation, ..Order::top_up(id("wait"), id("b"), eur(9)) },
    ];
    let group = Command::PayGroup(group);
    scene.record_as(203, "group", (Caller::default(), &group), |outcome| {
        let Outcome::Group(made) = outcome else { panic!("{outcome:?}") };
        // An awaited top-up had no expiry of its own.
        made.payments[2].expires_at = None;
    });
    let out = Order::withdrawal(id("out"), id("a"), eur(70));
    let out = Order { mode: Mode::AwaitConfirmation, ..out };
    scene.record(204, "withdrawal-outside", &Command::Pay(out));
}

fn full_order() -> Order<'static> {
    let mut order = hold("full");
    order.payees = [("b", 300), ("c", u64::from(u32::MAX) * 5)]
        .map(|(name, amount_minor)| Payee { creditor: id(name), amount_minor })
        .into_iter()
        .collect();
    order.fees.push(Fee { account: id("c"), amount_minor: 3, bearer: Bearer::Debtor });
    order.expires_at = Some(Timestamp::from_seconds(950));
    order.details.channel = Some("mobile");
    order.details.end_to_end_id = Some("E2E-1");
    order.details.remittance = Some("Příspěvek");
    order.details.metadata.extend([("k", "v"), ("l", "")]);
    order
}

fn steps(scene: &mut Scene) {
    let parts =
        [("b", 100), ("c", 5)].map(|(name, amount_minor)| Part { payee: id(name), amount_minor });
    let parts = Portion::Parts(parts.into_iter().collect());
    let portion = Money { currency: Some(Currency::EUR), portion: parts };
    let capture = Step::Capture { child: id("c1"), portion, release_rest: false };
    scene.record(300, "capture-parts", &step("full", capture));
    scene.record(301, "hold", &Command::Pay(hold("held")));
    let increment = Step::Increment { currency: Currency::EUR, amount_minor: 50 };
    scene.record(302, "increment", &step("held", increment));
    let release = step("held", Step::Release { portion: total(40) });
    scene.record_as(303, "release", (Caller::default(), &release), |outcome| {
        let Outcome::Payment(after) = outcome else { panic!("{outcome:?}") };
        // A release counted what it released as moved.
        after.moved_minor = 40;
    });
    let capture = Step::Capture { child: id("c1"), portion: total(200), release_rest: true };
    scene.record(304, "capture-and-release-rest", &step("held", capture));
    scene.record(305, "hold-again", &Command::Pay(hold("taken-back")));
    scene.record(306, "cancel", &step("taken-back", Step::Cancel));
    scene.record(307, "inquire", &step("out", Step::Inquire));
    scene.record(308, "confirm", &step("out", Step::Confirm));
    scene.record(309, "refuse", &step("wait", Step::RefuseOutside));
    for (what, why) in [
        ("refund", GiveBack::Refund),
        ("return", GiveBack::Return),
        ("reversal", GiveBack::Reversal),
    ] {
        let give_back = Step::GiveBack { child: id(what), why, portion: part(10) };
        scene.record(310, what, &step("full", give_back));
    }
    scene.record(900, "due-execution", &Command::Due { payment: id("scheduled") });
    scene.record(901, "hold-open", &Command::Pay(hold("open")));
    scene.record(950, "due-expiry", &Command::Due { payment: id("full") });
    let wait = Order::top_up(id("wait-2"), id("b"), eur(9));
    let wait = Order {
        mode: Mode::AwaitConfirmation,
        expires_at: Some(Timestamp::from_seconds(2_000)),
        ..wait
    };
    scene.record(951, "await", &Command::Pay(wait));
}

fn keys(scene: &mut Scene) {
    for (number, expires_at) in [(1, None), (2, Some(Timestamp(0))), (3, None)] {
        let (name, scopes, hash) = ("till 3", 1 << number | 1, [number as u8; 32]);
        let key = Command::CreateKey(CreateKey { number, name, scopes, hash, expires_at });
        scene.record(1_000, "create-key", &key);
    }
    scene.record(1_001, "revoke-key", &Command::RevokeKey { number: 3 });
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits");
    (0..text.len()).step_by(2).map(digits).collect()
}

/// The bytes of all lines of a kind.
fn golden(kind: &str) -> Vec<Vec<u8>> {
    let words = GOLDEN.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    words.filter(|words| words[0] == kind).map(|words| unhex(words[2])).collect()
}

#[test]
fn todays_encoder_makes_the_bytes_of_format_1() {
    let made = scene().join("\n") + "\n";
    if made != GOLDEN {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("format-1.hex");
        std::fs::write(&path, &made).expect("the directory for test files can be written");
        let same = made.lines().zip(GOLDEN.lines()).take_while(|(made, old)| made == old).count();
        let line = made.lines().nth(same).unwrap_or_default();
        panic!("line {} differs: {line}\nall of it is in {}", same + 1, path.display());
    }
}

#[test]
fn todays_decoder_reads_the_bytes_of_format_1() {
    let mut replayed = new_engine();
    for (at, bytes) in golden("record").iter().enumerate() {
        let lsn = Lsn(at as u64 + 1);
        replayed.replay(lsn, bytes, Replay::Exact).expect("the golden records can be read");
    }
    let mut loaded = new_engine();
    for section in golden("section") {
        loaded.load_section(&section).expect("the golden sections can be read");
    }
    assert_eq!(sections(&replayed), golden("section"));
    assert_eq!(sections(&loaded), golden("section"));
    assert!(replayed.is_balanced() && loaded.is_balanced());
}

/// A section of a snapshot that is cut off, or has a flipped bit, gives an error or another state,
/// never a panic.
#[test]
fn damaged_sections_do_no_harm() {
    let sections = golden("section");
    for (at, section) in sections.iter().enumerate() {
        let load = |damaged: &[u8]| {
            let mut engine = new_engine();
            for earlier in &sections[..at] {
                engine.load_section(earlier).expect("the golden sections can be read");
            }
            engine.load_section(damaged)
        };
        for end in 0..section.len() {
            assert!(load(&section[..end]).is_err(), "section {at} cut at {end}");
        }
        let mut damaged = section.clone();
        for bit in 0..section.len() * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8);
            let _ = load(&damaged);
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
