//! What a moving object costs, counted in IP packets on their way from one player over the server to another.

use std::{
    thread,
    time::{Duration, Instant},
};

use synced_bench::IP_UDP_HEADER_BYTES;
use synced_protocol::{
    id::{NodeId, PropertyId},
    mutation::Lane,
    value::Value,
};
use synced_tests::{
    Outcome,
    capture::{Capture, Packet},
    folder,
    server::SyncedServer,
};

use crate::scripted::{Scripted, server};

/// 60 frames a second.
const FRAME: Duration = Duration::from_micros(16_667);
const FRAMES: usize = 180;
/// Half of what Godot's own `MultiplayerSynchronizer` takes for 100 objects.
const UPDATE_BYTES_MAX: f64 = 23.0;
/// A machine that stands still for long loses what is live for good, and then it is played again.
const TRIES: usize = 3;
/// An object moves so fast, in metres a frame.
const STEP_M: f32 = 0.02;

#[test]
fn a_pose_of_100_objects_takes_at_most_23_bytes_of_ip_each_way() -> Outcome {
    let mut each_way = [0.0; 2];
    for objects in [1, 20, 100] {
        let measure = || bytes_of_an_update(objects);
        let measured = (1..TRIES).fold(measure(), |tried, _| tried.or_else(|_| measure()));
        let Some(bytes) = measured? else {
            return Ok(());
        };
        each_way = bytes;
        let [up, down] = bytes;
        println!("{objects:>3} objects: {up:.1} bytes up, {down:.1} bytes down for an update");
    }
    assert!(
        each_way.iter().all(|bytes| *bytes <= UPDATE_BYTES_MAX),
        "{each_way:?}"
    );
    Ok(())
}

/// From the owner to the server, and from there to another player; all that else goes the same way is in it.
fn bytes_of_an_update(objects: usize) -> Outcome<Option<[f64; 2]>> {
    let folder = folder::fresh("live-sizes")?;
    let server = SyncedServer::start(&folder, &server().set("segmentation_offload", false))?;
    let mut ann = Scripted::join(&server, "Ann")?;
    let mut ben = Scripted::join(&server, "Ben")?;
    let nodes: Vec<_> = (0..objects)
        .map(|_| ann.spawn(vec![(Lane::Live, Value::Transform3D([0.0; 12]))]))
        .collect();
    ann.until("confirmed", |seen| seen.confirmed.len() == objects)?;
    ben.until("told of every object", |seen| seen.nodes == objects)?;
    let Some(capture) = Capture::begin("what a pose takes")? else {
        return Ok(None);
    };
    let before = ben.seen.live_values;
    play(&mut ann, &mut ben, &nodes);
    let sent = objects * FRAMES;
    ben.until("shown nearly all", |seen| {
        seen.live_values - before >= sent * 99 / 100
    })?;
    let packets = capture.end(server.address().port());
    let port = server.address().port();
    let up = packets.iter().filter(|packet| packet.to == port);
    let down = packets.iter().filter(|packet| packet.from == port);
    let each_way = [
        busiest(up, |packet| packet.from),
        busiest(down, |packet| packet.to),
    ];
    ann.leave()?;
    ben.leave()?;
    server.stop()?;
    Ok(Some(each_way.map(|bytes| bytes as f64 / sent as f64)))
}

/// Every object goes its own way through a room, and turns.
fn play(from: &mut Scripted, to: &mut Scripted, nodes: &[NodeId]) {
    let mut next = Instant::now();
    for frame in 0..FRAMES {
        for (place, node) in nodes.iter().enumerate() {
            let value = pose(place as f32, frame as f32);
            from.set_live(*node, PropertyId(0), value);
        }
        from.frame();
        to.frame();
        next += FRAME;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

fn pose(place: f32, frame: f32) -> Value {
    let (sine, cosine) = (place + 0.03 * frame).sin_cos();
    let axes = [cosine, 0.0, -sine, 0.0, 1.0, 0.0, sine, 0.0, cosine];
    let along = STEP_M * frame - 1.8;
    let origin = [along, 1.0 + 0.01 * place, 0.07 * place - 3.5];
    let mut transform = [0.0; 12];
    let (basis, rest) = transform.split_at_mut(axes.len());
    basis.copy_from_slice(&axes);
    rest.copy_from_slice(&origin);
    Value::Transform3D(transform)
}

/// The bytes of the peer that has most of them.
fn busiest<'a>(packets: impl Iterator<Item = &'a Packet>, peer: fn(&Packet) -> u16) -> u64 {
    let mut bytes = std::collections::BTreeMap::<u16, u64>::new();
    for packet in packets {
        *bytes.entry(peer(packet)).or_default() +=
            packet.payload_bytes as u64 + IP_UDP_HEADER_BYTES;
    }
    bytes.into_values().max().unwrap_or(0)
}
