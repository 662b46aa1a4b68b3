//! What the game is told of commits and datagrams.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{
    COLOUR, POSE, authored_cup, below, cup, give, ms, paint,
    scripted::{ME, OTHER, Script, commit, spawn_cup, transaction, updates},
};
use synced_client::{limits::UPDATES_WAITING_LIVE_MAX, update::Update};
use synced_protocol::{
    control::encode,
    hlc::HlcTimestamp,
    id::{LogIndex, NodeId, PlayerId},
    link::{Event, Logic},
    live::{LiveWriter, Loss, encode_ping, relay_header},
    message::{Change, RestedValue},
    mutation::{Mutation, OnOwnerLeft, Transaction},
    time::Micros,
    value::Value,
};

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
    let told = updates(&mut script.session);
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
    script.datagram(encode_ping(ms(1), Loss::NONE).to_vec());
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
fn what_comes_to_rest_is_told_as_set_without_what_was_passed_over() {
    let mut script = Script::up();
    let [mug, tray] = [1, 2].map(|counter| NodeId::spawned(OTHER, counter));
    for (place, node) in (0..).zip([mug, tray]) {
        let change = transaction(OTHER, 1 + place, Mutation::Spawn(cup(node, OTHER)));
        script.say(&commit(11 + place, change));
    }
    script.datagram(relayed(OTHER, 0, mug, ms(1)));
    let value = |node, property, number| RestedValue {
        node,
        property,
        newer_than: LogIndex(12),
        value: Value::Int(number),
    };
    let values = vec![
        value(mug, COLOUR, 1),
        value(mug, POSE, 2),
        value(authored_cup().node, POSE, 3),
        value(tray, POSE, 4),
    ];
    let player = OTHER;
    script.say(&commit(13, Change::Rested { player, values }));
    script.say(&commit(14, Change::PlayerLeft { player }));
    assert_eq!(script.closed_with(), None);
    script.game.assert_equals(script.session.world().unwrap());
    for (node, number) in [(mug, 2), (tray, 4)] {
        let values = &script.game.nodes[&node].values;
        assert_eq!(values[0].0, Value::Int(0));
        assert_eq!(values[1], (Value::Int(number), LogIndex(13)));
    }
    let ends = script.game.commits.iter().map(|end| end.log_index.0);
    assert!(ends.rev().take(2).eq([14, 13]));
}
