//! Drives the target `amqp` with libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (courant_fuzz::AMQP.run)(data));
