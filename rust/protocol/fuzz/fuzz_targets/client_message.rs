#![no_main]

use libfuzzer_sys::fuzz_target;
use synced_protocol::message::ClientMessage;

fuzz_target!(|bytes: &[u8]| synced_protocol_fuzz::frame::<ClientMessage>(bytes));
