#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sym_fuzz::fuzzing::manifest(bytes));
