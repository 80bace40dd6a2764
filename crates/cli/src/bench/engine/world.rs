//! A node with open, funded accounts, in a directory of its own.

use std::ops::Range;

use courant_engine::Command;
use courant_engine::command::OpenAccount;
use courant_ledger::{AccountTerms, Amount, Currency, Limits, Metadata, Order, Side, Status};
use courant_node::{Node, NodeOptions, Replies, Reply, Request, SubmitError, Ticket};
use tempfile::TempDir;

use super::BATCH_FULL;
use super::names::Name;
use super::orders::CALLER;
use crate::bench::place::Place;
use crate::exit::Failure;

/// What every account begins with, in cents: no load empties it.
const FUNDS_MINOR: u64 = 1_000_000_000_000;

/// Ids of the payments that fund the accounts; no [`super::orders::Orders`] makes such.
const FUNDING_MAKER: u64 = u64::MAX << 48;

/// A running node that is removed with everything in it.
#[derive(Debug)]
pub(in crate::bench) struct World {
    pub(super) node: Node,
    pub(super) accounts: u32,
    pub(super) directory: TempDir,
}

impl World {
    pub(in crate::bench) fn new(place: &Place, accounts: u32) -> Result<World, Failure> {
        World::with_options(place, accounts, NodeOptions::default())
    }

    /// A world whose accounts are open and nothing else.
    pub(super) fn without_money(place: &Place, accounts: u32) -> Result<World, Failure> {
        let world = World::empty(place, accounts, NodeOptions::default())?;
        world.open_accounts(false)?;
        Ok(world)
    }

    pub(super) fn with_options(
        place: &Place,
        accounts: u32,
        options: NodeOptions,
    ) -> Result<World, Failure> {
        let world = World::empty(place, accounts, options)?;
        world.open_accounts(true)?;
        Ok(world)
    }

    fn empty(place: &Place, accounts: u32, options: NodeOptions) -> Result<World, Failure> {
        let directory = place.directory()?;
        let node = Node::open(directory.path(), options);
        let node = node.map_err(|error| Failure::internal(error.to_string()))?;
        Ok(World { node, accounts, directory })
    }

    /// Ends the node; the directory stays until the value that is returned is dropped.
    pub(in crate::bench) fn close(self) -> TempDir {
        self.node.close();
        self.directory
    }

    fn open_accounts(&self, funded: bool) -> Result<(), Failure> {
        for first in (0..self.accounts).step_by(BATCH_FULL) {
            let numbers = first..self.accounts.min(first + BATCH_FULL as u32);
            let mut requests = vec![request_of(numbers.clone(), push_account)];
            if funded {
                requests.push(request_of(numbers, push_funds));
            }
            let waiting: Result<Vec<_>, _> =
                requests.into_iter().map(|request| self.submit(request)).collect();
            waiting?.into_iter().try_for_each(|ticket| settle(ticket).map(|_| ()))?;
        }
        Ok(())
    }

    /// Submits a request that nothing but a stopped node may refuse.
    pub(super) fn submit(&self, request: Request) -> Result<Ticket<Replies>, Failure> {
        self.node.submit(request).map_err(|error| Failure::internal(error.to_string()))
    }

    /// Submits a request; `None` if the node pushed it back.
    pub(super) fn try_submit(&self, request: Request) -> Result<Option<Ticket<Replies>>, Failure> {
        match self.node.submit(request) {
            Ok(ticket) => Ok(Some(ticket)),
            Err(SubmitError::Full { .. }) => Ok(None),
            Err(error) => Err(Failure::internal(error.to_string())),
        }
    }
}

fn request_of(numbers: Range<u32>, push: fn(&mut Request, u32)) -> Request {
    let mut request = Request::with_capacity(numbers.len());
    numbers.for_each(|number| push(&mut request, number));
    request
}

fn push_account(request: &mut Request, number: u32) {
    let name = Name::account(number);
    let limits = Limits::NOT_NEGATIVE;
    let terms = AccountTerms { currency: Currency::EUR, side: Side::Credit, limits, code: 0 };
    let open = OpenAccount { id: name.as_id(), terms, name: None, metadata: Metadata::new() };
    request.push(CALLER, &Command::OpenAccount(open)).expect("a plain account breaks no rule");
}

fn push_funds(request: &mut Request, number: u32) {
    let (id, name) = (Name::payment(FUNDING_MAKER | u64::from(number)), Name::account(number));
    let funds = Amount::new(FUNDS_MINOR, Currency::EUR);
    let top_up = Order::top_up(id.as_id(), name.as_id(), funds);
    request.push(CALLER, &Command::Pay(top_up)).expect("a plain top-up breaks no rule");
}

/// Waits for the replies, which must all be of what was recorded and went through; how many they
/// are.
pub(super) fn settle(ticket: Ticket<Replies>) -> Result<u64, Failure> {
    let replies = ticket.wait().map_err(|error| Failure::internal(error.to_string()))?;
    replies.iter().try_for_each(check)?;
    Ok(replies.len() as u64)
}

/// A reply of a load: recorded now, for the first time, and completed if it is a payment.
pub(super) fn check(reply: &Reply) -> Result<(), Failure> {
    match reply {
        Reply::Recorded { repeat: false, status: None | Some(Status::Completed), .. } => Ok(()),
        other => Err(Failure::internal(format!("a payment of the load came to {other:?}"))),
    }
}
