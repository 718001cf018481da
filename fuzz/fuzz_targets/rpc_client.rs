#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kerbox_fuzz_bodies::rpc_client(bytes));
