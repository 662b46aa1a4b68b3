//! Whatever arrives from the network is a value or an error: no panic, no overflow, no endless loop.

use proptest::prelude::*;
use synced_protocol::{
    control,
    input::decode_batch,
    live::{BlockKind, Datagram},
    message::{ClientMessage, LogEntry, ServerMessage},
    replica::{self, ReplicaPart, Standby},
    value::Value,
};

fn walk(datagram: &[u8]) {
    let (Ok(Datagram::Up(live)) | Ok(Datagram::Down { live, .. })) = Datagram::decode(datagram)
    else {
        return;
    };
    let mut raw_bytes = 0;
    for block in live.blocks().flatten() {
        raw_bytes += block.raw.len();
        if let BlockKind::Input { batch } = block.kind {
            let _ = decode_batch(batch, live.sent_at, |_| {});
        }
    }
    assert!(raw_bytes <= datagram.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_frame_decodes_or_fails(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = control::decode::<ClientMessage>(&bytes);
        let _ = control::decode::<ServerMessage>(&bytes);
        let _ = control::decode_first::<ClientMessage>(&bytes);
    }

    #[test]
    fn whatever_a_peer_or_a_disk_says_of_the_world_decodes_or_fails(version in 0..3_u8, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [&[version], bytes.as_slice()].concat();
        let _ = replica::decode::<LogEntry>(&bytes);
        let _ = replica::decode::<ReplicaPart>(&bytes);
        let _ = replica::decode::<Standby>(&bytes);
    }

    #[test]
    fn any_value_decodes_to_what_encodes_to_the_same_bytes_or_fails(bytes in prop::collection::vec(0..40_u8, 0..100)) {
        if let Ok(value) = Value::from_bytes(&bytes) {
            let mut again = Vec::new();
            value.encode(&mut again);
            prop_assert_eq!(value.encoded_len(), again.len());
            prop_assert!(again.len() <= bytes.len());
            prop_assert_eq!(Value::from_bytes(&again).map(|value| format!("{value:?}")), Ok(format!("{value:?}")));
        }
    }

    #[test]
    fn any_datagram_decodes_or_fails(kind in 0..6_u8, bytes in prop::collection::vec(any::<u8>(), 0..1200)) {
        walk(&[&[kind], bytes.as_slice()].concat());
    }

    #[test]
    fn any_blocks_decode_or_fail(blocks in prop::collection::vec((prop_oneof![0..5_u8, 60..100_u8, 128..=255_u8], any::<u64>(), prop::collection::vec(0..32_u8, 0..60)), 0..8)) {
        let mut datagram = vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (kind, node, content) in blocks {
            datagram.push(kind);
            datagram.extend(node.to_le_bytes());
            datagram.extend(content);
        }
        walk(&datagram);
    }
}
