//! See `linnet::fuzzing::ids`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| linnet::fuzzing::ids(bytes));
