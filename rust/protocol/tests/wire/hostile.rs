//! Whatever bytes arrive, reading them allocates at most a small multiple of their own number.

use allocation_counter::measure;
use proptest::prelude::*;
use synced_protocol::{
    control,
    id::{LogIndex, NodeId, PlayerId, PropertyId, ServerId, Term},
    limits::{MAX_FRAME_BYTES, MAX_VALUE_BYTES},
    live::Datagram,
    message::{
        Change, ClientMessage, Commit, Game, Hello, JoinKey, Leader, LiveEntry, LivePose, LogEntry,
        NodeEntry, PlayerEntry, Refusal, RestedValue, ServerEntry, ServerMessage, SnapshotPart,
    },
    mutation::{Guard, Mutation, ParentRef, Transaction},
    value::Value,
};

use crate::{
    golden::{dump, hex},
    mutations::cup,
};

/// A byte of a value may be an item of an array, and arrays are allocated once.
const VALUE_BYTES_PER_BYTE: usize = size_of::<Value>();
/// The item of a frame that gains most is a despawn, a mutation in two bytes. While a list of them grows, its old half is
/// there too.
const FRAME_BYTES_PER_BYTE: usize = 3 * size_of::<Mutation>() / 2;
/// The first few items of the lists within one another, and the text of an error.
const FRAME_BYTES_AT_ONCE: usize = 1024;

fn allocated(read: impl FnOnce()) -> usize {
    measure(read).bytes_max as usize
}

fn assert_frame_bounded(frame: &[u8]) {
    let client = allocated(|| drop(control::decode::<ClientMessage>(frame)));
    let server = allocated(|| drop(control::decode::<ServerMessage>(frame)));
    let bound = FRAME_BYTES_AT_ONCE + FRAME_BYTES_PER_BYTE * frame.len();
    assert!(
        client.max(server) <= bound,
        "{client} and {server} bytes for {} that begin with {}",
        frame.len(),
        dump(&frame[..frame.len().min(40)])
    );
}

fn assert_value_bounded(value: &[u8]) {
    let allocated = allocated(|| drop(Value::from_bytes(value)));
    assert!(
        allocated <= VALUE_BYTES_PER_BYTE * value.len(),
        "{allocated} bytes for {} that begin with {}",
        value.len(),
        dump(&value[..value.len().min(40)])
    );
}

/// Messages that have every list and every text between them.
fn frames() -> Vec<Vec<u8>> {
    let game = || Game {
        name: "cup".to_owned(),
        version: "1".to_owned(),
    };
    let hello = ClientMessage::Hello(Hello {
        game: game(),
        player_name: "Ann".to_owned(),
        key: JoinKey([0x4b; 16]),
        resume: None,
    });
    let refused = ServerMessage::Refused(Refusal::Game {
        server: game(),
        client: game(),
    });
    [
        control::encode(&hello),
        control::encode(&refused),
        control::encode(&every_mutation()),
        control::encode(&every_list_of_a_snapshot()),
        control::encode(&nodes_at_rest()),
        control::encode(&who_leads()),
    ]
    .map(|frame| frame.unwrap().to_vec())
    .to_vec()
}

fn every_mutation() -> ClientMessage {
    let node = NodeId(1);
    let value = || Value::Array(vec![Value::String("x".to_owned())]);
    let steps = vec![
        Mutation::Spawn(cup()),
        Mutation::Reparent {
            node,
            parent: ParentRef {
                anchor: node,
                path: "a".to_owned(),
            },
        },
        Mutation::SetProperties {
            node,
            properties: vec![(PropertyId(0), value())],
        },
        Mutation::Call {
            node,
            method: "b".to_owned(),
            arguments: vec![value()],
        },
    ];
    ClientMessage::Propose {
        seq: Default::default(),
        transaction: Transaction {
            guards: vec![Guard::Exists { node }],
            steps,
        },
    }
}

fn every_list_of_a_snapshot() -> ServerMessage {
    ServerMessage::Snapshot(SnapshotPart {
        log_index: LogIndex(1),
        hlc: Default::default(),
        players: vec![PlayerEntry {
            player: PlayerId(1),
            name: "Ann".to_owned(),
            hosts: false,
        }],
        nodes: vec![NodeEntry {
            spawn: cup(),
            versions: vec![LogIndex(1)],
        }],
        despawned: vec![NodeId(2)],
        live: vec![LiveEntry {
            node: NodeId(1),
            property: PropertyId(0),
            stamp: Default::default(),
            value: Value::Nil,
        }],
        poses: vec![LivePose {
            node: NodeId(1),
            sent_at: Default::default(),
            batch: vec![1, 2],
        }],
        last: true,
    })
}

fn who_leads() -> ServerMessage {
    let server = ServerEntry {
        server: ServerId(1),
        address: "a:1".to_owned(),
    };
    ServerMessage::Leader(Leader {
        from: ServerId(1),
        term: Term(1),
        leader: Some(ServerId(1)),
        servers: vec![server],
    })
}

fn nodes_at_rest() -> ServerMessage {
    let value = RestedValue {
        node: NodeId(1),
        property: PropertyId(0),
        newer_than: LogIndex(1),
        value: Value::Array(vec![Value::String("x".to_owned())]),
    };
    let change = Change::Rested {
        player: PlayerId(1),
        values: vec![value],
    };
    ServerMessage::Commit(Commit {
        log_index: LogIndex(2),
        entry: LogEntry {
            hlc: Default::default(),
            change,
        },
    })
}

#[test]
fn a_number_of_any_size_anywhere_in_a_frame_allocates_little() {
    let claims = [
        "fa",
        "fb ffff",
        "fc ffffff7f",
        "fc ffffffff",
        "fd ffffffffffffff0f",
        "fd ffffffffffffffff",
    ];
    for frame in frames() {
        for (at, claim) in (0..frame.len()).flat_map(|at| claims.map(|claim| (at, hex(claim)))) {
            let before = &frame[..at];
            for after in [&[], &frame[at + 1..], &[0; 64]] {
                assert_frame_bounded(&[before, &claim, after].concat());
            }
        }
    }
}

/// The beginning, then the same bytes again and again, as many as fit.
fn filled(beginning: &str, again: &str, bytes: usize) -> Vec<u8> {
    let mut filled = hex(beginning);
    let again = hex(again);
    while filled.len() + again.len() <= bytes {
        filled.extend(&again);
    }
    filled
}

#[test]
fn frames_of_the_smallest_items_allocate_little() {
    let claim = "fd ffffffffffffff0f";
    let lists = [
        // Proposals: of guards, of despawns, of empty calls, of properties, of arguments.
        (format!("01 01 {claim}"), "00 01"),
        (format!("01 01 00 {claim}"), "01 01"),
        (format!("01 01 00 {claim}"), "05 01 00 00"),
        (format!("01 01 00 01 03 01 {claim}"), "00 01 00"),
        (format!("01 01 00 01 05 01 00 {claim}"), "01 00"),
        // Snapshots: of players, of nodes, of despawned ids, of live values, of poses.
        (format!("02 01 01 {claim}"), "01 00 00"),
        (
            format!("02 01 01 00 {claim}"),
            "01 00 00 00 00 00 00 00 00 01 00 00",
        ),
        (format!("02 01 01 00 00 {claim}"), "01"),
        (format!("02 01 01 00 00 00 {claim}"), "01 00 00 01 00"),
        (format!("02 01 01 00 00 00 00 {claim}"), "01 00 00"),
        // Commits: of nodes at rest.
        (format!("03 01 01 03 01 {claim}"), "01 00 00 01 00"),
    ];
    for (beginning, item) in lists {
        for bytes in [20, 100, 1000, 5000, 40_000, MAX_FRAME_BYTES] {
            assert_frame_bounded(&filled(&beginning, item, bytes));
        }
    }
}

#[test]
fn values_of_the_smallest_items_allocate_little() {
    let contents = [
        ("1c ff7f", "00"),
        ("1d ff3f", "00"),
        ("17 ff7f", "00"),
        ("12 ff7f", "00"),
        ("1c ff7f", "1c 01 00"),
        ("1c ff7f", "1d 00"),
        (
            "1c ff7f 1c ff7f 1c ff7f 1c ff7f 1c ff7f 1c ff7f 1c ff7f 1c ff7f",
            "00",
        ),
        ("1c ff40", "1c 01 1c 01 1c 01 1c 01 1c 01 1c 01 1c 01 00"),
    ];
    for (beginning, item) in contents {
        for bytes in [20, 100, 1000, 8200, MAX_VALUE_BYTES] {
            assert_value_bounded(&filled(beginning, item, bytes));
        }
    }
    let honest = Value::Array(vec![Value::Nil; MAX_VALUE_BYTES - 4]);
    let mut bytes = Vec::new();
    honest.encode(&mut bytes);
    assert_value_bounded(&bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_frame_allocates_little(bytes in prop::collection::vec(prop_oneof![0..6_u8, any::<u8>()], 0..400)) {
        assert_frame_bounded(&bytes);
    }

    #[test]
    fn any_value_allocates_little(bytes in prop::collection::vec(prop_oneof![28..30_u8, 0..40_u8], 0..200)) {
        assert_value_bounded(&bytes);
    }

    #[test]
    fn any_datagram_allocates_little(blocks in prop::collection::vec((prop_oneof![0..5_u8, 128..=255_u8], any::<[u8; 8]>(), prop::collection::vec(0..32_u8, 0..60)), 0..8)) {
        let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (kind, node, content) in blocks {
            bytes.push(kind);
            bytes.extend(node);
            bytes.extend(content);
        }
        let allocated = allocated(|| {
            if let Ok(Datagram::Up(live)) = Datagram::decode(&bytes) {
                live.blocks().for_each(drop);
            }
        });
        prop_assert!(allocated <= VALUE_BYTES_PER_BYTE * bytes.len());
    }
}
