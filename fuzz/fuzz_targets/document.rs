//! See `linnet::fuzzing::document`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| linnet::fuzzing::document(bytes));
