//! What servers keep and tell each other of the world.

use std::fmt::Debug;

use synced_protocol::{
    control::Message,
    error::DecodeError,
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    message::{Change, JoinMark, LiveEntry, LivePose, LogEntry, SnapshotPart},
    replica::{self, LedgerEntry, ReplicaError, ReplicaPart, Standby},
    time::Micros,
    value::Value,
};

use crate::golden::{dump, hex};

fn assert_replica<M: Message + PartialEq + Debug>(message: &M, golden: &str) {
    let golden = hex(golden);
    let encoded = replica::encode(message).unwrap();
    assert_eq!(dump(&encoded), dump(&golden), "{message:?}");
    assert_eq!(replica::decode::<M>(&golden).as_ref(), Ok(message));
    for cut in 0..golden.len() {
        assert!(
            replica::decode::<M>(&golden[..cut]).is_err(),
            "cut at {cut}"
        );
    }
    let longer = [&golden, [0].as_slice()].concat();
    let trailing = ReplicaError::Broken(DecodeError::Trailing);
    assert_eq!(replica::decode::<M>(&longer), Err(trailing));
    let later = [&[2], &golden[1..]].concat();
    assert_eq!(
        replica::decode::<M>(&later),
        Err(ReplicaError::OtherVersion(2))
    );
}

#[test]
fn an_entry_of_the_log() {
    let entry = LogEntry {
        hlc: HlcTimestamp(6),
        change: Change::PlayerLeft {
            player: PlayerId(7),
        },
    };
    assert_replica(&entry, "01 06 02 07 # version, hlc, left: player");
}

#[test]
fn each_part_of_a_replica() {
    let part = SnapshotPart {
        log_index: LogIndex(12),
        hlc: HlcTimestamp(3),
        players: Vec::new(),
        nodes: Vec::new(),
        despawned: vec![NodeId(5)],
        live: Vec::new(),
        poses: Vec::new(),
        last: true,
    };
    assert_replica(
        &ReplicaPart::World(part),
        "01  00  0c 03 00 00 01 05 00 00 01",
    );
    let players = vec![LedgerEntry {
        player: PlayerId(1),
        mark: JoinMark([0x4d; 16]),
        last_seq: ClientSeq(300),
        last_spawn_counter: 2,
    }];
    assert_replica(
        &ReplicaPart::Ledger { players },
        "01  01  01  01 4d4d4d4d 4d4d4d4d 4d4d4d4d 4d4d4d4d fb2c01 02",
    );
    let end = ReplicaPart::End {
        last_player: PlayerId(9),
        digest: 0x0123_4567_89ab_cdef,
    };
    assert_replica(&end, "01  02  09 fd efcdab8967452301");
}

#[test]
fn what_was_heard_by_datagram() {
    let standby = Standby {
        live: vec![LiveEntry {
            node: NodeId(2),
            property: PropertyId(0),
            stamp: Micros(1000),
            value: Value::Bool(true),
        }],
        poses: vec![LivePose {
            node: NodeId(3),
            sent_at: Micros(1000),
            batch: vec![0xab, 0xcd],
        }],
    };
    assert_replica(
        &standby,
        "01
         01  02  00  fb e803  02 0101 # live: node, property, stamp, a value of two bytes
         01  03  fb e803  02 abcd     # poses: node, sent at, a batch of two bytes",
    );
}
