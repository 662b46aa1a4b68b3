//! What must hold for any bytes that a decoder takes. `scripts/fuzz` runs it.

use std::fmt::Debug;

use synced_protocol::{
    control::{self, First, Message},
    error::DecodeError,
    hlc::HlcTimestamp,
    id::PlayerId,
    input::{
        InputFrame, JOINT_POSITION_ERROR_M_MAX, MAX_BATCH_FRAMES, Pose, Precision, decode_batch,
        decode_joints, encode_batch, encode_joints,
    },
    limits::MAX_VALUE_DEPTH,
    live::{BlockKind, Datagram, Heads, Live, encode_ping, encode_pong, relay_header},
    time::Micros,
    value::Value,
};

const RELAYED_HEADER_BYTES: usize = 1 + 4 + 8 + 4 + 8;

/// A frame, behind a preface or not: what is read is written again in no more bytes, which read the same.
pub fn frame<M: Message + Debug>(bytes: &[u8]) {
    if let Ok(message) = control::decode::<M>(bytes) {
        message_again(&message, bytes.len());
    }
    if let Ok(First::SameVersion(message)) = control::decode_first::<M>(bytes) {
        message_again(&message, bytes.len());
    }
}

fn message_again<M: Message + Debug>(message: &M, bytes_max: usize) {
    let frame = control::encode(message).expect("what fitted a frame fits it again");
    assert!(frame.len() <= bytes_max, "{message:?} has grown");
    let again: M = control::decode(&frame).expect("what was written is read");
    assert_eq!(control::encode(&again), Ok(frame), "{message:?}");
}

/// A value, as [`frame`].
pub fn value(bytes: &[u8]) {
    let Ok(value) = Value::from_bytes(bytes) else {
        return;
    };
    let encoded = encode(&value);
    assert!(encoded.len() <= bytes.len(), "{value:?} has grown");
    assert_eq!(value.encoded_len(), encoded.len());
    assert!(value.depth() <= MAX_VALUE_DEPTH);
    let again = Value::from_bytes(&encoded).expect("what was written is read");
    assert_eq!(encode(&again), encoded, "{value:?}");
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

/// A datagram, as [`frame`]; and a player's stays what it is when the leader relays it.
pub fn datagram(bytes: &[u8]) {
    match Datagram::decode(bytes) {
        Err(_) => {}
        Ok(Datagram::Ping { sent_at, down_loss }) => {
            assert_eq!(encode_ping(sent_at, down_loss), bytes);
        }
        Ok(Datagram::Pong(pong)) => assert_eq!(encode_pong(&pong), bytes),
        Ok(Datagram::Down { live, .. }) => walk(&live),
        Ok(Datagram::Up(live)) => {
            walk(&live);
            relay(bytes, &live);
        }
    }
}

fn walk(live: &Live<'_>) {
    for block in live.blocks().flatten() {
        match block.kind {
            BlockKind::Input { batch } => {
                let _ = decode_batch(batch, live.sent_at, |frame| assert_sound(&frame));
            }
            BlockKind::Aim { aim, .. } => assert_sound_pose(&aim),
            BlockKind::Joints { packed, .. } => joints(packed),
            BlockKind::Value { .. } => {}
        }
    }
}

fn relay(bytes: &[u8], live: &Live<'_>) {
    let player = PlayerId(7);
    let stamp = HlcTimestamp(8);
    let relayed = [&relay_header(player, stamp), &bytes[1..]].concat();
    let Ok(Datagram::Down {
        player: from,
        hlc,
        live: same,
    }) = Datagram::decode(&relayed)
    else {
        panic!("what was taken from a player is not taken from the leader");
    };
    assert_eq!((from, hlc), (player, stamp));
    let blocks = [live, &same].map(|live| format!("{:?}", live.blocks().collect::<Vec<_>>()));
    assert_eq!(blocks[0], blocks[1]);
    written_anew(&relayed, &same);
}

/// Block by block, as the leader does: no longer than it came, and it means the same.
fn written_anew(datagram: &[u8], live: &Live<'_>) {
    let mut written = datagram[..RELAYED_HEADER_BYTES].to_vec();
    let (mut heads, mut stamp_block): (_, &[u8]) = (Heads::default(), &[]);
    for block in live.blocks().flatten() {
        if !block.stamp_block.is_empty() && block.stamp_block != stamp_block {
            stamp_block = block.stamp_block;
            written.extend_from_slice(stamp_block);
        }
        heads.put_block(&block, &mut written);
    }
    assert!(written.len() <= datagram.len());
    let Ok(Datagram::Down { live: again, .. }) = Datagram::decode(&written) else {
        panic!("what was written is not read");
    };
    let meant = |live: &Live<'_>| -> Vec<_> {
        let blocks = live.blocks().flatten();
        blocks
            .map(|block| format!("{:?} {:?}", block.node, block.kind))
            .collect()
    };
    assert_eq!(meant(live), meant(&again));
}

/// Eight bytes of the datagram's time, then a batch: its samples are sound, and are a batch again, with the same times.
pub fn input_batch(bytes: &[u8]) {
    let Some((sent_at, batch)) = bytes.split_first_chunk() else {
        return;
    };
    let sent_at = Micros(u64::from_le_bytes(*sent_at));
    let Ok(frames) = decode(batch, sent_at) else {
        return;
    };
    assert!((1..=MAX_BATCH_FRAMES).contains(&frames.len()));
    frames.iter().for_each(assert_sound);

    let mut encoded = Vec::new();
    encode_batch(&frames, Precision::Exact, sent_at, &mut encoded);
    let again = decode(&encoded, sent_at).expect("what was written is read");
    let times = [&frames, &again].map(|frames| frames.iter().map(|frame| frame.sampled_at));
    let [before, after] = times;
    assert!(before.eq(after), "{frames:?}\n{again:?}");
}

fn decode(batch: &[u8], sent_at: Micros) -> Result<Vec<InputFrame>, DecodeError> {
    let mut frames = Vec::new();
    decode_batch(batch, sent_at, |frame| frames.push(frame))?;
    Ok(frames)
}

/// A hand's joints: they are sound, and are joints again, no further off than they may be.
pub fn joints(bytes: &[u8]) {
    let Ok(hand) = decode_joints(bytes, Micros::ZERO) else {
        return;
    };
    let mut encoded = Vec::new();
    encode_joints(&hand, &mut encoded);
    let again = decode_joints(&encoded, Micros::ZERO).expect("what was written is read");
    for (joint, same) in hand.joints.iter().zip(&again.joints) {
        assert_sound_pose(&joint.pose);
        assert_sound_pose(&same.pose);
        let [here, there] = [joint, same].map(|joint| joint.pose.position);
        if here.abs().max_element() < 1e3 {
            assert!(
                here.distance(there) <= JOINT_POSITION_ERROR_M_MAX,
                "{joint:?} {same:?}"
            );
        }
    }
}

fn assert_sound_pose(pose: &Pose) {
    assert!(pose.position.is_finite(), "{pose:?}");
    assert!(pose.orientation.is_normalized(), "{pose:?}");
}

fn assert_sound(frame: &InputFrame) {
    assert!(frame.position.is_finite(), "{frame:?}");
    assert!(frame.orientation.is_normalized(), "{frame:?}");
    assert!(frame.linear_velocity.is_finite(), "{frame:?}");
    assert!(frame.angular_velocity.is_finite(), "{frame:?}");
    assert!((0.0..=1.0).contains(&frame.controls.trigger), "{frame:?}");
    assert!((0.0..=1.0).contains(&frame.controls.grip), "{frame:?}");
    for axis in frame.controls.stick {
        assert!((-1.0..=1.0).contains(&axis), "{frame:?}");
    }
}
