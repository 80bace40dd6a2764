//! Drives the target `batch` with libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (courant_fuzz::BATCH.run)(data));
