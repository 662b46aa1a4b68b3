//! Who does not lead any more serves nobody, and publishes nothing.

use synced_protocol::{id::LogIndex, link::CloseCode, time::Micros, value::Value};

use crate::{
    failover::assert_agree,
    net::Net,
    player::Player,
    words::{CONFIRMED, set},
};

#[test]
fn a_leader_that_is_cut_off_publishes_nothing_that_is_not_committed() {
    let mut net = Net::new(5);
    let first = net.elect();
    let ann = Player::join(&mut net, "Ann");
    let cup = Player::spawn(&mut net, ann, 1);
    net.run(Micros::from_millis(20));
    net.cut_off(&[first]);
    let before = net.players[ann].commits.len();
    for number in 0..10 {
        Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(number)));
    }
    let last = LogIndex(net.stats(first).last);
    net.run(Micros::from_millis(2));
    assert!(
        net.stats(first).last > last.0,
        "it has taken them into its log"
    );
    while net.players[ann].home == Some(first) {
        assert_eq!(net.players[ann].commits.len(), before);
        net.run(Micros(100));
    }
    net.run(Micros::from_millis(100));
    net.heal();
    net.run(Micros::from_millis(300));
    assert_eq!(net.players[ann].confirmed.len(), 11);
    assert_agree(&net);
}

#[test]
fn a_leader_that_is_cut_off_serves_nobody_once_its_lease_is_over() {
    let mut net = Net::new(5);
    let first = net.elect();
    let ann = Player::join(&mut net, "Ann");
    net.run(Micros::from_millis(50));
    let others: Vec<_> = net.alive().into_iter().filter(|id| *id != first).collect();
    net.cut_off(&[first]);
    net.run(Micros::from_millis(10));
    Player::go_away(&mut net, ann);
    net.unreachable.extend(&others);
    let (welcomes, told) = (net.players[ann].welcomes.len(), net.players[ann].told.len());
    Player::come_back(&mut net, ann);
    let eve = Player::begin(&mut net, "Eve");
    net.run(Micros::from_secs(1));
    assert_eq!(net.players[ann].welcomes.len(), welcomes);
    assert_eq!(net.players[eve].welcomes.len(), 0);
    let heard = &net.players[ann].told[told..];
    assert!(!heard.is_empty());
    assert!(
        heard
            .iter()
            .all(|(_, from, said)| *from == first && said.leader.is_none())
    );
    net.heal();
    net.run(Micros::from_millis(500));
    assert!(net.players[ann].welcomes.last().unwrap().1.resumed);
    assert_agree(&net);
}

#[test]
fn a_client_that_has_seen_more_than_the_leader_is_asked_to_come_again_and_never_sent_an_older_world()
 {
    let mut net = Net::new(3);
    let leader = net.elect();
    let ann = Player::join(&mut net, "Ann");
    Player::spawn(&mut net, ann, 1);
    net.run(Micros::from_millis(20));
    Player::go_away(&mut net, ann);
    let past = Player::forge_cursor(&mut net, ann, LogIndex(u64::MAX - 1));
    let (welcomes, told) = (net.players[ann].welcomes.len(), net.players[ann].told.len());
    Player::come_back(&mut net, ann);
    net.run(Micros::from_millis(500));
    assert_eq!(net.players[ann].welcomes.len(), welcomes);
    let asked = &net.players[ann].told[told..];
    let asked = asked
        .iter()
        .filter(|(_, from, said)| *from == leader && said.leader.is_none());
    assert!((2..=6).contains(&asked.count()));
    Player::forge_cursor(&mut net, ann, past);
    net.run(Micros::from_millis(200));
    assert!(net.players[ann].welcomes.last().unwrap().1.resumed);
    assert_agree(&net);
}

#[test]
fn who_is_told_that_another_leads_may_still_say_what_it_wanted_to_say_and_is_not_cut_off_for_it() {
    let mut net = Net::new(3);
    let first = net.elect();
    let ann = Player::join(&mut net, "Ann");
    let cup = Player::spawn(&mut net, ann, 1);
    net.run(Micros::from_millis(20));
    let asked = net.ask(first, r#"{"do":"transfer"}"#);
    assert!(asked["ok"]["to"].is_number(), "{asked}");
    for number in 0..100 {
        Player::propose(&mut net, ann, set(cup, CONFIRMED, Value::Int(number)));
        net.run(Micros(100));
    }
    net.run(Micros::from_millis(200));
    let second = net.leader().unwrap();
    assert_ne!(first, second);
    let player = &net.players[ann];
    assert_eq!(player.closed, Vec::<(_, CloseCode)>::new());
    assert_eq!(player.confirmed.len(), 101);
    assert!(player.rejected.is_empty(), "{:?}", player.rejected);
    assert_agree(&net);
}
