//! What the leader heard by datagram is known to the next one.

use synced_protocol::{
    id::{NodeId, PlayerId},
    input::{InputFrame, Precision},
    live::{Fit, LiveWriter},
    message::ClientMessage,
    time::Micros,
    value::Value,
};

use crate::{
    failover::assert_agree,
    net::{Net, server},
    player::Player,
    words::{LIVE, live, set},
};

const TOLD_BY: Micros = Micros::from_millis(150);

/// A cluster where Ann has a cup.
fn with_a_cup(servers: u16) -> (Net, usize, NodeId) {
    let mut net = Net::new(servers);
    net.elect();
    let ann = Player::join(&mut net, "Ann");
    let cup = Player::spawn(&mut net, ann, 1);
    net.run(Micros::from_millis(50));
    (net, ann, cup)
}

fn stream(net: &mut Net, player: usize, cup: NodeId, number: i64) {
    let home = net.players[player].home.unwrap();
    let now = net.session_time(home);
    let value = (cup, LIVE, Value::Int(number));
    Player::send_live(net, player, live(number as u32, now, &[value]));
    net.run(Micros(500));
}

fn kill_the_leader(net: &mut Net) {
    let leader = net.leader().unwrap();
    net.kill(leader);
    net.run(Micros::from_millis(300));
}

fn confirmed_value(net: &Net, node: NodeId) -> Value {
    let leader = net.leader().unwrap();
    let world = net.servers[&leader].node.as_ref().unwrap().world();
    let node = world.node(node).unwrap();
    node.property(LIVE).unwrap().value().clone()
}

#[test]
fn who_joins_late_at_the_next_leader_sees_what_moves_where_the_last_one_knew_it() {
    let (mut net, ann, cup) = with_a_cup(5);
    let hand = Player::spawn(&mut net, ann, 2);
    net.run(Micros::from_millis(20));
    stream(&mut net, ann, cup, 1);
    net.run(TOLD_BY);
    stream(&mut net, ann, cup, 2);
    let home = net.players[ann].home.unwrap();
    let now = net.session_time(home);
    let mut writer = LiveWriter::default();
    writer.begin(9, now);
    let frame = InputFrame {
        sampled_at: now,
        ..InputFrame::default()
    };
    assert_eq!(writer.input(hand, &[frame], Precision::Fine), Fit::Written);
    Player::send_live(&mut net, ann, writer.bytes().to_vec());
    net.run(TOLD_BY);
    kill_the_leader(&mut net);
    let bob = Player::join(&mut net, "Bob");
    let values = net.players[bob].live.iter();
    let values: Vec<_> = values
        .map(|entry| (entry.node, entry.value.clone()))
        .collect();
    assert_eq!(values, [(cup, Value::Int(2))]);
    let poses = net.players[bob].poses.iter();
    let poses: Vec<_> = poses.map(|pose| (pose.node, pose.sent_at)).collect();
    assert_eq!(poses, [(hand, now)]);
}

#[test]
fn what_a_player_who_never_returns_had_rests_where_the_dead_leader_knew_it() {
    let (mut net, ann, cup) = with_a_cup(5);
    stream(&mut net, ann, cup, 7);
    net.run(TOLD_BY);
    Player::go_away(&mut net, ann);
    kill_the_leader(&mut net);
    assert_eq!(confirmed_value(&net, cup), Value::Int(0));
    net.run(net.config.resume_grace);
    net.run(Micros::from_millis(100));
    assert_eq!(confirmed_value(&net, cup), Value::Int(7));
    assert_agree(&net);
}

#[test]
fn what_was_confirmed_since_is_not_undone_by_what_was_streamed_before() {
    let (mut net, ann, cup) = with_a_cup(3);
    stream(&mut net, ann, cup, 1);
    Player::propose(&mut net, ann, set(cup, LIVE, Value::Int(2)));
    net.run(TOLD_BY);
    kill_the_leader(&mut net);
    let bob = Player::join(&mut net, "Bob");
    assert!(net.players[bob].live.is_empty());
    let home = net.players[ann].home.unwrap();
    Player::say(&mut net, ann, home, &ClientMessage::Leave);
    Player::retire(&mut net, ann);
    net.run(Micros::from_millis(100));
    assert_eq!(confirmed_value(&net, cup), Value::Int(2));
}

#[test]
fn a_server_that_comes_back_is_told_everything_again() {
    let (mut net, ann, cup) = with_a_cup(3);
    stream(&mut net, ann, cup, 5);
    net.run(TOLD_BY);
    let leader = net.leader().unwrap();
    let late = [1, 2, 3]
        .map(server)
        .into_iter()
        .rfind(|id| *id != leader)
        .unwrap();
    net.kill(late);
    net.run(Micros::from_secs(1));
    net.start(late);
    net.run(Micros::from_millis(500));
    let asked = format!(r#"{{"do":"transfer","to":{}}}"#, late.0);
    assert!(net.ask(leader, &asked)["ok"].is_object());
    net.run(Micros::from_millis(200));
    assert_eq!(net.leader(), Some(late));
    let bob = Player::join(&mut net, "Bob");
    assert_eq!(net.players[bob].live.len(), 1);
}

#[test]
fn nothing_is_told_while_nothing_moves_and_each_change_once() {
    let (mut net, ann, cup) = with_a_cup(3);
    net.run(Micros::from_secs(1));
    let leader = net.leader().unwrap();
    let sent = |net: &Net| net.stats(leader).counters.standby_frames_sent;
    let before = sent(&net);
    net.run(Micros::from_secs(1));
    assert_eq!(sent(&net), before);
    stream(&mut net, ann, cup, 5);
    net.run(Micros::from_secs(1));
    assert_eq!(sent(&net), before + 2, "one to each of the others");
}

#[test]
fn the_nodes_of_a_player_who_went_with_the_leader_belong_to_nobody_after_the_grace() {
    let (mut net, ann, cup) = with_a_cup(3);
    Player::go_away(&mut net, ann);
    kill_the_leader(&mut net);
    let leader = net.leader().unwrap();
    let owner = |net: &Net| {
        let node = net.servers[&leader].node.as_ref().unwrap();
        node.world().node(cup).unwrap().owner()
    };
    assert_eq!(owner(&net), net.players[ann].id);
    net.run(net.config.resume_grace);
    assert_eq!(owner(&net), PlayerId::SERVER);
}
