//! Money: currencies, amounts, accounts, transfers, holds, limits and the life of a payment.
//!
//! Pure: no clock, no entropy, no I/O, no threads, no floating point. Time and ids are inputs.
#![forbid(unsafe_code)]

