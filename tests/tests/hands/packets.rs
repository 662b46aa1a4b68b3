//! What a session of two hands puts on the wire.

use std::{thread, time::Duration};

use synced_tests::{
    Outcome,
    capture::Capture,
    hands::{Stage, Tuning},
};

/// The largest UDP payload, as the wire protocol has it.
const UDP_PAYLOAD_BYTES_MAX: usize = synced_protocol::limits::MAX_UDP_PAYLOAD_BYTES;
const SECONDS: f64 = 30.0;
const SPAN: Duration = Duration::from_secs(5);
/// 250 datagrams a second up and as many down would be twice that.
const PACKETS_A_SECOND_MIN: usize = 200;

#[test]
fn no_packet_of_a_session_of_two_hands_is_too_large_or_fragmented() -> Outcome {
    let Some(capture) = Capture::begin("the packets of a session of two hands")? else {
        return Ok(());
    };
    let stage = Stage::begin("hands-packets", &Tuning::DEFAULT, SECONDS, 1)?;
    thread::sleep(SPAN);
    let port = stage.server().address().port();
    stage.end()?;
    let packets = capture.end(port);
    assert!(
        packets.len() > SPAN.as_secs() as usize * PACKETS_A_SECOND_MIN,
        "only {} packets were captured",
        packets.len()
    );
    let bytes: usize = packets.iter().map(|packet| packet.payload_bytes).sum();
    let largest = packets.iter().map(|packet| packet.payload_bytes).max();
    println!(
        "{} packets with {bytes} bytes, the largest with {largest:?}",
        packets.len()
    );
    let wrong = packets.iter().filter(|packet| {
        packet.payload_bytes > UDP_PAYLOAD_BYTES_MAX
            || packet.is_fragment
            || packet.may_be_fragmented
    });
    let wrong: Vec<_> = wrong.take(5).collect();
    assert!(wrong.is_empty(), "among others: {wrong:?}");
    Ok(())
}
