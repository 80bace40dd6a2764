//! Courant as a library, without any server: open a directory, pay from many threads, read
//! balances.
//!
//! `cargo run --release -p courant-node --example embedded [DIR]`; without a directory it makes a
//! new temporary one, and leaves it.

use courant_node::engine::command::OpenAccount;
use courant_node::engine::{Caller, Command};
use courant_node::ledger::{
    AccountTerms, Amount, Currency, Id, Limits, Metadata, Order, Side, format_minor,
};
use courant_node::{Node, NodeOptions, Reply};
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

const THREADS: usize = 8;
const PAYMENTS: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = match std::env::args_os().nth(1) {
        Some(directory) => PathBuf::from(directory),
        None => tempfile::Builder::new().prefix("courant-embedded-").tempdir()?.keep(),
    };
    run(&directory, NodeOptions::default(), &mut std::io::stdout().lock())
}

pub(crate) fn run(
    directory: &Path,
    options: NodeOptions,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    writeln!(out, "directory {}", directory.display())?;
    let node = Node::open(directory, options)?;
    let me = Caller::default();

    // Opening again what is open is a repeat, so the example can run twice.
    let terms = AccountTerms {
        currency: Currency::EUR,
        side: Side::Credit,
        limits: Limits::NOT_NEGATIVE,
        code: 0,
    };
    for name in ["alice", "shop"] {
        let open = OpenAccount { id: id(name), terms, name: None, metadata: Metadata::new() };
        node.call(me, &Command::OpenAccount(open))?;
    }
    let alice = id("alice");
    let top_up = Order::top_up(id("salary"), alice, Amount::parse("1000.00", Currency::EUR)?);
    node.call(me, &Command::Pay(top_up))?;

    // Every reply is durable when it is seen; threads that wait together share one sync.
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let node = node.clone();
                scope.spawn(move || pay(&node, thread))
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().expect("no thread panics"));
    });

    for name in ["alice", "shop"] {
        let read = node.account(id(name)).wait()?.ok_or("it was opened above")?;
        let balance = format_minor(read.account.balance(), Currency::EUR);
        writeln!(out, "{name:8} {balance:>12} EUR")?;
    }
    let trial = node.trial_balance().wait()?;
    let stats = node.stats();
    writeln!(
        out,
        "balanced: {}, {} records in {} syncs",
        trial.balanced, stats.records, stats.batches
    )?;
    node.close();
    Ok(())
}

fn pay(node: &Node, thread: usize) {
    for n in 0..PAYMENTS {
        let name = format!("order-{thread}-{n}");
        let order =
            Order::transfer(id(&name), id("alice"), id("shop"), Amount::new(5, Currency::EUR));
        let reply = node.call(Caller::default(), &Command::Pay(order)).expect("the node runs");
        assert!(matches!(reply, Reply::Recorded { .. }), "a payment is always recorded: {reply:?}");
    }
}

fn id(text: &str) -> Id<'_> {
    Id::parse("id", text).expect("the example's ids are valid")
}
