//! What an operator asks for, and servers that stop in an orderly way.

use serde_json::json;
use synced_protocol::{link::CloseCode, time::Micros, value::Value};

use crate::{
    failover::assert_agree,
    net::Net,
    player::Player,
    words::{CONFIRMED, set},
};

#[test]
fn every_server_says_how_it_stands() {
    let mut net = Net::new(3);
    let leader = net.elect();
    let ann = Player::join(&mut net, "Ann");
    Player::spawn(&mut net, ann, 1);
    net.run(Micros::from_millis(500));
    for id in net.alive() {
        let answer = net.ask(id, r#"{"do":"status"}"#);
        let node = &answer["ok"]["node"];
        let cluster = &node["cluster"];
        assert_eq!(cluster["server"], id.0);
        assert_eq!(cluster["leader"], leader.0);
        assert_eq!(
            cluster["role"],
            if id == leader { "leader" } else { "follower" }
        );
        assert_eq!(cluster["voters"], json!([1, 2, 3]));
        assert_eq!(cluster["peers"].as_array().unwrap().len(), 2);
        assert_eq!(node["players"], 1);
        assert_eq!(answer["ok"]["connections"], 1);
        let lag = &cluster["peers"][0]["lag_entries"];
        assert_eq!(
            lag.is_number(),
            id == leader,
            "the leader alone knows: {lag}"
        );
    }
    let told: synced_node::NodeStats = net.node(leader).stats();
    let again = serde_json::from_value(serde_json::to_value(&told).unwrap()).unwrap();
    assert_eq!(told, again);
}

#[test]
fn a_change_that_is_asked_of_a_follower_names_the_leader() {
    let mut net = Net::new(3);
    let leader = net.elect();
    net.run(Micros::from_millis(50));
    let follower = net.alive().into_iter().find(|id| *id != leader).unwrap();
    for request in [r#"{"do":"transfer"}"#, r#"{"do":"remove","servers":[1,2]}"#] {
        let answer = net.ask(follower, request);
        assert!(
            answer["error"].as_str().unwrap().contains("leads"),
            "{answer}"
        );
        assert_eq!(answer["leader"], leader.0);
        assert_eq!(answer["leader_address"], format!("peer-{}:1", leader.0));
    }
}

#[test]
fn what_is_no_request_is_answered_with_what_may_be_asked() {
    let mut net = Net::new(1);
    let only = net.elect();
    let strange = [
        "",
        "{",
        "[]",
        r#"{"do":"dance"}"#,
        r#"{"do":"remove"}"#,
        r#"{"do":"transfer","to":-1}"#,
        r#"{"do":"add","servers":[{"server":2}]}"#,
        r#"{"do":"transfer","whom":1}"#,
        "\u{0}",
    ];
    for request in strange {
        let answer = net.ask(only, request);
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains("status"), "{request}: {error}");
    }
    let nobody = net.ask(only, r#"{"do":"transfer"}"#);
    assert!(nobody["error"].is_string(), "{nobody}");
}

#[test]
fn a_leader_that_stops_hands_over_and_no_player_is_without_a_server_for_long() {
    let mut net = Net::new(5);
    let first = net.elect();
    let ann = Player::join(&mut net, "Ann");
    let cup = Player::spawn(&mut net, ann, 1);
    net.run(Micros::from_millis(50));
    for number in 0..100 {
        if number == 50 {
            net.stop(first);
        }
        Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(number)));
        net.run(Micros::from_millis(1));
    }
    net.run(Micros::from_millis(100));
    assert!(!net.is_alive(first));
    let player = &net.players[ann];
    assert_eq!(player.confirmed.len(), 101);
    assert!(player.rejected.is_empty());
    let painted = &player.commits[1..];
    let gaps = painted.windows(2).map(|pair| pair[1].0.since(pair[0].0));
    let longest = gaps.max().unwrap();
    assert!(longest <= Micros::from_millis(8), "{longest:?}");
    assert_eq!(player.closed, [(first, CloseCode::ServerStopping)]);
    let (from, welcome) = player.welcomes.last().unwrap();
    assert!(*from != first && welcome.resumed);
    assert_agree(&net);
}

#[test]
fn a_follower_or_the_only_server_stops_at_once() {
    let mut net = Net::new(3);
    let leader = net.elect();
    let follower = net.alive().into_iter().find(|id| *id != leader).unwrap();
    net.stop(follower);
    assert!(!net.is_alive(follower));
    let mut net = Net::new(1);
    let only = net.elect();
    net.stop(only);
    assert!(!net.is_alive(only));
}

#[test]
fn a_leader_that_nobody_can_follow_stops_after_a_while_all_the_same() {
    let mut net = Net::new(3);
    let leader = net.elect();
    net.run(Micros::from_millis(50));
    net.cut_off(&[leader]);
    net.stop(leader);
    net.run(Micros::from_millis(600));
    assert!(!net.is_alive(leader));
}
