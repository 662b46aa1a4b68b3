//! Servers that come and go.

use serde_json::json;
use synced_protocol::{id::ServerId, time::Micros, value::Value};

use crate::{
    disk,
    net::{Net, server},
    player::Player,
    words::{CONFIRMED, set},
};

/// Three founders with a leader, and two more servers that are to take part.
fn three_and_two_more() -> (Net, ServerId) {
    let mut net = Net::founded(5, |_| Default::default());
    let three = disk::founding_members(3);
    for stored in net.servers.values_mut() {
        stored.stored = disk::founded(three.clone());
    }
    (1..=3).for_each(|id| net.start(server(id)));
    let leader = net.elect();
    (4..=5).for_each(|id| net.start(server(id)));
    (net, leader)
}

fn add_two(net: &mut Net, leader: ServerId) {
    let add = json!({ "do": "add", "servers": [
        { "server": 4, "peer": "peer-4:1", "players": "players-4:1" },
        { "server": 5, "peer": "peer-5:1", "players": "players-5:1" },
    ]});
    let answer = net.ask(leader, &add.to_string());
    assert_eq!(answer["ok"]["voters"], json!([1, 2, 3, 4, 5]), "{answer}");
}

#[test]
fn a_cluster_grows_and_shrinks_while_players_play() {
    let (mut net, leader) = three_and_two_more();
    let ann = Player::join(&mut net, "Ann");
    let cup = Player::spawn(&mut net, ann, 1);
    net.run(Micros::from_millis(20));
    add_two(&mut net, leader);
    for number in 0..300 {
        Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(number)));
        net.run(Micros::from_millis(1));
    }
    assert_eq!(net.stats(server(5)).voters, [1, 2, 3, 4, 5]);
    let remove = r#"{"do":"remove","servers":[1,2]}"#;
    let leader = net.leader().unwrap();
    let answer = net.ask(leader, remove);
    assert_eq!(answer["ok"]["voters"], json!([3, 4, 5]), "{answer}");
    for number in 0..300 {
        Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(number)));
        net.run(Micros::from_millis(1));
    }
    let left = |id: &ServerId| id.0 > 2;
    let leader = net.leader().unwrap();
    assert!(left(&leader));
    assert_eq!(net.stats(leader).voters, [3, 4, 5]);
    let player = &net.players[ann];
    assert_eq!(player.confirmed.len(), 601);
    assert!(player.rejected.is_empty());
    let told = &player.told.last().unwrap().2;
    let mut named: Vec<_> = told.servers.iter().map(|entry| entry.server.0).collect();
    named.sort_unstable();
    assert_eq!(named, [3, 4, 5]);
    assert_eq!(
        told.servers.last().unwrap().server,
        leader,
        "the leader is no next leader"
    );
}

#[test]
fn a_founder_that_lost_its_memory_is_taken_back_by_a_leader_that_came_after_it() {
    let (mut net, leader) = three_and_two_more();
    add_two(&mut net, leader);
    let second = Micros::from_secs(1);
    net.until(second, |net| net.stats(server(4)).voters == [1, 2, 3, 4, 5]);
    net.ask(net.leader().unwrap(), r#"{"do":"transfer","to":4}"#);
    net.until(second, |net| net.leader() == Some(server(4)));
    net.kill(server(1));
    net.run(Micros::from_millis(300));
    net.lose_memory(server(1), disk::founding_members(3));
    net.start(server(1));
    net.until(second, |net| {
        let known = net.stats(server(1));
        known.leader == Some(4) && known.voters == [1, 2, 3, 4, 5]
    });
    assert_eq!(net.leader(), Some(server(4)));
}
