//! A leader goes, another comes, and players play on.

use synced_protocol::{id::ClientSeq, time::Micros, value::Value};

use crate::{
    net::{DELAY, Net},
    player::Player,
    words::{CONFIRMED, set},
};

const SOON: Micros = Micros::from_millis(100);

/// Everyone who is served sees the world as its server has it, and all servers that run have the same.
pub fn assert_agree(net: &Net) {
    let ids = net.alive();
    let digest = |id| {
        net.servers[&id]
            .node
            .as_ref()
            .unwrap()
            .world()
            .replica_digest()
    };
    for id in &ids {
        assert_eq!(digest(*id), digest(ids[0]), "{id}");
    }
    for player in net.players.iter().filter(|player| !player.is_away) {
        let home = player.home.expect("everyone is served");
        let known = net.servers[&home].node.as_ref().unwrap().world().digest();
        assert_eq!(
            player.world.as_ref().unwrap().digest(),
            known,
            "{}",
            player.name
        );
        assert_eq!(player.pending.len(), 0, "{}", player.name);
    }
}

#[test]
fn a_cluster_elects_a_leader_and_serves_players_there() {
    for servers in [1, 3, 5] {
        let mut net = Net::new(servers);
        let leader = net.elect();
        let ann = Player::join(&mut net, "Ann");
        let bob = Player::join(&mut net, "Bob");
        let cup = Player::spawn(&mut net, ann, 1);
        net.run(SOON);
        assert_eq!(net.players[ann].home, Some(leader));
        assert_eq!(net.players[bob].commits.len(), 1);
        assert!(net.players[bob].world.as_ref().unwrap().node(cup).is_some());
        assert_agree(&net);
    }
}

#[test]
fn who_was_served_by_a_leader_that_died_goes_on_at_the_next_by_its_cursor_and_nothing_is_lost_or_doubled()
 {
    let mut net = Net::new(5);
    let first = net.elect();
    let ann = Player::join(&mut net, "Ann");
    let bob = Player::join(&mut net, "Bob");
    let cup = Player::spawn(&mut net, ann, 1);
    for number in 0..200 {
        let paint = set(cup, CONFIRMED, Value::Int(number));
        Player::propose(&mut net, ann, paint);
        net.run(Micros(500));
        if number == 100 {
            net.kill(first);
        }
    }
    net.run(Micros::from_millis(400));
    let second = net.leader().unwrap();
    assert_ne!(first, second);
    for player in [ann, bob] {
        let player = &net.players[player];
        assert_eq!(player.home, Some(second));
        let last = &player.welcomes.last().unwrap().1;
        assert!(last.resumed, "no snapshot is needed");
        assert_eq!(player.welcomes.len(), 2);
    }
    let confirmed: Vec<_> = net.players[ann].confirmed.keys().copied().collect();
    let all: Vec<_> = (1..=201).map(ClientSeq).collect();
    assert_eq!(confirmed, all);
    assert!(DELAY < SOON);
    assert_agree(&net);
}

#[test]
fn who_joins_while_the_leader_dies_joins_once_however_far_it_had_come() {
    let mut was_welcomed = [false; 2];
    for step in 0..40 {
        let mut net = Net::new(3);
        let first = net.elect();
        let ann = Player::begin(&mut net, "Ann");
        net.run(Micros(step * 100));
        was_welcomed[net.players[ann].welcomes.len()] = true;
        net.kill(first);
        net.run(Micros::from_millis(700));
        let leader = net.leader().unwrap();
        assert_eq!(net.players[ann].home, Some(leader), "{step}");
        let world = net.servers[&leader].node.as_ref().unwrap().world();
        assert_eq!(world.players().len(), 1, "{step}");
        assert_agree(&net);
    }
    assert_eq!(was_welcomed, [true; 2], "some before, some after");
}
