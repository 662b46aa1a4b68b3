#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| synced_protocol_fuzz::joints(bytes));
