//! Whatever the leader leaves out of a datagram, the rest means what it meant, and takes no more room.

#![expect(clippy::panic, reason = "so a test fails")]

use proptest::{prelude::*, sample::subsequence};
use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    live::{Block, BlockKind, Datagram, Fit, Heads, Live, LiveWriter, NodeRef},
    time::Micros,
    value::Value,
};

const SENT_AT: Micros = Micros::from_secs(9);
const HEADER_BYTES: usize = 13;

type Named = (NodeRef, PropertyId, Value);

fn any_node() -> impl Strategy<Value = NodeRef> {
    prop_oneof![
        (1..3_u32).prop_map(NodeRef::Own),
        Just(NodeRef::Spawned(PlayerId::MAX, u32::MAX)),
        Just(NodeRef::Prefix(7)),
        Just(NodeRef::Id(NodeId(u64::MAX))),
    ]
}

fn any_values() -> impl Strategy<Value = Vec<Named>> {
    let value = prop_oneof![Just(Value::Nil), any::<i64>().prop_map(Value::Int)];
    let named = (any_node(), (0..4_u8).prop_map(PropertyId), value);
    prop::collection::vec(named, 1..30)
}

/// Values, and the places of those that are kept.
fn any_rest() -> impl Strategy<Value = (Vec<Named>, Vec<usize>)> {
    any_values().prop_flat_map(|values| {
        let places: Vec<_> = (0..values.len()).collect();
        let kept = subsequence(places, 0..=values.len());
        (Just(values), kept)
    })
}

fn up(datagram: &[u8]) -> Live<'_> {
    match Datagram::decode(datagram) {
        Ok(Datagram::Up(live)) => live,
        other => panic!("{other:?}"),
    }
}

fn named(block: &Block<'_>) -> Named {
    match &block.kind {
        BlockKind::Value {
            property, value, ..
        } => (block.node, *property, value.clone()),
        _ => panic!("no value: {block:?}"),
    }
}

proptest! {
    #[test]
    fn what_is_left_means_the_same_and_takes_no_more_room((values, kept) in any_rest()) {
        let mut writer = LiveWriter::default();
        writer.begin(0, SENT_AT);
        for (node, property, value) in &values {
            prop_assert_eq!(writer.value(*node, *property, SENT_AT, value), Fit::Written);
        }
        let mut rest = writer.bytes()[..HEADER_BYTES].to_vec();
        let mut heads = Heads::default();
        for (place, block) in up(writer.bytes()).blocks().enumerate() {
            if kept.contains(&place) {
                heads.put_block(&block.unwrap(), &mut rest);
            }
        }
        prop_assert!(rest.len() <= writer.bytes().len());
        let expected: Vec<_> = kept.iter().map(|&place| values[place].clone()).collect();
        let read: Vec<_> = up(&rest).blocks().map(|block| named(&block.unwrap())).collect();
        prop_assert_eq!(read, expected);
        if kept.len() == values.len() {
            prop_assert_eq!(rest.as_slice(), writer.bytes());
        }
    }
}
