//! The server as a client sees it: a real one on a free port, over a real data directory.

mod access;
mod accounts;
mod batches;
mod client;
mod clock;
mod disk;
mod events;
mod idempotency;
mod input;
mod limits;
mod openapi;
mod payments;
mod robust;
mod server;
mod shutdown;
