//! Servers that come back, with what they have on disk or with a snapshot.

use synced_node::cluster::ClusterStats;
use synced_protocol::{
    id::{ClientSeq, PlayerId},
    message::ClientMessage,
    time::Micros,
    value::Value,
};

use crate::{
    failover::assert_agree,
    net::{Net, server},
    player::Player,
    words::{CONFIRMED, give, set},
};

#[test]
fn after_all_servers_were_down_players_go_on_and_who_does_not_come_leaves_after_the_grace() {
    let mut net = Net::new(3);
    net.elect();
    let ann = Player::join(&mut net, "Ann");
    let bob = Player::join(&mut net, "Bob");
    let cup = Player::spawn(&mut net, bob, 1);
    net.run(Micros::from_millis(50));
    let (ann_is, bob_is) = (net.players[ann].id, net.players[bob].id);
    let before = net.truth();
    net.alive().into_iter().for_each(|id| net.kill(id));
    Player::go_away(&mut net, bob);
    net.run(Micros::from_secs(60));
    net.alive_all();
    let leader = net.elect();
    net.run(Micros::from_millis(700));
    let world = |net: &Net| net.servers[&leader].node.as_ref().unwrap().world().clone();
    assert!(net.players[ann].welcomes.last().unwrap().1.resumed);
    assert_eq!(net.players[ann].id, ann_is);
    assert!(world(&net).player(bob_is).is_some(), "there is still time");
    assert!(net.session_time(leader) > before);
    net.run(net.config.resume_grace);
    assert!(world(&net).player(bob_is).is_none());
    assert_eq!(world(&net).node(cup).unwrap().owner(), PlayerId::SERVER);
    Player::come_back(&mut net, bob);
    net.run(Micros::from_millis(700));
    assert_ne!(net.players[bob].id, bob_is, "nobody is given an id again");
    assert_agree(&net);
}

/// Three servers with much in their logs, of which one was down for long and has just come back.
fn with_a_latecomer() -> (Net, usize) {
    let mut net = Net::founded(3, |_| Default::default());
    net.cluster.consensus.log_bytes_kept_max = 4_000;
    net.alive_all();
    net.elect();
    let ann = Player::join(&mut net, "Ann");
    net.run(Micros::from_millis(50));
    net.kill(server(3));
    let cup = Player::spawn(&mut net, ann, 1);
    for number in 0..1_000 {
        let paint = set(cup, CONFIRMED, Value::Int(number));
        Player::propose(&mut net, ann, paint);
        net.run(Micros(900));
    }
    net.run(Micros::from_millis(50));
    net.start(server(3));
    net.run(Micros::from_millis(300));
    (net, ann)
}

#[test]
fn who_was_away_for_long_is_restored_by_a_snapshot_and_then_leads_as_if_it_had_been_there() {
    let (mut net, ann) = with_a_latecomer();
    let ClusterStats {
        snapshots_received, ..
    } = net.stats(server(3));
    assert_eq!(snapshots_received, 1);
    assert_agree(&net);
    let leader = net.leader().unwrap();
    let asked = net.ask(leader, r#"{"do":"transfer","to":3}"#);
    assert_eq!(asked["ok"]["to"], 3, "{asked}");
    net.run(Micros::from_millis(300));
    assert_eq!(net.players[ann].home, Some(server(3)));
    assert!(net.players[ann].welcomes.last().unwrap().1.resumed);

    let twice = ClientMessage::Propose {
        seq: ClientSeq(1_000),
        transaction: set(net.own(ann, 1), CONFIRMED, Value::Int(-1)).into(),
    };
    Player::say(&mut net, ann, server(3), &twice);
    Player::spawn(&mut net, ann, 2);
    net.run(Micros::from_millis(50));
    let counters = net.node(server(3)).stats().counters;
    assert_eq!(counters.duplicates, 1);
    assert_eq!(net.players[ann].confirmed.len(), 1_002);
    assert_agree(&net);
}

#[test]
fn who_missed_what_the_restored_leader_does_not_have_word_by_word_gets_the_world_anew() {
    let (mut net, ann) = with_a_latecomer();
    let bob = Player::join(&mut net, "Bob");
    Player::go_away(&mut net, bob);
    let cup = net.own(ann, 1);
    let bob_is = net.players[bob].id;
    Player::propose(&mut net, ann, give(cup, bob_is));
    for number in 0..20 {
        Player::spawn(&mut net, ann, number + 2);
    }
    net.run(Micros::from_millis(50));
    net.kill(server(3));
    for number in 0..200 {
        Player::spawn(&mut net, ann, number + 30);
        net.run(Micros(900));
    }
    net.start(server(3));
    net.run(Micros::from_millis(300));
    let leader = net.leader().unwrap();
    net.ask(leader, r#"{"do":"transfer","to":3}"#);
    net.run(Micros::from_millis(100));
    Player::come_back(&mut net, bob);
    net.run(Micros::from_millis(300));
    let (from, welcome) = net.players[bob].welcomes.last().unwrap();
    assert_eq!((*from, welcome.resumed), (server(3), false));
    assert_agree(&net);
}

#[test]
fn each_server_comes_back_as_itself_one_after_the_other_while_players_go_on() {
    let mut net = Net::new(3);
    net.elect();
    let ann = Player::join(&mut net, "Ann");
    let cup = Player::spawn(&mut net, ann, 1);
    let mut number = 0;
    let mut paint = |net: &mut Net, span: u64| {
        for _ in 0..span {
            number += 1;
            Player::propose(net, ann, set(cup, CONFIRMED, Value::Int(number)));
            net.run(Micros::from_millis(1));
        }
    };
    for id in [1, 2, 3].map(server) {
        net.kill(id);
        paint(&mut net, 300);
        net.start(id);
        paint(&mut net, 300);
    }
    net.run(Micros::from_millis(300));
    assert_eq!(net.players[ann].confirmed.len(), 1_801);
    assert_agree(&net);
}
