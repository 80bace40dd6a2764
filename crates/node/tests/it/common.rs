//! A node over a disk in memory, two accounts, and money between them.

use courant_journal::MemStorage;
use courant_journal::storage::Storage;
use courant_node::engine::command::OpenAccount;
use courant_node::engine::{Caller, Command, Lsn};
use courant_node::ledger::{
    AccountTerms, Amount, Currency, Id, Limits, Metadata, Order, Side, Status,
};
use courant_node::{CallError, Node, NodeOptions, OpenError, Reply, SubmitError};

pub(crate) const ME: Caller<'_> = Caller { key: 1, idempotency_key: None };

pub(crate) type MemNode = Node<MemStorage>;

pub(crate) fn id(text: &str) -> Id<'_> {
    Id::parse("id", text).expect("a valid id")
}

pub(crate) fn eur(minor: u64) -> Amount {
    Amount::new(minor, Currency::EUR)
}

pub(crate) fn open_account(name: &str) -> Command<'_> {
    let terms = AccountTerms {
        currency: Currency::EUR,
        side: Side::Credit,
        limits: Limits::NOT_NEGATIVE,
        code: 0,
    };
    let name_of_it = Some("an account with a name");
    Command::OpenAccount(OpenAccount {
        id: id(name),
        terms,
        name: name_of_it,
        metadata: Metadata::new(),
    })
}

pub(crate) fn transfer(name: &str) -> Command<'_> {
    Command::Pay(Order::transfer(id(name), id("alice"), id("bob"), eur(1)))
}

pub(crate) fn open(storage: &MemStorage, options: NodeOptions) -> Result<MemNode, OpenError> {
    Node::open_in(storage, options)
}

/// One answer, or `None` if the caller was pushed back.
pub(crate) fn try_call<S: Storage>(node: &Node<S>, command: &Command<'_>) -> Option<Reply> {
    match node.call(ME, command) {
        Ok(reply) => Some(reply),
        Err(CallError::Submit(SubmitError::Full { .. })) => {
            std::thread::yield_now();
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Calls until there is room: generations of 60 ids push callers back now and then.
pub(crate) fn call<S: Storage>(node: &Node<S>, command: &Command<'_>) -> Reply {
    loop {
        if let Some(reply) = try_call(node, command) {
            return reply;
        }
    }
}

/// A node with alice, who is rich, and bob.
pub(crate) fn with_alice_and_bob(storage: &MemStorage, options: NodeOptions) -> MemNode {
    let node = open(storage, options).expect("it opens");
    for name in ["alice", "bob"] {
        call(&node, &open_account(name));
    }
    let top_up = Order::top_up(id("top-up"), id("alice"), eur(100_000_000));
    assert!(recorded(call(&node, &Command::Pay(top_up))).1.eq(&false));
    node
}

/// Where a completed payment was recorded, and whether this was a repeat.
pub(crate) fn recorded(reply: Reply) -> (Lsn, bool) {
    match reply {
        Reply::Recorded { lsn, repeat, status: Some(Status::Completed), .. } => (lsn, repeat),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn balance<S: Storage>(node: &Node<S>, name: &str) -> i128 {
    let read = node.account(id(name)).wait().expect("running").expect("there");
    read.account.balance()
}

/// Lets the disk be full from now on, or have this much room.
pub(crate) fn set_free(storage: &MemStorage, bytes: u64) {
    const CAPACITY_BYTES: u64 = 1 << 40;
    storage.set_capacity(Some(CAPACITY_BYTES));
    let used = CAPACITY_BYTES - storage.free_bytes().expect("memory has no errors");
    storage.set_capacity(Some(used + bytes));
}

/// Asks again and again until the answer is yes; the test's runner ends what never ends.
#[expect(clippy::disallowed_methods, reason = "a hang is to fail and not to last")]
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < UNTIL_MAX, "what was waited for did not come");
        std::thread::yield_now();
    }
}

/// Enough for anything on a machine that does other things too; a hang fails after it.
const UNTIL_MAX: std::time::Duration = std::time::Duration::from_secs(120);
