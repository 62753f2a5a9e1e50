//! See `linnet::fuzzing::text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| linnet::fuzzing::text(bytes));
