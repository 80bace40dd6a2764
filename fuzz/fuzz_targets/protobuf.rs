//! Drives the target `protobuf` with libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (courant_fuzz::PROTOBUF.run)(data));
