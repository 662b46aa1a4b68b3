//! The frames behind the handshake.

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    message::{
        Change, ClientMessage, Commit, JoinMark, LiveEntry, LivePose, LogEntry, NodeEntry,
        PlayerEntry, RestedValue, ServerMessage, SnapshotPart,
    },
    mutation::{Guard, Lane, Mutation, PropertySpec, Transaction},
    time::Micros,
    value::Value,
};

use crate::{
    golden::{assert_frame, assert_no_tag},
    mutations::{CUP, cup},
};

#[test]
fn a_proposal_with_every_guard() {
    let node = NodeId(1);
    let transaction = Transaction {
        guards: vec![
            Guard::Exists { node },
            Guard::OwnerIs {
                node,
                owner: PlayerId(3),
            },
            Guard::VersionIs {
                node,
                property: PropertyId(4),
                version: LogIndex(5),
            },
        ],
        steps: vec![Mutation::Despawn { node }; 2],
    };
    let proposal = ClientMessage::Propose {
        seq: ClientSeq(9),
        transaction,
    };
    assert_frame(
        &proposal,
        "01              # Propose
         09              # seq
         03              # guards
         00 01           # exists: node
         01 01 03        # owner is: node, player
         02 01 04 05     # version is: node, property, index
         02              # mutations
         01 01           # despawn: node
         01 01",
    );
    assert_no_tag::<ClientMessage>("01 09 01 03");
}

#[test]
fn a_leave_is_a_kind_and_nothing_else() {
    assert_frame(&ClientMessage::Leave, "02");
}

#[test]
fn an_interest_in_a_node() {
    let interest = |wanted| ClientMessage::Interest {
        node: NodeId(300),
        wanted,
    };
    assert_frame(&interest(false), "03 fb 2c01 00 # Interest, node, wanted");
    assert_frame(&interest(true), "03 fb 2c01 01");
}

#[test]
fn a_watch_is_the_last_kind_that_a_client_sends() {
    assert_frame(&ClientMessage::Watch, "04");
    assert_no_tag::<ClientMessage>("05");
}

#[test]
fn a_snapshot_of_everything() {
    let mut spawn = cup();
    spawn.properties = vec![PropertySpec {
        path: "a".to_owned(),
        lane: Lane::Live,
        value: Value::Nil,
    }];
    let part = SnapshotPart {
        log_index: LogIndex(12),
        hlc: HlcTimestamp(0x0123_4567_89ab_cdef),
        players: vec![PlayerEntry {
            player: PlayerId(1),
            name: "Ann".to_owned(),
            hosts: true,
        }],
        nodes: vec![NodeEntry {
            spawn,
            versions: vec![LogIndex(11)],
        }],
        despawned: vec![NodeId(0x8000_0000_0000_0001)],
        live: vec![LiveEntry {
            node: NodeId(2),
            property: PropertyId(0),
            stamp: Micros(1000),
            value: Value::Bool(true),
        }],
        poses: vec![LivePose {
            node: NodeId(3),
            sent_at: Micros(1000),
            batch: vec![0xab, 0xcd, 0xef],
        }],
        last: true,
    };
    let without_property = CUP.replace("00 # properties", "");
    let golden = format!(
        "02                        # Snapshot
         0c                        # index
         fd efcdab8967452301       # hlc
         01  01  03 416e6e  01     # players: player, name, hosts
         01                        # nodes
         {without_property}
         01  01 61  01  01 00      # properties: path, lane, a value of one byte
         01  0b                    # versions
         01  fd 0100000000000080   # despawned
         01  02  00  fb e803  02 0101 # live: node, property, stamp, a value of two bytes
         01  03  fb e803  03 abcdef # poses: node, sent at, a batch of three bytes
         01                        # last"
    );
    assert_frame(&ServerMessage::Snapshot(part), &golden);
}

#[test]
fn each_change_of_a_commit() {
    let commit = |change| {
        ServerMessage::Commit(Commit {
            log_index: LogIndex(5),
            entry: LogEntry {
                hlc: HlcTimestamp(6),
                change,
            },
        })
    };
    let transaction = Change::Transaction {
        player: PlayerId(1),
        seq: ClientSeq(2),
        transaction: Mutation::Despawn { node: NodeId(3) }.into(),
    };
    assert_frame(
        &commit(transaction),
        "03 05 06        # Commit, index, hlc
         00 01 02        # transaction: player, seq
         00 01 01 03     # no guards, one mutation, despawn: node",
    );
    let joined = Change::PlayerJoined {
        player: PlayerEntry {
            player: PlayerId(300),
            name: "Bo".to_owned(),
            hosts: false,
        },
        mark: JoinMark([0x4d; 16]),
    };
    assert_frame(
        &commit(joined),
        "03 05 06  01  fb 2c01  02 426f  00  4d4d4d4d 4d4d4d4d 4d4d4d4d 4d4d4d4d",
    );
    let left = Change::PlayerLeft {
        player: PlayerId(7),
    };
    assert_frame(&commit(left), "03 05 06  02  07");
    let value = |node, property, newer_than, value| RestedValue {
        node: NodeId(node),
        property: PropertyId(property),
        newer_than: LogIndex(newer_than),
        value,
    };
    let rested = Change::Rested {
        player: PlayerId(7),
        values: vec![
            value(0x1_0000_0002, 63, 4, Value::Vector2([1.0, -2.0])),
            value(3, 0, 251, Value::Nil),
        ],
    };
    assert_frame(
        &commit(rested),
        "03 05 06  03  07                                     # rested: player
         02                                                   # values: node, property, index, value
         fd 0200000001000000  3f  04       09 07 0000803f 000000c0
         03                   00  fb fb00  01 00",
    );
    assert_no_tag::<ServerMessage>("03 05 06 04");
}

#[test]
fn who_leads_is_the_last_kind_that_a_server_sends() {
    assert_no_tag::<ServerMessage>("06");
}
