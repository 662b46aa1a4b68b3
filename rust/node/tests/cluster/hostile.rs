//! Whatever another server sends is a message or an error.

use bytes::Bytes;
use proptest::prelude::*;
use synced_protocol::{id::ServerId, peer::PeerEvent, time::Micros};

use crate::{
    failover::assert_agree,
    net::{Net, server},
    player::Player,
};

#[derive(Debug, Clone, Copy)]
enum Lane {
    Frame,
    Bulk,
    Datagram,
}

fn event(lane: Lane, from: ServerId, bytes: Bytes) -> PeerEvent {
    match lane {
        Lane::Frame => PeerEvent::Frame {
            server: from,
            bytes,
        },
        Lane::Bulk => PeerEvent::Bulk {
            server: from,
            bytes,
        },
        Lane::Datagram => PeerEvent::Datagram {
            server: from,
            bytes,
        },
    }
}

fn lane() -> impl Strategy<Value = Lane> {
    prop_oneof![Just(Lane::Frame), Just(Lane::Bulk), Just(Lane::Datagram)]
}

/// An envelope of a past time with any content, or no envelope.
fn junk() -> impl Strategy<Value = Vec<u8>> {
    let any_bytes = || prop::collection::vec(any::<u8>(), 0..200);
    let enveloped = (0..4_u8, any_bytes()).prop_map(|(kind, body)| {
        let head = [1, kind, 0, 0, 0, 0, 0, 0, 0, 0];
        [&head, body.as_slice()].concat()
    });
    prop_oneof![1 => any_bytes(), 4 => enveloped]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_of_another_server_are_counted_and_change_nothing(
        junk in prop::collection::vec((lane(), junk()), 1..20), from in 1..9_u16,
    ) {
        let mut net = Net::new(3);
        net.elect();
        let ann = Player::join(&mut net, "Ann");
        for (lane, bytes) in &junk {
            for id in net.alive() {
                let bytes = Bytes::copy_from_slice(bytes);
                net.tell(id, event(*lane, server(from), bytes));
            }
            net.run(Micros(700));
        }
        Player::spawn(&mut net, ann, 1);
        net.run(Micros::from_millis(100));
        prop_assert_eq!(net.players[ann].confirmed.len(), 1);
        let refused = |id| {
            let stats = net.stats(id);
            stats.counters.malformed + stats.messages_refused
        };
        prop_assert!(net.alive().into_iter().all(|id| refused(id) > 0) || may_all_mean_something(&junk));
        assert_agree(&net);
    }
}

/// Questions about the time are nine bytes of anything, and an empty list of live values is a word.
fn may_all_mean_something(junk: &[(Lane, Vec<u8>)]) -> bool {
    let may = |bytes: &[u8]| bytes.len() >= 12 && bytes[0] == 1 && bytes[1] < 3;
    junk.iter().all(|(_, bytes)| may(bytes))
}

#[test]
fn words_of_servers_that_are_cut_short_are_counted_and_the_cluster_goes_on() {
    let mut net = Net::new(3);
    let leader = net.elect();
    let ann = Player::join(&mut net, "Ann");
    let cup_and_more = 40;
    (1..=cup_and_more).for_each(|counter| {
        Player::spawn(&mut net, ann, counter);
        net.run(Micros::from_millis(2));
    });
    let said = net.servers[&leader].sent.clone();
    let to = said.last().unwrap().1;
    let before = net.stats(to);
    let words: Vec<_> = said.iter().filter(|(_, whom, _)| *whom == to).collect();
    let mut cut = 0;
    for (_, _, bytes) in words.iter().rev().take(200) {
        for length in 0..bytes.len() {
            net.tell(to, event(Lane::Frame, leader, bytes.slice(..length)));
            cut += 1;
        }
    }
    let after = net.stats(to);
    let refused = after.counters.malformed + after.messages_refused
        - before.counters.malformed
        - before.messages_refused;
    assert!(refused > cut / 2, "{refused} of {cut}");
    Player::spawn(&mut net, ann, cup_and_more + 1);
    net.run(Micros::from_millis(200));
    assert_eq!(net.players[ann].confirmed.len() as u32, cup_and_more + 1);
    assert_agree(&net);
}
