//! Drives the target `json` with libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (courant_fuzz::JSON.run)(data));
