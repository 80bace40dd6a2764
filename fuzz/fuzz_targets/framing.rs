//! Drives the target `framing` with libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (courant_fuzz::FRAMING.run)(data));
