//! Servers whose wall clocks are wrong: what they do, what they say, and that the others go on.

use synced_protocol::{id::ServerId, time::Micros};

use crate::{
    failover::assert_agree,
    net::{Net, server},
    player::Player,
    server::Skew,
};

const SECOND_US: i64 = 1_000_000;
/// Beyond a second of it, so that a little of a way does not show.
const WRONG_US: i64 = 5 * SECOND_US + 500;

/// A cluster in which the clock of one server is wrong.
fn with_wrong(servers: u16, wrong: u16, wall_us: i64) -> Net {
    Net::skewed(servers, |id| Skew {
        wall_us: if id == wrong { wall_us } else { 0 },
        drift_ppm: 0,
    })
}

/// Session time at a server, less the truth.
fn off_us(net: &Net, id: ServerId) -> i64 {
    net.session_time(id).offset_from(net.truth())
}

/// Ends a server and starts it again with that wall clock.
fn restart(net: &mut Net, id: ServerId, wall_us: i64) {
    net.kill(id);
    net.run(Micros::from_millis(200));
    net.servers.get_mut(&id).unwrap().skew.wall_us = wall_us;
    net.start(id);
}

fn assert_commits(net: &mut Net, player: usize, counter: u32) {
    let before = net.players[player].confirmed.len();
    Player::spawn(net, player, counter);
    net.run(Micros::from_millis(300));
    assert_eq!(net.players[player].confirmed.len(), before + 1);
}

#[test]
fn of_five_clocks_one_that_is_wrong_makes_no_session_time_whoever_leads() {
    for wall_us in [-WRONG_US, 3_600 * SECOND_US, 260_500] {
        for wrong in [1, 2] {
            let mut net = with_wrong(5, wrong, wall_us);
            net.elect();
            let ann = Player::join(&mut net, "Ann");
            net.run(Micros::from_secs(4));
            let leader = net.leader().unwrap();
            assert!(off_us(&net, leader).abs() < 10_000, "{wrong} by {wall_us}");
            assert_commits(&mut net, ann, 1);
            for id in net.alive() {
                let trouble = net.stats(id).clock_trouble;
                assert_eq!(trouble.is_some(), id == server(wrong), "{trouble:?}");
            }
        }
    }
}

#[test]
fn of_two_that_are_left_of_three_one_with_a_wrong_clock_stops_nothing() {
    for wrong in [1, 2] {
        for wall_us in [WRONG_US, -WRONG_US] {
            let mut net = Net::founded(3, |id| Skew {
                wall_us: if id == wrong { wall_us } else { 0 },
                drift_ppm: 0,
            });
            net.start(server(1));
            net.start(server(2));
            net.elect();
            let ann = Player::join(&mut net, "Ann");
            net.run(Micros::from_secs(4));
            assert_commits(&mut net, ann, 1);
        }
    }
}

#[test]
fn a_server_that_starts_with_a_wrong_clock_says_so_and_takes_part_as_soon_as_it_is_set() {
    for (wall_us, says) in [
        (WRONG_US, "is 5000 ms ahead of that of server 1,"),
        (-WRONG_US, "is 5000 ms behind that of server 1,"),
        (3_600 * SECOND_US, "3600000 ms ahead of that of server 2"),
    ] {
        let mut net = Net::new(5);
        net.elect();
        let ann = Player::join(&mut net, "Ann");
        restart(&mut net, server(5), wall_us);
        net.run(Micros::from_secs(1));
        let early = net.stats(server(5)).clock_trouble;
        assert_eq!(early, None, "not everybody may have answered yet");
        net.run(Micros::from_secs(2));
        assert_commits(&mut net, ann, 1);
        let kept_out = net.stats(server(5));
        assert!(!kept_out.time_is_sure);
        let trouble = kept_out.clock_trouble.unwrap();
        assert!(trouble.contains(says), "{trouble}");
        assert!(trouble.contains("where 250 ms are allowed"), "{trouble}");
        let counters = kept_out.counters;
        assert!(counters.answers_refused + counters.stamps_refused > 0);
        let leader = net.leader().unwrap();
        let seen = net.stats(leader).peers.into_iter();
        let seen = seen.clone().find(|peer| peer.server == 5).unwrap();
        assert!(seen.wall_offset_us.unwrap().abs_diff(wall_us) < 1_000);
        net.set_wall(server(5), 0);
        net.run(Micros::from_millis(50));
        let joined = net.stats(server(5));
        assert!(joined.time_is_sure);
        assert_eq!(joined.clock_trouble, None);
        net.run(Micros::from_millis(200));
        assert_eq!(net.stats(server(5)).applied, net.stats(leader).committed);
        assert_eq!(net.leader(), Some(leader), "nobody was disturbed");
        assert_agree(&net);
    }
}

/// A cluster whose session time is away from what all wall clocks say by now.
fn away(by_us: i64) -> (Net, usize) {
    let mut net = Net::skewed(5, |_| Skew {
        wall_us: by_us,
        drift_ppm: 0,
    });
    net.elect();
    let ann = Player::join(&mut net, "Ann");
    net.run(Micros::from_secs(1));
    for id in net.alive() {
        net.set_wall(id, 0);
    }
    net.run(Micros::from_secs(3));
    (net, ann)
}

#[test]
fn a_right_clock_always_lets_in_though_session_time_is_away_from_every_clock() {
    for by_us in [10 * SECOND_US, -10 * SECOND_US] {
        let (mut net, ann) = away(by_us);
        for round in 1..=3 {
            let all: Vec<ServerId> = net.alive();
            let leader = net.leader().unwrap();
            // Followers and leaders, one after the other.
            let mut followers = all.iter().copied().filter(|id| *id != leader);
            let id = if round % 3 == 0 {
                leader
            } else {
                followers.next_back().unwrap()
            };
            restart(&mut net, id, 0);
            net.run(Micros::from_millis(300));
            assert!(net.stats(id).time_is_sure, "{id}");
            assert!(off_us(&net, id).abs_diff(by_us) < 10_000);
            assert_commits(&mut net, ann, round);
        }
        for id in net.alive() {
            assert_eq!(net.stats(id).clock_trouble, None);
            assert!(!net.stats(id).counters.disagrees);
        }
        assert_agree(&net);
    }
}

#[test]
fn one_that_kept_the_time_tells_it_to_all_others_that_were_restarted_at_once() {
    for by_us in [10 * SECOND_US, -10 * SECOND_US] {
        let (mut net, ann) = away(by_us);
        let leader = net.leader().unwrap();
        let keeper = net.alive().into_iter().find(|id| *id != leader).unwrap();
        let others = net.alive().into_iter().filter(|id| *id != keeper);
        let others: Vec<ServerId> = others.collect();
        others.iter().for_each(|id| net.kill(*id));
        net.run(Micros::from_millis(200));
        others.iter().for_each(|id| net.start(*id));
        net.run(Micros::from_millis(500));
        for id in net.alive() {
            assert!(net.stats(id).time_is_sure, "{id}");
            assert!(off_us(&net, id).abs_diff(by_us) < 10_000, "{id}");
        }
        assert_commits(&mut net, ann, 1);
        assert_agree(&net);
    }
}

#[test]
fn who_is_asked_to_lead_and_has_a_wrong_clock_gives_way_and_session_time_goes_on() {
    for wall_us in [WRONG_US, 3_600 * SECOND_US] {
        let mut net = Net::new(3);
        net.elect();
        let ann = Player::join(&mut net, "Ann");
        restart(&mut net, server(2), wall_us);
        net.run(Micros::from_millis(500));
        let first = net.leader().unwrap();
        let asked = net.ask(first, r#"{"do":"transfer","to":2}"#);
        assert_eq!(asked["ok"]["to"], 2, "{asked}");
        for _ in 0..500 {
            net.run(Micros::from_millis(1));
            if let Some(leader) = net.leader() {
                assert!(off_us(&net, leader).abs() < 10_000, "{leader}");
            }
        }
        assert_ne!(net.leader().unwrap(), server(2));
        assert!(net.stats(server(2)).elections_won > 0, "it has led");
        assert_commits(&mut net, ann, 1);
    }
}

#[test]
fn a_clock_that_is_set_wrong_under_a_running_server_moves_no_session_time_and_is_told() {
    let mut net = Net::new(5);
    let leader = net.elect();
    net.run(Micros::from_secs(1));
    net.set_wall(leader, WRONG_US);
    net.run(Micros::from_secs(5));
    assert_eq!(net.leader(), Some(leader));
    assert!(off_us(&net, leader).abs() < 10_000);
    let trouble = net.stats(leader).clock_trouble.unwrap();
    assert!(trouble.contains("after its next start"), "{trouble}");
    net.set_wall(leader, 0);
    net.run(Micros::from_millis(10));
    assert_eq!(net.stats(leader).clock_trouble, None);
}
