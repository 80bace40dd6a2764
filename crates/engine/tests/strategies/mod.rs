//! Any command, any outcome, any record: every variant, every field present or missing, values at
//! their limits.
//!
//! The texts of a case live as long as the test; they are few and short.

use courant_engine::command::{
    AccountChange, ChangeAccount, Command, CreateKey, Money, OpenAccount, PaymentStep, Step,
};
use courant_engine::outcome::{
    AccountAfter, AccountChanged, AccountOpened, AccountsAfter, GroupOutcome, Outcome,
    PaymentOutcome,
};
use courant_engine::{Caller, Lsn};
use courant_ledger::{
    AccountNo, AccountStatus, AccountTerms, Bearer, Currency, Details, Fee, GiveBack, Id, Leg,
    LegRole, Limits, Metadata, Mode, Order, OrderKind, Part, Payee, Payment, Portion, Reason,
    SUM_LIMIT, Side, Status, Sums, Timestamp,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// A record before it is encoded.
#[derive(Debug, Clone)]
pub(crate) struct AnyRecord {
    pub(crate) at: Timestamp,
    pub(crate) caller: Caller<'static>,
    pub(crate) command: Command<'static>,
    pub(crate) outcome: Outcome,
}

pub(crate) fn record() -> impl Strategy<Value = AnyRecord> {
    (time(), caller(), command(), outcome()).prop_map(|(at, caller, command, outcome)| AnyRecord {
        at,
        caller,
        command,
        outcome,
    })
}

fn caller() -> impl Strategy<Value = Caller<'static>> {
    let key = option::of("[ -~]{1,128}".prop_map(|text| &*text.leak()));
    (any::<u32>(), key).prop_map(|(key, idempotency_key)| Caller { key, idempotency_key })
}

pub(crate) fn command() -> impl Strategy<Value = Command<'static>> {
    prop_oneof![
        open_account().prop_map(Command::OpenAccount),
        change_account().prop_map(Command::ChangeAccount),
        order().prop_map(Command::Pay),
        vec(order(), 0..4).prop_map(Command::PayGroup),
        step().prop_map(Command::Step),
        create_key().prop_map(Command::CreateKey),
        any::<u32>().prop_map(|number| Command::RevokeKey { number }),
        id().prop_map(|payment| Command::Due { payment }),
    ]
}

fn open_account() -> impl Strategy<Value = OpenAccount<'static>> {
    let side = select(vec![Side::Credit, Side::Debit]);
    let terms = (currency(), side, limits(), any::<u16>());
    let terms = terms.prop_map(|(currency, side, limits, code)| AccountTerms {
        currency,
        side,
        limits,
        code,
    });
    (id(), terms, option::of(text()), metadata())
        .prop_map(|(id, terms, name, metadata)| OpenAccount { id, terms, name, metadata })
}

fn change_account() -> impl Strategy<Value = ChangeAccount<'static>> {
    let change = prop_oneof![
        Just(AccountChange::Freeze),
        Just(AccountChange::Unfreeze),
        Just(AccountChange::Close),
        limits().prop_map(AccountChange::Limit),
    ];
    (id(), change, option::of(text())).prop_map(|(id, change, reason)| ChangeAccount {
        id,
        change,
        reason,
    })
}

fn order() -> impl Strategy<Value = Order<'static>> {
    let payee =
        (id(), any::<u64>()).prop_map(|(creditor, amount_minor)| Payee { creditor, amount_minor });
    let bearer = select(vec![Bearer::Debtor, Bearer::Creditor]);
    let fee = (id(), any::<u64>(), bearer).prop_map(|(account, amount_minor, bearer)| Fee {
        account,
        amount_minor,
        bearer,
    });
    let parties = (id(), kind(), mode(), id(), vec(payee, 0..4), vec(fee, 0..3));
    let rest = (currency(), option::of(time()), option::of(time()), details());
    (parties, rest).prop_map(|(parties, (currency, execute_at, expires_at, details))| {
        let (id, kind, mode, debtor, payees, fees) = parties;
        let (payees, fees) = (payees.into(), fees.into());
        Order { id, kind, mode, debtor, payees, fees, currency, execute_at, expires_at, details }
    })
}

fn details() -> impl Strategy<Value = Details<'static>> {
    let texts = (option::of(text()), option::of(text()), option::of(text()));
    (texts, metadata()).prop_map(|((channel, end_to_end_id, remittance), metadata)| Details {
        channel,
        end_to_end_id,
        remittance,
        metadata,
    })
}

fn step() -> impl Strategy<Value = PaymentStep<'static>> {
    let why = select(vec![GiveBack::Refund, GiveBack::Return, GiveBack::Reversal]);
    let step = prop_oneof![
        (id(), money(), any::<bool>()).prop_map(|(child, portion, release_rest)| {
            Step::Capture { child, portion, release_rest }
        }),
        money().prop_map(|portion| Step::Release { portion }),
        (currency(), any::<u64>())
            .prop_map(|(currency, amount_minor)| Step::Increment { currency, amount_minor }),
        Just(Step::Cancel),
        Just(Step::Confirm),
        Just(Step::RefuseOutside),
        Just(Step::Inquire),
        (id(), why, money()).prop_map(|(child, why, portion)| Step::GiveBack {
            child,
            why,
            portion
        }),
    ];
    (id(), step, option::of(text())).prop_map(|(payment, step, reason)| PaymentStep {
        payment,
        step,
        reason,
    })
}

fn money() -> impl Strategy<Value = Money<'static>> {
    let part = (id(), any::<u64>()).prop_map(|(payee, amount_minor)| Part { payee, amount_minor });
    let portion = prop_oneof![
        Just(Portion::All),
        any::<u64>().prop_map(Portion::Total),
        vec(part, 0..4).prop_map(|parts| Portion::Parts(parts.into())),
    ];
    (option::of(currency()), portion).prop_map(|(currency, portion)| Money { currency, portion })
}

fn create_key() -> impl Strategy<Value = CreateKey<'static>> {
    (any::<u32>(), text(), any::<u32>(), any::<[u8; 32]>(), option::of(time())).prop_map(
        |(number, name, scopes, hash, expires_at)| CreateKey {
            number,
            name,
            scopes,
            hash,
            expires_at,
        },
    )
}

pub(crate) fn outcome() -> impl Strategy<Value = Outcome> {
    let opened = (0..u32::MAX, option::of(0..u32::MAX)).prop_map(|(no, outside)| AccountOpened {
        no: AccountNo(no),
        outside: outside.map(AccountNo),
    });
    let status = select(vec![AccountStatus::Open, AccountStatus::Frozen, AccountStatus::Closed]);
    let changed = (account_no(), status, limits(), lsn())
        .prop_map(|(no, status, limits, previous)| AccountChanged { no, status, limits, previous });
    let paid = (payment(), lsn(), lsn(), any::<u64>(), accounts_after()).prop_map(
        |(payment, origin, previous, moved_minor, accounts)| PaymentOutcome {
            payment,
            origin,
            previous,
            moved_minor,
            accounts,
        },
    );
    let group = (vec(payment(), 0..4), accounts_after())
        .prop_map(|(payments, accounts)| GroupOutcome { payments, accounts });
    prop_oneof![
        opened.prop_map(Outcome::AccountOpened),
        changed.prop_map(Outcome::AccountChanged),
        paid.prop_map(Outcome::Payment),
        group.prop_map(Outcome::Group),
        any::<Option<u32>>().prop_map(|instead_of| Outcome::KeyCreated { instead_of }),
        Just(Outcome::KeyRevoked),
    ]
}

fn payment() -> impl Strategy<Value = Payment> {
    let what = (kind(), mode(), select(&Status::ALL[..]), option::of(select(Reason::ALL)));
    let when = (time(), option::of(time()), option::of(time()));
    (what, currency(), when, vec(leg(), 0..4)).prop_map(
        |((kind, mode, status, reason), currency, (created_at, execute_at, expires_at), legs)| {
            Payment {
                kind,
                mode,
                status,
                reason,
                currency,
                created_at,
                execute_at,
                expires_at,
                legs: legs.into(),
            }
        },
    )
}

/// A leg whose counters fit each other: each takes a part of what the ones before it left.
fn leg() -> impl Strategy<Value = Leg> {
    let role = select(vec![LegRole::Principal, LegRole::DebtorFee, LegRole::CreditorFee]);
    let counters = (any::<u64>(), any::<[u64; 5]>(), any::<[bool; 5]>());
    (account_no(), account_no(), role, counters).prop_map(
        |(debit, credit, role, (amount_minor, draws, zeros))| {
            let part = |at: usize, of: u64| match (zeros[at], of) {
                (true, _) => 0,
                (false, u64::MAX) => draws[at],
                (false, of) => draws[at] % (of + 1),
            };
            let captured_minor =
                if draws[0] % 3 == 0 { amount_minor } else { part(0, amount_minor) };
            let released_minor = part(1, amount_minor - captured_minor);
            let refunded_minor = part(2, captured_minor);
            let returned_minor = part(3, captured_minor - refunded_minor);
            let reversed_minor = part(4, captured_minor - refunded_minor - returned_minor);
            Leg {
                debit,
                credit,
                role,
                amount_minor,
                captured_minor,
                released_minor,
                refunded_minor,
                returned_minor,
                reversed_minor,
            }
        },
    )
}

fn accounts_after() -> impl Strategy<Value = AccountsAfter> {
    let sum = || prop_oneof![Just(0), 0..1_000u128, 0..SUM_LIMIT, Just(SUM_LIMIT - 1)];
    let sums = (sum(), sum(), sum(), sum()).prop_map(
        |(debits_pending, debits_posted, credits_pending, credits_posted)| Sums {
            debits_pending,
            debits_posted,
            credits_pending,
            credits_posted,
        },
    );
    let account = (account_no(), id(), sums, lsn()).prop_map(|(no, id, after, previous)| {
        AccountAfter { no, id: id.into(), after, previous: previous.0 }
    });
    vec(account, 0..5).prop_map(AccountsAfter::from)
}

fn id() -> impl Strategy<Value = Id<'static>> {
    "[A-Za-z0-9_:@~-][A-Za-z0-9._:@~-]{0,63}"
        .prop_map(|text| Id::parse_any("id", text.leak()).expect("the pattern makes ids only"))
}

fn text() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(""), any::<String>().prop_map(|text| &*text.leak())]
}

fn metadata() -> impl Strategy<Value = Metadata<'static>> {
    vec((text(), text()), 0..4).prop_map(Metadata::from)
}

fn currency() -> impl Strategy<Value = Currency> {
    select(Currency::all().collect::<Vec<_>>())
}

fn limits() -> impl Strategy<Value = Limits> {
    let limit = || option::of(prop_oneof![any::<i128>(), -1_000..1_000i128]);
    (limit(), limit()).prop_map(|(floor, ceiling)| Limits { floor, ceiling })
}

fn kind() -> impl Strategy<Value = OrderKind> {
    select(vec![OrderKind::Transfer, OrderKind::TopUp, OrderKind::Withdrawal])
}

fn mode() -> impl Strategy<Value = Mode> {
    select(vec![Mode::Pay, Mode::Authorise, Mode::AwaitConfirmation])
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![Just(0), any::<u64>(), Just(u64::MAX)].prop_map(Timestamp)
}

fn lsn() -> impl Strategy<Value = Lsn> {
    prop_oneof![Just(0), any::<u64>()].prop_map(Lsn)
}

fn account_no() -> impl Strategy<Value = AccountNo> {
    any::<u32>().prop_map(AccountNo)
}
