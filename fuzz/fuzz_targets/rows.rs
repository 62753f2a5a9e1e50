//! See `linnet::fuzzing::rows`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| linnet::fuzzing::rows(bytes));
