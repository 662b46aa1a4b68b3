//! One session against a server that says just what the test wants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{
    POSE, authored_cup, below, cup, game, give,
    mirror::Decision,
    ms, paint,
    scripted::{ME, OTHER, Script, TOKEN, commit, resumed, snapshot, transaction, welcome},
};
use synced_client::{
    SessionConfig,
    command::Command,
    limits::{UPDATES_WAITING_LIVE_MAX, UPDATES_WAITING_MAX},
    update::{EndReason, Update},
};
use synced_protocol::{
    control::{PROTOCOL_VERSION, encode, encode_first},
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output},
    live::{Datagram, LiveWriter, Pong, encode_ping, encode_pong, relay_header},
    message::{
        Change, LiveEntry, NodeEntry, Refusal, Resume, ServerMessage, SnapshotPart, Welcome,
    },
    mutation::{Lane, Limit, Mutation, OnOwnerLeft, PropertySpec, Rejection, Transaction},
    time::Micros,
    value::Value,
};

const MALFORMED: Option<CloseCode> = Some(CloseCode::Malformed);

fn spawn_cup(seq: u64) -> Change {
    transaction(OTHER, seq, Mutation::Spawn(authored_cup()))
}

fn rejected(seq: u64) -> ServerMessage {
    ServerMessage::Rejected {
        seq: ClientSeq(seq),
        log_index: LogIndex(10),
        reason: Rejection::TooMany,
    }
}

#[test]
fn the_first_words_name_the_game_and_the_player_and_nothing_else() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    let hello = script.connect();
    assert_eq!((hello.game, hello.player_name.as_str()), (game(), "ann"));
    assert_eq!(hello.resume, None);
}

#[test]
fn a_host_shows_its_secret_with_the_first_words() {
    let mut config = SessionConfig::new(game(), "ann");
    config.host_token = Some(TOKEN);
    let hello = Script::new(config).connect();
    assert_eq!(hello.resume.map(|resume| resume.token), Some(TOKEN));
}

#[test]
fn another_protocol_version_ends_the_session_with_both_versions_named() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    let mut frame = encode_first(&ServerMessage::Refused(Refusal::NameTooLong))
        .unwrap()
        .to_vec();
    frame[4..6].copy_from_slice(&77_u16.to_le_bytes());
    script.frame(frame.into());
    let refusal = Refusal::ProtocolVersion {
        server: 77,
        client: PROTOCOL_VERSION,
    };
    assert_eq!(script.game.ended, Some(EndReason::Refused(refusal)));
    assert!(script.session.is_finished());
}

#[test]
fn a_certificate_that_is_not_trusted_and_a_server_that_said_goodbye_are_not_tried_again() {
    let mut config = SessionConfig::new(game(), "ann");
    config.retry.first_connect = true;
    let reasons = [
        CloseReason::Untrusted("another fingerprint".into()),
        CloseReason::ByPeer(CloseCode::Done),
        CloseReason::ByPeer(CloseCode::Superseded),
    ];
    for reason in reasons {
        let mut script = Script::new(config.clone());
        script.connect();
        script.lose(reason.clone());
        assert_eq!(script.game.ended, Some(EndReason::Closed(reason)));
    }
}

#[test]
fn a_server_that_is_silent_in_the_handshake_is_given_up_after_the_timeout() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    let timeout = SessionConfig::new(game(), "ann").handshake_timeout;
    script.now = script.now + timeout - Micros(1);
    script.event(Event::Woken);
    assert_eq!(script.game.ended, None);
    script.now = script.now + Micros(1);
    script.event(Event::Woken);
    let reason = CloseReason::ByUs(CloseCode::HandshakeTimeout);
    assert_eq!(script.closed_with(), Some(CloseCode::HandshakeTimeout));
    assert_eq!(script.game.ended, Some(EndReason::Closed(reason)));
}

#[test]
fn a_world_that_comes_slowly_but_steadily_is_waited_for() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    script.say_first(&ServerMessage::Welcome(welcome(ME, 10)));
    for place in 0..10 {
        script.now = script.now + Micros::from_secs(4);
        script.event(Event::Woken);
        let part = SnapshotPart {
            players: if place == 0 {
                snapshot(10).players
            } else {
                Vec::new()
            },
            last: place == 9,
            ..snapshot(10)
        };
        script.say(&ServerMessage::Snapshot(part));
    }
    assert_eq!(script.game.joins.len(), 1);
}

/// What a server may not say once a session is up, each of which costs it the connection.
fn nonsense() -> Vec<(&'static str, ServerMessage)> {
    vec![
        ("an index that goes back", commit(10, spawn_cup(1))),
        ("a part of a world", ServerMessage::Snapshot(snapshot(11))),
        ("a second welcome", resumed(0)),
        ("a decision about what was never proposed", rejected(5)),
        (
            "an own commit that was never proposed",
            commit(11, transaction(ME, 5, paint(NodeId(1), 1))),
        ),
    ]
}

#[test]
fn frames_that_make_no_sense_cost_the_connection_and_the_world_is_asked_for_anew() {
    for (what, message) in nonsense() {
        let mut script = Script::up();
        script.say(&message);
        assert_eq!(script.closed_with(), MALFORMED, "{what}");
        assert_eq!(script.game.tries, [1], "{what}");
        script.wait_for_try();
        let resume = script.connect().resume.unwrap();
        script.now = script.now + Micros::from_secs(1);
        script.event(Event::Woken);
        assert_eq!(script.game.stats.counters.divergences, 0, "{what}");
        assert_eq!(resume.token, TOKEN);
        assert!(
            resume.cursor > LogIndex(1 << 60),
            "no leader goes on from there"
        );
    }
    let mut script = Script::up();
    script.frame(b"garbage".as_slice().into());
    assert_eq!(script.closed_with(), MALFORMED);
}

#[test]
fn a_first_frame_that_makes_no_sense_ends_the_try() {
    let first_frames = [
        ServerMessage::Snapshot(snapshot(10)),
        commit(11, spawn_cup(1)),
        resumed(0),
        ServerMessage::Welcome(Welcome {
            last_seq: ClientSeq(3),
            ..welcome(ME, 10)
        }),
    ];
    for first in first_frames {
        let mut script = Script::new(SessionConfig::new(game(), "ann"));
        script.connect();
        script.say_first(&first);
        assert_eq!(script.closed_with(), MALFORMED, "{first:?}");
    }
}

#[test]
fn a_commit_that_the_replica_rejects_is_counted_and_healed_by_the_whole_world() {
    let mut script = Script::up();
    script.say(&commit(11, spawn_cup(1)));
    let node = authored_cup().node;
    script.say(&commit(12, transaction(OTHER, 2, paint(node, 5))));
    assert_eq!(
        script.closed_with(),
        MALFORMED,
        "only its owner paints a cup"
    );

    script.wait_for_try();
    script.connect();
    script.say_first(&ServerMessage::Welcome(welcome(ME, 12)));
    let mut spawn = authored_cup();
    spawn.properties[0].value = Value::Int(5);
    spawn.owner = OTHER;
    let part = SnapshotPart {
        nodes: vec![NodeEntry {
            spawn,
            versions: vec![LogIndex(12), LogIndex(11)],
        }],
        ..snapshot(12)
    };
    script.say(&ServerMessage::Snapshot(part));
    script.now = script.now + Micros::from_secs(1);
    script.event(Event::Woken);
    assert_eq!(script.game.stats.counters.divergences, 1);
    assert_eq!(script.game.stats.counters.reconnects, 1);
    let world = script.session.world().unwrap();
    script.game.assert_equals(world);
    assert_eq!(script.game.nodes[&node].owner, OTHER);
    assert!(script.game.joins[1].resumed);

    script.lose(CloseReason::TimedOut);
    script.wait_for_try();
    let resume = script.connect().resume.unwrap();
    assert_eq!(
        resume.cursor,
        LogIndex(12),
        "the new world is trusted again"
    );
}

#[test]
fn after_a_loss_the_session_goes_on_from_its_cursor_and_sends_again_what_was_not_decided() {
    let mut script = Script::up();
    (1..=3).for_each(|seq| script.propose(seq, give(NodeId(1), ME)));
    assert_eq!(script.proposed(), [1, 2, 3]);
    script.say(&commit(11, spawn_cup(1)));
    script.lose(CloseReason::TimedOut);
    script.propose(4, give(NodeId(1), ME));
    script.wait_for_try();
    let resume = script.connect().resume;
    let cursor = LogIndex(11);
    assert_eq!(
        resume,
        Some(Resume {
            token: TOKEN,
            cursor
        })
    );
    script.outputs.clear();
    script.say_first(&resumed(2));
    assert_eq!(script.proposed(), [3, 4]);
    let joined = script.game.joins[1];
    assert_eq!((joined.resumed, joined.log_index), (true, cursor));

    script.say(&rejected(1));
    script.say(&rejected(2));
    script.say(&rejected(2));
    assert_eq!(
        script.closed_with(),
        None,
        "a rejection that is told again is no surprise"
    );
    let told: Vec<_> = script.game.decisions.keys().copied().collect();
    assert_eq!(told, [ClientSeq(1), ClientSeq(2)]);
}

#[test]
fn what_was_decided_unheard_and_is_not_told_any_more_is_settled() {
    let mut script = Script::up();
    (1..=3).for_each(|seq| script.propose(seq, give(NodeId(1), ME)));
    script.lose(CloseReason::TimedOut);
    script.wait_for_try();
    script.connect();
    script.outputs.clear();
    script.say_first(&ServerMessage::Welcome(Welcome {
        last_seq: ClientSeq(2),
        ..welcome(ME, 20)
    }));
    script.say(&ServerMessage::Snapshot(snapshot(20)));
    assert_eq!(script.proposed(), [3]);
    let told: Vec<_> = script
        .game
        .decisions
        .iter()
        .map(|(seq, how)| (seq.0, *how))
        .collect();
    assert_eq!(told, [(1, Decision::Settled), (2, Decision::Settled)]);
}

#[test]
fn a_proposal_that_is_too_large_is_rejected_at_once_and_the_next_takes_its_number_on_the_wire() {
    let mut script = Script::up();
    let bytes = Value::PackedByteArray(vec![0; 16_000]);
    let huge = Mutation::Call {
        node: NodeId(1),
        method: "eat".into(),
        arguments: vec![bytes; 3],
    };
    script.propose(1, huge);
    script.propose(2, give(NodeId(1), ME));
    assert_eq!(script.proposed(), [1]);
    let too_large = Rejection::TooLarge(Limit::MutationBytes);
    assert_eq!(
        script.game.decisions[&ClientSeq(1)],
        Decision::Rejected(too_large)
    );
    script.say(&rejected(1));
    assert_eq!(
        script.game.decisions[&ClientSeq(2)],
        Decision::Rejected(Rejection::TooMany)
    );
}

#[test]
fn a_stale_end_of_the_connection_before_does_not_end_the_try_after_it() {
    let mut script = Script::up();
    let before = script.connection();
    script.say(&resumed(0));
    script.wait_for_try();
    let reason = CloseReason::ByUs(CloseCode::Malformed);
    script.event(Event::Closed {
        connection: before,
        reason,
    });
    assert_eq!(script.game.tries, [1]);
    script.connect();
    script.event(Event::Frame {
        connection: before,
        bytes: b"late".as_slice().into(),
    });
    assert_eq!(script.closed_with(), None);
}

#[test]
fn a_try_that_fails_is_followed_by_another() {
    let mut script = Script::up();
    script.lose(CloseReason::TimedOut);
    script.wait_for_try();
    script.event(Event::Closed {
        connection: ConnectionId(1_000),
        reason: CloseReason::Unreachable("nobody answers".into()),
    });
    assert_eq!(script.game.tries, [1, 2]);
    script.wait_for_try();
    script.connect();
}

#[test]
fn without_leave_to_reconnect_a_loss_is_the_end() {
    let mut config = SessionConfig::new(game(), "ann");
    config.retry.reconnect = false;
    let mut script = Script::up_with(config);
    script.lose(CloseReason::TimedOut);
    assert_eq!(
        script.game.ended,
        Some(EndReason::Closed(CloseReason::TimedOut))
    );
}

#[test]
fn leaving_says_so_closes_in_order_and_needs_no_connection() {
    let mut script = Script::up();
    script.session.command(script.now, Command::Leave);
    script.event(Event::Woken);
    assert_eq!(script.frames().len(), 1);
    assert_eq!(script.closed_with(), Some(CloseCode::Done));
    assert_eq!(script.game.ended, Some(EndReason::Left));
    assert_eq!(script.session.poll_deadline(), None);

    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    script.session.command(script.now, Command::Leave);
    script.event(Event::Woken);
    let hello_alone = script.frames().len() == 1;
    assert!(hello_alone && script.closed_with() == Some(CloseCode::Done));

    let mut script = Script::up();
    script.lose(CloseReason::TimedOut);
    script.session.command(script.now, Command::Leave);
    script.event(Event::Woken);
    assert_eq!(script.game.ended, Some(EndReason::Left));
}

#[test]
fn a_connection_that_comes_up_after_the_end_is_closed() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.session.command(script.now, Command::Leave);
    script.outputs.clear();
    script.event(Event::Connected {
        connection: ConnectionId(1),
        remote: ([127, 0, 0, 1], 7_000).into(),
    });
    let close = Output::Close {
        connection: ConnectionId(1),
        code: CloseCode::Done,
    };
    assert_eq!(script.outputs, [close]);
}

#[test]
fn one_transaction_is_told_step_by_step_even_what_it_takes_back_itself() {
    let mut script = Script::up();
    let [mug, tray] = [1, 2].map(|counter| NodeId::spawned(OTHER, counter));
    let steps = Transaction {
        guards: Vec::new(),
        steps: vec![
            Mutation::Spawn(cup(mug, OTHER)),
            Mutation::Spawn(cup(tray, OTHER)),
            Mutation::Reparent {
                node: mug,
                parent: below(tray),
            },
            paint(mug, 1),
            paint(mug, 2),
            give(tray, OTHER),
            give(tray, ME),
            Mutation::Despawn { node: mug },
        ],
    };
    script.say(&commit(11, transaction(OTHER, 1, steps)));
    assert_eq!(script.closed_with(), None);
    script.game.assert_equals(script.session.world().unwrap());
    assert_eq!(script.game.nodes[&tray].owner, ME);
}

#[test]
fn a_transfer_to_who_owns_it_already_is_no_change_and_takes_no_others_place() {
    let mut script = Script::up();
    let [mug, tray] = [1, 2].map(|counter| NodeId::spawned(OTHER, counter));
    let steps = Transaction {
        guards: Vec::new(),
        steps: vec![
            Mutation::Spawn(cup(mug, OTHER)),
            Mutation::Spawn(cup(tray, OTHER)),
            give(mug, OTHER),
            paint(tray, 1),
            give(tray, ME),
        ],
    };
    let message = commit(11, transaction(OTHER, 1, steps));
    let (connection, bytes) = (script.connection(), encode(&message).unwrap());
    script
        .session
        .handle(script.now, Event::Frame { connection, bytes });
    let told = common::scripted::updates(&mut script.session);
    let place = |wanted: fn(&Update) -> bool| told.iter().position(wanted).unwrap();
    let painted = place(|update| matches!(update, Update::PropertySet { .. }));
    let given = place(|update| matches!(update, Update::OwnerChanged { .. }));
    assert!(painted < given, "{told:?}");
}

/// A player's live datagram as the leader relays it: one value of one node.
fn relayed(player: PlayerId, sequence: u32, node: NodeId, stamp: Micros) -> Bytes {
    let mut writer = LiveWriter::default();
    writer.begin(sequence, stamp);
    let _ = writer.value(node, POSE, stamp, &Value::Nil);
    let header = relay_header(player, HlcTimestamp::from_physical(stamp));
    [&header, &writer.bytes()[1..]].concat().into()
}

#[test]
fn what_this_player_sent_itself_and_what_is_no_datagram_for_a_player_is_not_told() {
    let mut script = Script::up();
    let node = NodeId::spawned(ME, 1);
    script.propose(1, Mutation::Spawn(cup(node, ME)));
    let change = transaction(ME, 1, Mutation::Spawn(cup(node, ME)));
    script.say(&commit(11, change));
    script.datagram(relayed(ME, 0, node, ms(1)));
    assert!(script.game.live.is_empty());
    script.datagram(encode_ping(ms(1)).to_vec());
    script.datagram(b"garbage".to_vec());
    script.now = script.now + Micros::from_secs(1);
    script.event(Event::Woken);
    let counters = script.game.stats.counters;
    assert_eq!(
        (counters.live_received, counters.datagrams_malformed),
        (0, 2)
    );
    assert_eq!(script.closed_with(), None, "the next datagram heals it");
}

#[test]
fn live_values_that_nobody_reads_do_not_pile_up() {
    let mut script = Script::up();
    script.say(&commit(11, spawn_cup(1)));
    let node = authored_cup().node;
    script.say(&commit(12, transaction(OTHER, 2, give(node, OTHER))));
    let connection = script.connection();
    let count = 2 * UPDATES_WAITING_LIVE_MAX as u64;
    for number in 0..count {
        let bytes = relayed(OTHER, number as u32, node, ms(number));
        script
            .session
            .handle(script.now, Event::Datagram { connection, bytes });
    }
    let waiting = script.session.updates_waiting();
    assert!(waiting <= UPDATES_WAITING_LIVE_MAX + 1, "{waiting}");
    script.now = script.now + Micros::from_secs(1);
    script.event(Event::Woken);
    assert_eq!(script.game.stats.counters.live_received, count);
    let unread = script.game.stats.counters.live_unread;
    assert_eq!(unread as usize + script.game.live_told, count as usize);
}

#[test]
fn a_world_with_more_live_values_than_a_game_may_leave_unread_still_comes_up() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    script.say_first(&ServerMessage::Welcome(welcome(ME, 10)));
    let nodes_max = UPDATES_WAITING_MAX as u64 / 64 + 1;
    let connection = script.connection();
    for node in 0..nodes_max {
        let part = full_of_live_values(NodeId(1 << 63 | node), node == nodes_max - 1);
        let part = if node == 0 {
            part
        } else {
            SnapshotPart {
                players: Vec::new(),
                ..part
            }
        };
        let bytes = encode(&ServerMessage::Snapshot(part)).unwrap();
        script
            .session
            .handle(script.now, Event::Frame { connection, bytes });
    }
    script.event(Event::Woken);
    assert_eq!(
        (script.game.joins.len(), script.game.ended.as_ref()),
        (1, None)
    );
    assert_eq!(script.game.nodes.len() as u64, nodes_max);
}

/// A part with one node, all of whose properties are live.
fn full_of_live_values(node: NodeId, last: bool) -> SnapshotPart {
    let mut spawn = cup(node, OTHER);
    spawn.properties = (0..64)
        .map(|place| PropertySpec {
            path: format!(":p{place}"),
            lane: Lane::Live,
            value: Value::Nil,
        })
        .collect();
    let live = (0..64).map(|place| LiveEntry {
        node,
        property: PropertyId(place),
        stamp: ms(1),
        value: Value::Nil,
    });
    SnapshotPart {
        nodes: vec![NodeEntry {
            spawn,
            versions: vec![LogIndex(1); 64],
        }],
        live: live.collect(),
        last,
        ..snapshot(10)
    }
}

#[test]
fn a_leader_whose_clock_is_ahead_after_a_loss_is_followed_at_once() {
    let mut script = Script::up();
    script.now = script.now + Micros::from_secs(60);
    script.lose(CloseReason::TimedOut);
    script.wait_for_try();
    script.connect();
    let ahead = Micros::from_secs(1_800_000_000);
    let ServerMessage::Welcome(mut welcome) = resumed(0) else {
        panic!()
    };
    welcome.session_time = ahead;
    script.outputs.clear();
    script.say_first(&ServerMessage::Welcome(welcome));
    let ping = script.outputs.iter().find_map(|output| match output {
        Output::Datagram { bytes, .. } => Some(Datagram::decode(bytes)),
        _ => None,
    });
    let Some(Ok(Datagram::Ping { sent_at })) = ping else {
        panic!("{ping:?}");
    };
    let pong = Pong {
        ping_sent_at: sent_at,
        received_at: ahead,
        sent_at: ahead,
    };
    script.datagram(encode_pong(&pong).to_vec());
    assert_eq!(script.now.shifted(script.game.clock.offset_us), ahead);
}

#[test]
fn a_player_who_leaves_for_good_takes_and_leaves_what_the_policies_say() {
    let mut script = Script::up();
    let [tray, mug] = [1, 2].map(|counter| NodeId::spawned(OTHER, counter));
    let mut gone = cup(tray, OTHER);
    gone.policy.on_owner_left = OnOwnerLeft::Despawn;
    let mut under = cup(mug, OTHER);
    under.parent = below(tray);
    let spawns = [gone, under, cup(NodeId::spawned(OTHER, 3), OTHER)];
    for (place, spawn) in (0..).zip(spawns) {
        let change = transaction(OTHER, 1 + place, Mutation::Spawn(spawn));
        script.say(&commit(11 + place, change));
    }
    script.say(&commit(20, Change::PlayerLeft { player: OTHER }));
    assert_eq!(script.closed_with(), None);
    script.game.assert_equals(script.session.world().unwrap());
    assert_eq!(script.game.nodes.len(), 1);
}

#[test]
fn a_game_that_reads_nothing_is_taken_for_dead_and_the_session_ends_with_a_reason() {
    let mut script = Script::up();
    let node = NodeId::spawned(OTHER, 1);
    let mut spawn = cup(node, OTHER);
    spawn.properties = (0..64)
        .map(|place| PropertySpec {
            path: format!(":p{place}"),
            lane: Lane::Confirmed,
            value: Value::Nil,
        })
        .collect();
    script.say(&commit(11, transaction(OTHER, 1, Mutation::Spawn(spawn))));
    let all = || {
        (0..64)
            .map(|place| (PropertyId(place), Value::Nil))
            .collect()
    };
    let connection = script.connection();
    for index in 0..10_000 {
        let set = Mutation::SetProperties {
            node,
            properties: all(),
        };
        let message = commit(12 + index, transaction(OTHER, 2 + index, set));
        let bytes = encode(&message).unwrap();
        script
            .session
            .handle(script.now, Event::Frame { connection, bytes });
    }
    let limit = UPDATES_WAITING_MAX;
    assert!(script.session.is_finished());
    assert!(script.session.updates_waiting() < limit + 200);
    let updates = common::scripted::updates(&mut script.session);
    let reason = CloseReason::ByUs(CloseCode::TooSlow);
    let last = format!("{:?}", updates.last());
    assert_eq!(
        last,
        format!("Some(Ended({:?}))", EndReason::Closed(reason))
    );
}

#[test]
fn what_the_session_counted_is_told_about_once_a_second_and_at_the_end() {
    let mut script = Script::up();
    let told = script.game.stats.counters.frames_received;
    script.say(&commit(11, spawn_cup(1)));
    assert_eq!(script.game.stats.counters.frames_received, told);
    script.now = script.now + Micros::from_secs(1);
    script.event(Event::Woken);
    assert_eq!(script.game.stats.counters.commits, 1);
    assert_eq!(script.game.stats.world.log_index, 11);
    script.now = script.now + ms(10);
    script.say(&commit(
        12,
        transaction(OTHER, 2, give(authored_cup().node, OTHER)),
    ));
    script.session.command(script.now, Command::Leave);
    script.event(Event::Woken);
    assert_eq!(script.game.stats.counters.commits, 2);
}
