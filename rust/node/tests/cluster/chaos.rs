//! Many small misfortunes from a seed. Every player's proposals are decided once, and all servers come to the same world.

use synced_protocol::{id::mix, link::CloseCode, time::Micros, value::Value};

use crate::{
    failover::assert_agree,
    net::{Net, server},
    player::Player,
    server::Skew,
    words::{CONFIRMED, set},
};

const SEEDS: u64 = 6;
const STEPS: u64 = 400;
const PLAYERS_MAX: usize = 12;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % sides
    }
}

fn play(seed: u64) {
    let mut dice = Dice(seed);
    let skew = |id: u16| Skew {
        wall_us: i64::from(id) * 20_000,
        drift_ppm: i64::from(id) * 20,
    };
    let mut net = Net::founded(5, skew);
    net.cluster.consensus.log_bytes_kept_max = 3_000;
    net.alive_all();
    net.elect();
    let players = ["Ann", "Bob", "Cleo"].map(|name| Player::join(&mut net, name));
    let cups = players.map(|player| Player::spawn(&mut net, player, 1));
    let mut down = Vec::new();
    for step in 0..STEPS {
        let who = dice.roll(3) as usize;
        let paint = set(
            cups[dice.roll(3) as usize],
            CONFIRMED,
            Value::Int(step as i64),
        );
        Player::propose(&mut net, players[who], paint);
        match dice.roll(60) {
            0 if down.len() < 2 => {
                let alive = net.alive();
                let unlucky = net.leader().unwrap_or(alive[0]);
                net.kill(unlucky);
                down.push(unlucky);
            }
            1 if down.len() < 2 => {
                let alive = net.alive();
                let unlucky = alive[dice.roll(alive.len() as u64) as usize];
                net.kill(unlucky);
                down.push(unlucky);
            }
            2..=4 => down.pop().into_iter().for_each(|id| net.start(id)),
            5 => net.cut_off(&[server(1 + dice.roll(5) as u16)]),
            6 => {
                let apart = 1 + dice.roll(4) as u16;
                net.cut_off(&[server(apart), server(apart + 1)]);
            }
            7..=9 => net.heal(),
            10 => Player::go_away(&mut net, players[who]),
            11..=13 => players
                .iter()
                .for_each(|it| Player::come_back(&mut net, *it)),
            14..=16 if net.players.len() < PLAYERS_MAX => {
                let name = format!("Late {}", net.players.len());
                Player::begin(&mut net, &name);
            }
            _ => {}
        }
        net.run(Micros(500 + dice.roll(20_000)));
    }
    players
        .iter()
        .for_each(|it| Player::come_back(&mut net, *it));
    net.heal();
    net.alive_all();
    net.run(Micros::from_secs(3));
    for player in &net.players {
        let decided = player.confirmed.len() + player.rejected.len();
        let untold = player.last_seq.0 as usize - decided;
        let snapshots = player
            .welcomes
            .iter()
            .filter(|(_, welcome)| !welcome.resumed);
        assert!(
            untold == 0 || snapshots.count() > 1,
            "{}: {untold}",
            player.name
        );
        let is_fair = |(_, code): &(_, CloseCode)| *code == CloseCode::Superseded;
        assert!(player.closed.iter().all(is_fair), "{:?}", player.closed);
        assert_eq!(
            player.welcomes[0].1.token,
            player.token.unwrap(),
            "it stayed who it was"
        );
    }
    assert_agree(&net);
    let home = net
        .leader()
        .and_then(|leader| net.servers[&leader].node.as_ref());
    let there = home.map(|node| node.world().players().len());
    assert_eq!(there, Some(net.players.len()), "everybody joined once");
}

#[test]
fn whatever_fails_nothing_is_lost_or_doubled_and_all_agree_in_the_end() {
    for seed in 0..SEEDS {
        eprintln!("seed {seed}");
        play(seed);
    }
}
