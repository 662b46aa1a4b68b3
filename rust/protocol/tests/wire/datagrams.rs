//! Each kind of datagram, and each kind of block.

use synced_protocol::{
    error::DecodeError,
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId, PropertyId},
    input::{InputFrame, Precision},
    live::{
        Block, BlockKind, Datagram, Fit, Live, LiveWriter, Loss, Pong, encode_ping, encode_pong,
        relay_header,
    },
    time::Micros,
    value::Value,
};

use crate::golden::{dump, hex};

const SENT_AT: Micros = Micros(0x0006_0a24_181e_4000);
const HEADER: &str = "
    04030201            # sequence
    00401e18240a0600    # sent at
";
const VALUE_BLOCK: &str = "
    02                  # value
    efcdab8967452301    # node
    3f                  # property
    ac02                # age
    01 01               # true
";
const INPUT_BLOCK: &str = "
    01                  # input
    0200000001000000    # node
    0b                  # bytes
    4000000060000000000000
";

fn golden(parts: &[&str]) -> Vec<u8> {
    hex(&parts.concat())
}

fn value_of(block: &Block<'_>) -> (NodeId, PropertyId, Micros, Value) {
    match &block.kind {
        BlockKind::Value {
            property,
            stamp,
            value,
        } => (block.node, *property, *stamp, value.clone()),
        _ => panic!("no value: {block:?}"),
    }
}

fn assert_blocks(live: &Live<'_>) {
    assert_eq!((live.sequence, live.sent_at), (0x0102_0304, SENT_AT));
    let blocks: Result<Vec<_>, _> = live.blocks().collect();
    let [value, input] = &blocks.unwrap()[..] else {
        panic!("two blocks");
    };
    let stamp = SENT_AT - Micros(300);
    let node = NodeId(0x0123_4567_89ab_cdef);
    assert_eq!(
        value_of(value),
        (node, PropertyId(63), stamp, Value::Bool(true))
    );
    assert_eq!(value.raw, hex(VALUE_BLOCK));
    assert_eq!(input.node, NodeId(0x1_0000_0002));
    assert_eq!(input.raw, hex(INPUT_BLOCK));
    assert!(matches!(input.kind, BlockKind::Input { batch } if batch == &input.raw[10..]));
}

#[test]
fn a_players_datagram() {
    let mut writer = LiveWriter::default();
    writer.begin(0x0102_0304, SENT_AT);
    let node = NodeId(0x0123_4567_89ab_cdef);
    let stamp = SENT_AT - Micros(300);
    let value = writer.value(node, PropertyId(63), stamp, &Value::Bool(true));
    let still = InputFrame {
        sampled_at: SENT_AT,
        ..InputFrame::default()
    };
    let input = writer.input(NodeId(0x1_0000_0002), &[still], Precision::Fine);
    assert_eq!([value, input], [Fit::Written; 2]);

    let golden = golden(&["01", HEADER, VALUE_BLOCK, INPUT_BLOCK]);
    assert_eq!(dump(writer.bytes()), dump(&golden));
    match Datagram::decode(&golden) {
        Ok(Datagram::Up(live)) => assert_blocks(&live),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_as_the_leader_relays_it() {
    let stamp = HlcTimestamp(0x0807_0605_0403_0201);
    let header = relay_header(PlayerId(7), stamp);
    let relayed = "02  07000000  0102030405060708";
    assert_eq!(dump(&header), dump(&hex(relayed)));
    match Datagram::decode(&golden(&[relayed, HEADER, VALUE_BLOCK, INPUT_BLOCK])) {
        Ok(Datagram::Down { player, hlc, live }) => {
            assert_eq!((player, hlc), (PlayerId(7), stamp));
            assert_blocks(&live);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn ping_and_pong() {
    let golden = hex("03 0807060504030201 0201");
    let sent_at = Micros(0x0102_0304_0506_0708);
    assert_eq!(dump(&encode_ping(sent_at, Loss(0x0102))), dump(&golden));
    assert!(
        matches!(Datagram::decode(&golden), Ok(Datagram::Ping { sent_at: s, down_loss: Loss(0x0102) }) if s == sent_at)
    );

    let golden = hex("04 0100000000000000 0002000000000000 0000030000000000 0400 1027");
    let pong = Pong {
        ping_sent_at: Micros(1),
        received_at: Micros(0x200),
        sent_at: Micros(0x3_0000),
        up_loss: Loss(4),
        peers_loss: Loss::ALL,
    };
    assert_eq!(dump(&encode_pong(&pong)), dump(&golden));
    assert!(matches!(Datagram::decode(&golden), Ok(Datagram::Pong(p)) if p == pong));
    for whole in [&hex("03 0807060504030201 0201"), &golden] {
        let cut = Datagram::decode(&whole[..whole.len() - 1]);
        assert!(matches!(cut, Err(DecodeError::Truncated)));
        let longer = [whole.as_slice(), &[0]].concat();
        assert!(matches!(
            Datagram::decode(&longer),
            Err(DecodeError::Trailing)
        ));
    }
}

#[test]
fn what_is_no_kind_of_datagram_or_block_is_refused() {
    for tag in [0, 5] {
        let mut bytes = vec![tag];
        bytes.extend([0; 64]);
        let refused = DecodeError::BadTag {
            what: "datagram",
            tag,
        };
        assert_eq!(Datagram::decode(&bytes).err(), Some(refused));
    }
    for tag in ["00", "05"] {
        let bytes = golden(&["01", HEADER, tag, &"00".repeat(64)]);
        let Ok(Datagram::Up(live)) = Datagram::decode(&bytes) else {
            panic!("the header is whole");
        };
        let mut blocks = live.blocks();
        assert!(matches!(
            blocks.next(),
            Some(Err(DecodeError::BadTag { what: "block", .. }))
        ));
        assert!(blocks.next().is_none(), "nothing is read behind a fault");
    }
}
