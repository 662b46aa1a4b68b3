//! Each proposal is decided, and its player hears how.

use synced_node::{Limits, Rate};
use synced_protocol::{
    id::{ClientSeq, NodeId},
    mutation::Rejection,
    time::Micros,
    value::Value,
};

use crate::{
    failover::assert_agree,
    net::Net,
    player::Player,
    words::{CONFIRMED, despawn, set},
};

/// A cluster in which nobody may propose more than so many times at once, and twice a second.
fn net_with_few_proposals(burst: u32) -> Net {
    let mut net = Net::founded(5, |_| Default::default());
    net.config.limits = Limits {
        proposals: Rate::new(2, burst),
        ..Limits::DEFAULT
    };
    net.alive_all();
    net
}

#[test]
fn what_a_dead_leader_rejected_without_the_log_and_nobody_heard_is_told_by_the_next() {
    let mut net = net_with_few_proposals(3);
    let first = net.elect();
    let ann = Player::join(&mut net, "Ann");
    let cup = Player::spawn(&mut net, ann, 1);
    net.run(Micros::from_millis(20));
    net.muted.insert(first);
    for number in 2..=5 {
        Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(number)));
    }
    net.run(Micros::from_millis(600));
    let last = Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(6)));
    net.run(Micros::from_millis(20));
    net.kill(first);
    net.heal();
    net.run(Micros::from_millis(300));
    let player = &net.players[ann];
    assert!(player.welcomes.last().unwrap().1.resumed);
    let confirmed: Vec<_> = player.confirmed.keys().copied().collect();
    assert_eq!(confirmed, [1, 2, 3, last.0].map(ClientSeq));
    let rejected: Vec<_> = player
        .rejected
        .iter()
        .map(|(seq, why)| (seq.0, *why))
        .collect();
    assert_eq!(rejected, [(4, Rejection::TooMany), (5, Rejection::TooMany)]);
    assert_agree(&net);
}

#[test]
fn what_was_rejected_and_heard_is_not_done_after_all_by_the_next_leader() {
    let mut net = net_with_few_proposals(2);
    let first = net.elect();
    let ann = Player::join(&mut net, "Ann");
    let cup = Player::spawn(&mut net, ann, 1);
    Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(2)));
    let seq = Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(3)));
    net.run(Micros::from_millis(20));
    assert_eq!(net.players[ann].rejected[&seq], Rejection::TooMany);
    net.kill(first);
    net.run(Micros::from_millis(300));
    let node = net.players[ann].world.as_ref().unwrap().node(cup).unwrap();
    assert_eq!(node.property(CONFIRMED).unwrap().value(), &Value::Int(2));
    assert_agree(&net);
}

#[test]
fn rejections_in_the_log_reach_their_player_by_whichever_leader() {
    let mut net = Net::new(5);
    let first = net.elect();
    let ann = Player::join(&mut net, "Ann");
    let bob = Player::join(&mut net, "Bob");
    let cup = Player::spawn(&mut net, ann, 1);
    net.run(Micros::from_millis(20));
    net.muted.insert(first);
    let refused = Player::propose(&mut net, bob, despawn(cup));
    let missing = Player::propose(&mut net, bob, despawn(NodeId(77)));
    let own = Player::spawn(&mut net, bob, 1);
    net.run(Micros::from_millis(5));
    net.kill(first);
    net.heal();
    net.run(Micros::from_millis(300));
    let player = &net.players[bob];
    assert!(player.welcomes.last().unwrap().1.resumed);
    assert!(matches!(
        player.rejected[&refused],
        Rejection::NotOwner { .. }
    ));
    assert_eq!(
        player.rejected[&missing],
        Rejection::NodeMissing(NodeId(77))
    );
    assert!(player.world.as_ref().unwrap().node(own).is_some());
    assert_agree(&net);
}

#[test]
fn what_a_cut_off_leader_rejected_at_its_end_is_decided_anew() {
    let mut net = net_with_few_proposals(2);
    let first = net.elect();
    let ann = Player::join(&mut net, "Ann");
    let cup = Player::spawn(&mut net, ann, 1);
    net.run(Micros::from_millis(20));
    net.cut_off(&[first]);
    Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(2)));
    let over = Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(3)));
    net.run(Micros::from_millis(300));
    let player = &net.players[ann];
    assert_ne!(player.home, Some(first));
    assert_eq!(player.rejected.get(&over), None, "it never was told");
    assert_eq!(player.confirmed.len(), 3);
    net.heal();
    net.run(Micros::from_millis(200));
    let back = net.ask(
        net.leader().unwrap(),
        &format!(r#"{{"do":"transfer","to":{}}}"#, first.0),
    );
    assert!(back["ok"].is_object(), "{back}");
    net.run(Micros::from_millis(200));
    assert_eq!(net.players[ann].home, Some(first));
    assert_eq!(net.players[ann].confirmed.len(), 3);
    assert_agree(&net);
}
