//! No packet is too large, from the first of a handshake to the last of a close.

use std::{thread, time::Duration};

use rtrb::RingBuffer;
use synced_protocol::{
    id::{NodeId, PropertyId},
    input::InputFrame,
    limits::MAX_UDP_PAYLOAD_BYTES,
    mutation::Lane,
    value::Value,
};
use synced_tests::{
    Outcome,
    capture::{Capture, Packet},
    folder,
    server::SyncedServer,
};
use synced_transport::clock;

use crate::scripted::{Scripted, server};

/// A world of two megabytes, so that a snapshot fills many packets.
const NODES: usize = 200;
const NODE_BYTES: usize = 10_000;
const LIVE_PROPERTIES: u8 = 60;
const LIVE_ROUNDS: usize = 1_500;
/// Of a round of the live lane.
const ROUND: Duration = Duration::from_millis(2);
const BURST: usize = 100;
/// Fewer would not have been what the test is about.
const PACKETS_MIN: usize = 1_000;

#[test]
fn no_packet_between_server_and_players_is_too_large_or_fragmented() -> Outcome {
    let Some(capture) = Capture::begin("the size of packets")? else {
        return Ok(());
    };
    let folder = folder::fresh("packets")?;
    let server = SyncedServer::start(&folder, &server().set("segmentation_offload", false))?;
    let port = server.address().port();
    let mut ann = Scripted::join(&server, "Ann")?;
    let nodes = fill_the_world(&mut ann)?;
    let mut ben = Scripted::join(&server, "Ben")?;
    assert_eq!(
        ben.seen.nodes,
        NODES + 1,
        "the snapshot is not the whole world"
    );
    stream(&mut ann, &mut ben, nodes.live)?;
    burst(&mut ann, &mut ben, nodes.first)?;
    ann.leave()?;
    ben.leave()?;
    server.stop()?;
    assert_in_bounds(&capture.end(port), port);
    Ok(())
}

struct Nodes {
    first: NodeId,
    live: NodeId,
}

fn fill_the_world(player: &mut Scripted) -> Outcome<Nodes> {
    let first = NodeId::spawned(player.seen.player.unwrap_or_default(), 1);
    for node in 1..=NODES {
        player.spawn(vec![(
            Lane::Confirmed,
            Value::PackedByteArray(vec![7; NODE_BYTES]),
        )]);
        // Below the most bytes a second that a player may send.
        player.until("confirmed", |seen| seen.confirmed.len() == node)?;
    }
    let live = (0..LIVE_PROPERTIES)
        .map(|_| (Lane::Live, Value::Transform3D([0.0; 12])))
        .collect();
    let live = player.spawn(live);
    player.until("confirmed", |seen| seen.confirmed.len() == NODES + 1)?;
    Ok(Nodes { first, live })
}

/// Many live values and 1 kHz of samples, which another receives.
fn stream(from: &mut Scripted, to: &mut Scripted, node: NodeId) -> Outcome {
    let (mut samples, consumer) = RingBuffer::new(LIVE_ROUNDS * 2);
    from.attach_tracker(node, consumer);
    for round in 0..LIVE_ROUNDS {
        let value = Value::Transform3D([round as f32 * 0.37; 12]);
        for property in 0..LIVE_PROPERTIES {
            from.set_live(node, PropertyId(property), value.clone());
        }
        for _ in 0..2 {
            let sample = InputFrame {
                sampled_at: clock::now(),
                ..InputFrame::default()
            };
            let _ = samples.push(sample);
            thread::sleep(ROUND / 2);
        }
        from.frame();
        to.frame();
    }
    // Of a controller that rests most samples are left out.
    to.until("shown live values and samples", |seen| {
        seen.live_values > 1_000 && seen.samples > 100
    })
}

/// Large proposals back to back.
fn burst(from: &mut Scripted, to: &mut Scripted, node: NodeId) -> Outcome {
    for number in 0..BURST {
        from.set(
            node,
            PropertyId(0),
            Value::PackedByteArray(vec![number as u8; NODE_BYTES]),
        );
    }
    from.until("confirmed", |seen| {
        seen.confirmed.len() == NODES + 1 + BURST
    })?;
    to.until("told every value", |seen| {
        seen.values[&(node, PropertyId(0))].len() == 1 + BURST
    })
}

fn assert_in_bounds(packets: &[Packet], port: u16) {
    for (direction, count) in [
        (
            "to the server",
            packets.iter().filter(|packet| packet.to == port).count(),
        ),
        (
            "from the server",
            packets.iter().filter(|packet| packet.from == port).count(),
        ),
    ] {
        assert!(
            count > PACKETS_MIN,
            "only {count} packets {direction} were captured"
        );
    }
    let largest = packets.iter().map(|packet| packet.payload_bytes).max();
    assert!(
        largest > Some(MAX_UDP_PAYLOAD_BYTES / 2),
        "no large packet was captured: {largest:?}"
    );
    let wrong = packets.iter().filter(|packet| {
        packet.payload_bytes > MAX_UDP_PAYLOAD_BYTES
            || packet.is_fragment
            || packet.may_be_fragmented
    });
    let wrong: Vec<_> = wrong.take(5).collect();
    assert!(
        wrong.is_empty(),
        "of {} packets, among others: {wrong:?}",
        packets.len()
    );
}
