//! Each kind of datagram, and each kind of block.

use glam::{Quat, Vec3};
use synced_protocol::{
    error::DecodeError,
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId, PropertyId},
    input::{InputFrame, Precision},
    live::{
        Block, BlockKind, Datagram, Fit, Live, LiveWriter, Loss, NodeRef, Pong, encode_ping,
        encode_pong, relay_header,
    },
    time::Micros,
    value::Value,
};

use crate::golden::{bits, dump, hex};

const SENT_AT: Micros = Micros(0x0006_0a24_181e_4000);
const HEADER: &str = "
    04030201            # sequence
    00401e18240a0600    # sent at
";
const STAMP_BLOCK: &str = "
    02                  # stamp
    ac02                # age
";
const VALUE_BLOCK: &str = "
    f0                  # value: node in full, property, as it is
    efcdab8967452301    # node
    3f                  # property
    01 01               # true
";
const PACKED_BLOCK: &str = "
    86                  # value: the sender's own node, first property, a transform without scale
    ac02                # counter
";
const INPUT_BLOCK: &str = "
    01                  # input
    0200000001000000    # node
    0a                  # bytes
    40000000cc2a6af8e800
";

const AIM_BLOCK: &str = "
    03                  # aim
    0200000001000000    # node
    ac02                # age
    0000003e 00000000 000080be          # position
    00000000 0000003f 00000000 d7b35d3f # orientation
";
const JOINTS_BLOCK: &str = "
    04                  # joints
    0200000001000000    # node
    ac02                # age
    02 1234             # bytes
";

fn golden(parts: &[&str]) -> Vec<u8> {
    hex(&parts.concat())
}

fn up(datagram: &[u8]) -> Live<'_> {
    match Datagram::decode(datagram) {
        Ok(Datagram::Up(live)) => live,
        other => panic!("{other:?}"),
    }
}

fn value_of(block: &Block<'_>) -> (NodeRef, PropertyId, Micros, Value) {
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
    let node = NodeRef::Id(NodeId(0x0123_4567_89ab_cdef));
    assert_eq!(
        value_of(value),
        (node, PropertyId(63), stamp, Value::Bool(true))
    );
    assert_eq!(value.raw, hex(VALUE_BLOCK));
    assert_eq!(value.stamp_block, hex(STAMP_BLOCK));
    assert_eq!(input.node, NodeRef::Id(NodeId(0x1_0000_0002)));
    assert_eq!(input.raw, hex(INPUT_BLOCK));
    assert!(input.stamp_block.is_empty());
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

    let golden = golden(&["01", HEADER, STAMP_BLOCK, VALUE_BLOCK, INPUT_BLOCK]);
    assert_eq!(dump(writer.bytes()), dump(&golden));
    assert_blocks(&up(&golden));
}

/// What is packed behind [`PACKED_BLOCK`], half a turn about y.
const PACKED_BITS: &str = "
    1:2                             # fine
    15:5                            # bits of a coordinate
    8192:15 -4096:15 1:15           # steps of 2^-13 m
    1:2                             # y is the largest
    62537507500:37                  # ((2500 * 5001) + 2500) * 5001 + 2500
";

#[test]
fn a_pose_that_is_packed() {
    let transform = [
        -1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 1.0, -0.5, 0.000_13,
    ];
    let mut writer = LiveWriter::with_precision(Some(Precision::Fine));
    writer.begin(0x0102_0304, SENT_AT);
    let node = NodeRef::shortest(NodeId::spawned(PlayerId(7), 300), PlayerId(7), |_| None);
    let value = Value::Transform3D(transform);
    let fit = writer.value(node, PropertyId(0), SENT_AT - Micros(300), &value);
    assert_eq!(fit, Fit::Written);
    let mut golden = golden(&["01", HEADER, STAMP_BLOCK, PACKED_BLOCK]);
    golden.extend(bits(PACKED_BITS));
    assert_eq!(dump(writer.bytes()), dump(&golden));

    let live = up(&golden);
    let block = live.blocks().next().unwrap().unwrap();
    let (node, property, stamp, value) = value_of(&block);
    let id = node.resolve(PlayerId(7), |_| None);
    assert_eq!(id, Some(NodeId::spawned(PlayerId(7), 300)));
    assert_eq!((property, stamp), (PropertyId(0), SENT_AT - Micros(300)));
    let Value::Transform3D(read) = value else {
        panic!("{value:?}");
    };
    assert_eq!(read[9..], [1.0, -0.5, 1.0 / 8192.0]);
    let off = read
        .iter()
        .zip(transform)
        .map(|(read, sent)| (read - sent).abs());
    assert!(off.fold(0.0, f32::max) < 1e-4, "{read:?}");
}

#[test]
fn values_of_one_moment_share_their_stamp_and_those_of_others_have_their_own() {
    let mut writer = LiveWriter::default();
    writer.begin(0x0102_0304, SENT_AT);
    let (authored, foreign) = (
        NodeRef::Prefix(0x0012_3456),
        NodeRef::Spawned(PlayerId(3), 200),
    );
    let earlier = SENT_AT - Micros(300);
    let fits = [
        writer.value(NodeRef::Own(1), PropertyId(0), SENT_AT, &Value::Nil),
        writer.value(authored, PropertyId(0), earlier, &Value::Nil),
        writer.value(foreign, PropertyId(1), earlier, &Value::Nil),
        writer.value(NodeRef::Own(2), PropertyId(0), SENT_AT, &Value::Nil),
    ];
    assert_eq!(fits, [Fit::Written; 4]);
    let golden = golden(&[
        "01",
        HEADER,
        "80 01 00",
        STAMP_BLOCK,
        "c0 563412 00",
        "b0 03 c801 01 00",
        "02 00",
        "80 02 00",
    ]);
    assert_eq!(dump(writer.bytes()), dump(&golden));
    let live = up(&golden);
    let read: Vec<_> = live
        .blocks()
        .map(|block| value_of(&block.unwrap()))
        .collect();
    let nil = Value::Nil;
    assert_eq!(
        read,
        [
            (NodeRef::Own(1), PropertyId(0), SENT_AT, nil.clone()),
            (authored, PropertyId(0), earlier, nil.clone()),
            (foreign, PropertyId(1), earlier, nil.clone()),
            (NodeRef::Own(2), PropertyId(0), SENT_AT, nil),
        ]
    );
}

#[test]
fn values_of_one_node_name_it_once() {
    let mut writer = LiveWriter::default();
    writer.begin(0x0102_0304, SENT_AT);
    let earlier = SENT_AT - Micros(300);
    let values = [
        (NodeRef::Own(300), PropertyId(0), SENT_AT),
        (NodeRef::Own(300), PropertyId(1), SENT_AT),
        (NodeRef::Own(300), PropertyId(63), earlier),
        (NodeRef::Own(300), PropertyId(0), earlier),
        (NodeRef::Own(1), PropertyId(1), earlier),
        (NodeRef::Own(1), PropertyId(2), earlier),
    ];
    for (node, property, stamp) in values {
        let fit = writer.value(node, property, stamp, &Value::Nil);
        assert_eq!(fit, Fit::Written);
    }
    let golden = golden(&[
        "01",
        HEADER,
        "80 ac02 00",
        "40 00",
        STAMP_BLOCK,
        "50 3f 00",
        "50 00 00",
        "90 01 01 00",
        "40 00",
    ]);
    assert_eq!(dump(writer.bytes()), dump(&golden));
    let live = up(&golden);
    let read = live.blocks().map(|block| value_of(&block.unwrap()));
    assert!(read.eq(values.map(|(node, property, stamp)| (node, property, stamp, Value::Nil))));
}

#[test]
fn a_property_behind_the_last_that_a_node_can_have_is_refused() {
    let bytes = golden(&["01", HEADER, "90 01 3f 00", "40 00"]);
    assert_eq!(
        first_fault(&bytes),
        DecodeError::OutOfRange { what: "property" }
    );
}

#[test]
fn where_a_controller_points_and_the_joints_of_a_hand() {
    let datagram = golden(&["01", HEADER, AIM_BLOCK, JOINTS_BLOCK]);
    let live = up(&datagram);
    let blocks: Vec<_> = live.blocks().map(Result::unwrap).collect();
    assert_eq!(blocks[0].raw, hex(AIM_BLOCK));
    assert_eq!(blocks[1].raw, hex(JOINTS_BLOCK));
    let (node, at) = (NodeId(0x1_0000_0002), SENT_AT - Micros(300));
    let BlockKind::Aim { stamp, aim } = blocks[0].kind else {
        panic!("no aim");
    };
    assert_eq!((blocks[0].node, stamp), (node.into(), at));
    assert_eq!(aim.position, Vec3::new(0.125, 0.0, -0.25));
    let turn = Quat::from_rotation_y(60_f32.to_radians());
    assert!(aim.orientation.abs_diff_eq(turn, 1e-6), "{aim:?}");
    let BlockKind::Joints { stamp, packed } = blocks[1].kind else {
        panic!("no joints");
    };
    assert_eq!(
        (blocks[1].node, stamp, packed),
        (node.into(), at, &[0x12, 0x34][..])
    );

    let mut writer = LiveWriter::default();
    writer.begin(0x0102_0304, SENT_AT);
    assert_eq!(writer.aim(node, at, &aim), Fit::Written);
    assert_eq!(
        dump(writer.bytes()),
        dump(&golden(&["01", HEADER, AIM_BLOCK]))
    );
}

#[test]
fn an_aim_that_is_no_place_or_no_direction_is_refused() {
    for (number, wrong) in [
        (0, f32::NAN),
        (2, f32::INFINITY),
        (4, f32::NAN),
        (6, f32::INFINITY),
    ] {
        let mut datagram = golden(&["01", HEADER, AIM_BLOCK]);
        let at = datagram.len() - 28 + 4 * number;
        datagram[at..at + 4].copy_from_slice(&wrong.to_le_bytes());
        assert_eq!(
            first_fault(&datagram),
            DecodeError::OutOfRange { what: "aim" }
        );
    }
    let mut no_direction = golden(&["01", HEADER, AIM_BLOCK]);
    let orientation = no_direction.len() - 16;
    no_direction[orientation..].fill(0);
    assert_eq!(
        first_fault(&no_direction),
        DecodeError::OutOfRange { what: "aim" }
    );
}

fn first_fault(datagram: &[u8]) -> DecodeError {
    let live = up(datagram);
    live.blocks().find_map(Result::err).unwrap()
}

#[test]
fn the_same_as_the_leader_relays_it() {
    let stamp = HlcTimestamp(0x0807_0605_0403_0201);
    let header = relay_header(PlayerId(7), stamp);
    let relayed = "02  07000000  0102030405060708";
    assert_eq!(dump(&header), dump(&hex(relayed)));
    match Datagram::decode(&golden(&[
        relayed,
        HEADER,
        STAMP_BLOCK,
        VALUE_BLOCK,
        INPUT_BLOCK,
    ])) {
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
    for tag in ["00", "05", "3f", "40", "5f", "60", "7f"] {
        let bytes = golden(&["01", HEADER, tag, &"00".repeat(64)]);
        let live = up(&bytes);
        let mut blocks = live.blocks();
        assert!(matches!(
            blocks.next(),
            Some(Err(DecodeError::BadTag { what: "block", .. }))
        ));
        assert!(blocks.next().is_none(), "nothing is read behind a fault");
    }
    for packed in ["89", "8f"] {
        let bytes = golden(&["01", HEADER, packed, &"00".repeat(64)]);
        let what = "packed value";
        assert!(matches!(first_fault(&bytes), DecodeError::BadTag { what: w, .. } if w == what));
    }
}
