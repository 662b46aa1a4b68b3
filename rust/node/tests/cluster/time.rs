//! What time it is in the session, and which events come before which.

use synced_protocol::{hlc::HlcTimestamp, id::ServerId, time::Micros, value::Value};

use crate::{
    failover::assert_agree,
    net::{DELAY, EPOCH, Net},
    player::Player,
    server::Skew,
    words::{CONFIRMED, set},
};

/// The most by which a player's idea of session time may be moved by a change of leader, on a way that is as long there as back.
const JUMP_MAX_US: u64 = 1_000;

/// Clocks that differ by 200 ms, and drift apart by 200 millionths.
fn skew(id: u16) -> Skew {
    let side = if id.is_multiple_of(2) { 1 } else { -1 };
    Skew {
        wall_us: 100_000 * side,
        drift_ppm: 100 * side,
    }
}

/// Session time less the truth, as a player hears it from the server that it is with.
fn heard_offsets(net: &Net, player: usize) -> Vec<(Micros, ServerId, i64)> {
    let pongs = net.players[player].pongs.iter();
    let heard = pongs.map(|(at, from, pong)| {
        let sent_at = *at - DELAY;
        (*at, *from, pong.sent_at.offset_from(sent_at))
    });
    heard.collect()
}

#[test]
fn session_time_goes_on_over_changes_of_leader_whatever_the_servers_clocks_say() {
    let mut net = Net::skewed(5, skew);
    net.elect();
    let ann = Player::join(&mut net, "Ann");
    let mut died: Option<ServerId> = None;
    for second in 0..12 {
        for _ in 0..50 {
            if let Some(home) = net.players[ann].home {
                Player::ping(&mut net, ann, home);
            }
            net.run(Micros::from_millis(20));
        }
        if second % 2 == 1 {
            died.into_iter().for_each(|id| net.start(id));
            let leader = net.leader().unwrap();
            net.kill(leader);
            died = Some(leader);
        }
    }
    let heard = heard_offsets(&net, ann);
    let servers = heard.windows(2).filter(|pair| pair[0].1 != pair[1].1);
    assert!(servers.count() >= 5, "it was with several servers");
    for pair in heard.windows(2) {
        let moved = pair[1].2.abs_diff(pair[0].2);
        assert!(moved <= JUMP_MAX_US, "by {moved} us at {:?}", pair[1]);
    }
    assert!(heard.len() > 500);
}

#[test]
fn every_follower_knows_session_time_within_a_millisecond() {
    let mut net = Net::skewed(5, skew);
    let leader = net.elect();
    net.run(Micros::from_secs(1));
    for _ in 0..100 {
        net.run(Micros::from_millis(50));
        let truth = net.session_time(leader);
        for id in net.alive() {
            let wrong = net.session_time(id).offset_from(truth);
            assert!(wrong.unsigned_abs() <= JUMP_MAX_US, "{id} by {wrong} us");
        }
    }
    let offsets = net.stats(leader).peers.into_iter();
    let offsets: Vec<_> = offsets.map(|peer| peer.clock_offset_us.unwrap()).collect();
    assert!(
        offsets.iter().all(|us| us.unsigned_abs() <= JUMP_MAX_US),
        "{offsets:?}"
    );
}

#[test]
fn whatever_is_committed_later_has_a_later_timestamp_by_whichever_leader() {
    let mut net = Net::skewed(5, skew);
    net.elect();
    let ann = Player::join(&mut net, "Ann");
    let cup = Player::spawn(&mut net, ann, 1);
    let mut number = 0;
    for _ in 0..6 {
        for _ in 0..40 {
            number += 1;
            Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(number)));
            net.run(Micros::from_millis(2));
        }
        let leader = net.leader().unwrap();
        net.kill(leader);
        net.run(Micros::from_millis(100));
        net.start(leader);
    }
    net.run(Micros::from_millis(300));
    let commits = &net.players[ann].commits;
    assert_eq!(commits.len(), 241);
    let stamps: Vec<HlcTimestamp> = commits.iter().map(|(_, _, hlc)| *hlc).collect();
    assert!(stamps.is_sorted_by(|a, b| a < b));
    for ((at, ..), stamp) in commits.iter().zip(&stamps) {
        let off = stamp.physical().offset_from(EPOCH + *at);
        assert!(off.unsigned_abs() < 200_000, "{off} at {at:?}");
    }
    assert_agree(&net);
}

#[test]
fn within_the_allowed_difference_nobody_is_refused() {
    let skew = |id| Skew {
        wall_us: if id == 1 { 240_000 } else { 0 },
        drift_ppm: 0,
    };
    let mut net = Net::skewed(5, skew);
    net.elect();
    net.run(Micros::from_secs(5));
    for id in net.alive() {
        let counters = net.stats(id).counters;
        assert_eq!((counters.stamps_refused, counters.answers_refused), (0, 0));
        assert!(!counters.disagrees);
        assert_eq!(net.stats(id).clock_trouble, None);
    }
}

#[test]
fn a_clock_that_is_set_while_its_server_runs_does_not_move_session_time() {
    let mut net = Net::new(5);
    let leader = net.elect();
    net.run(Micros::from_secs(1));
    let follower = net.alive().into_iter().find(|id| *id != leader).unwrap();
    for id in [follower, leader] {
        net.servers.get_mut(&id).unwrap().set_ahead = Micros::from_secs(10);
        for _ in 0..200 {
            net.run(Micros::from_millis(10));
            let leader = net.leader();
            let told = leader.map(|leader| net.session_time(leader).offset_from(net.truth()));
            assert!(
                told.is_none_or(|off| off.unsigned_abs() < 5_000),
                "{told:?}"
            );
        }
        let off = net.session_time(id).offset_from(net.truth());
        assert!(off.unsigned_abs() < 5_000, "{id} by {off}");
    }
}

#[test]
fn a_server_that_stood_still_for_long_knows_the_time_again() {
    let mut net = Net::new(3);
    let leader = net.elect();
    net.run(Micros::from_secs(1));
    let follower = net.alive().into_iter().find(|id| *id != leader).unwrap();
    let node = net.servers.get_mut(&follower).unwrap().node.take();
    net.run(Micros::from_secs(20));
    net.servers.get_mut(&follower).unwrap().node = node;
    net.run(Micros::from_secs(1));
    let off = net.session_time(follower).offset_from(net.truth());
    assert!(off.unsigned_abs() < 5_000, "{off}");
    assert!(net.stats(follower).time_is_sure);
}

#[test]
fn when_all_servers_stand_still_together_session_time_goes_on_as_if_they_had_not() {
    let mut net = Net::new(3);
    net.elect();
    net.run(Micros::from_secs(1));
    let nodes: Vec<_> = net.servers.values_mut().map(|it| it.node.take()).collect();
    net.run(Micros::from_secs(20));
    let servers = net.servers.values_mut();
    servers.zip(nodes).for_each(|(it, node)| it.node = node);
    net.run(Micros::from_secs(1));
    for id in net.alive() {
        let off = net.session_time(id).offset_from(net.truth());
        assert!(off.unsigned_abs() < 5_000, "{id} by {off}");
        assert!(net.stats(id).time_is_sure);
    }
}
