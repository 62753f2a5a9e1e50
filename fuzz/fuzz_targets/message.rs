//! See `linnet::fuzzing::message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| linnet::fuzzing::message(bytes));
