//! Each limit of the protocol that it enforces itself; the rest is the world's to enforce.

use synced_protocol::{
    control,
    hlc::HlcTimestamp,
    id::{LogIndex, NodeId},
    limits::MAX_FRAME_BYTES,
    message::{ServerMessage, SnapshotPart},
};

/// A message of some bytes more than `ids`, most of them numbers of one byte.
fn small_numbers(ids: usize) -> ServerMessage {
    ServerMessage::Snapshot(SnapshotPart {
        log_index: LogIndex(1),
        hlc: HlcTimestamp::ZERO,
        players: Vec::new(),
        nodes: Vec::new(),
        despawned: vec![NodeId(1); ids],
        live: Vec::new(),
        last: true,
    })
}

#[test]
fn a_full_frame_of_small_numbers_reads_back() {
    let message = small_numbers(MAX_FRAME_BYTES - 10);
    let frame = control::encode(&message).unwrap();
    assert!(frame.len() > MAX_FRAME_BYTES - 10);
    assert_eq!(control::decode(&frame), Ok(message));
}
