//! Drives the target `amount` with libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (courant_fuzz::AMOUNT.run)(data));
