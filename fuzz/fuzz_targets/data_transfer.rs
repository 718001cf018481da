#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kerbox_fuzz_bodies::data_transfer(bytes));
