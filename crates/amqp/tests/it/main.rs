//! The codec from outside: golden bytes, round trips, limits, and bytes that are broken on purpose.
//! The connection from outside: what a client sends, what it gets, what the owner is told.

mod broken;
mod channels;
mod client;
mod content;
mod frames;
mod golden;
mod handshake;
mod layout;
mod replies;
mod sessions;
mod strategies;
mod tables;
