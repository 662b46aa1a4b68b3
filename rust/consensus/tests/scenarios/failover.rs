//! How long a cluster is without a leader.

use synced_consensus::{ProposeError, QUORUM_SILENCE_TICKS, Role, TICK};
use synced_protocol::{id::ServerId, time::Micros};

use crate::cluster::{Cluster, GROUP};

/// Times of many of the same, in microseconds.
struct Spans(Vec<u64>);

impl Spans {
    fn print(&mut self, what: &str) {
        self.0.sort_unstable();
        let mean = self.0.iter().sum::<u64>() / self.0.len() as u64;
        println!(
            "{what}: mean {mean} us, p99 {} us, max {} us",
            self.p99(),
            self.0[self.0.len() - 1]
        );
    }

    fn p99(&self) -> u64 {
        self.0[self.0.len() * 99 / 100]
    }
}

/// Proposes an entry every 2 ms for a while, as busy games do.
fn load(cluster: &mut Cluster, span: Micros) {
    let end = cluster.now + span;
    while cluster.now < end {
        if let Some(leader) = cluster.leader() {
            match cluster.propose(leader, GROUP, vec![7; 2048]) {
                Ok(_) | Err(ProposeError::NotLeading { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        cluster.run(Micros(2_000).min(end.since(cluster.now)));
    }
}

/// Runs until another than `before` leads, and has committed its first entry.
fn until_another_leads(cluster: &mut Cluster, before: ServerId) -> u64 {
    let limit = Micros::from_millis(200);
    cluster
        .run_until(limit, |cluster| {
            cluster.leader().is_some_and(|leader| leader != before)
        })
        .0
}

#[test]
fn of_600_leaders_that_are_killed_99_in_a_hundred_are_followed_within_8_ms() {
    let mut spans = Spans(Vec::new());
    let mut cluster = Cluster::new(5, 600);
    cluster.elect();
    for _ in 0..600 {
        let span = Micros(cluster.chance.between(20_000, 40_000));
        load(&mut cluster, span);
        let leader = cluster.leader().unwrap();
        cluster.kill(leader);
        spans.0.push(until_another_leads(&mut cluster, leader));
        let span = Micros(cluster.chance.between(0, 20_000));
        load(&mut cluster, span);
        cluster.start(leader);
        cluster.converge(Micros::from_millis(500));
    }
    spans.print("600 kills under load, to the first commit of another leader");
    assert!(spans.p99() <= 8_000);
}

#[test]
fn of_300_partitions_that_heal_99_in_a_hundred_are_over_within_15_ms() {
    let (mut minority, mut majority) = (Spans(Vec::new()), Spans(Vec::new()));
    let mut cluster = Cluster::new(5, 300);
    cluster.elect();
    for _ in 0..300 {
        load(&mut cluster, Micros(20_000));
        let leader = cluster.leader().unwrap();
        minority.0.push(leader_rejoins(&mut cluster, leader));
        cluster.converge(Micros::from_millis(500));
        load(&mut cluster, Micros(20_000));
        majority.0.push(nobody_led(&mut cluster));
        cluster.converge(Micros::from_millis(500));
    }
    minority.print(
        "300 healed partitions, to the old minority following again with all that was committed",
    );
    majority.print("300 healed partitions of which no part had a quorum, to the first commit");
    assert!(minority.p99() <= 15_000);
    assert!(majority.p99() <= 15_000);
}

/// The leader and one more are cut off, another is elected; then all is healed.
fn leader_rejoins(cluster: &mut Cluster, leader: ServerId) -> u64 {
    let others: Vec<ServerId> = cluster
        .alive()
        .into_iter()
        .filter(|id| *id != leader)
        .collect();
    let second = cluster.chance.pick(&others);
    for one in [leader, second] {
        cluster
            .faults
            .isolate(one, others.iter().copied().filter(|id| *id != second));
    }
    until_another_leads(cluster, leader);
    let span = Micros(cluster.chance.between(0, 100_000));
    load(cluster, span);
    cluster.faults.cut.clear();
    let healed_at = cluster.status(cluster.leader().unwrap()).committed;
    let rejoined = |cluster: &Cluster, id| {
        let status = cluster.status(id);
        status.leader == cluster.leader() && status.applied >= healed_at
    };
    cluster
        .run_until(Micros::from_millis(500), |c| {
            rejoined(c, leader) && rejoined(c, second)
        })
        .0
}

/// Everybody is cut off from everybody, for as long as it takes; then all is healed.
fn nobody_led(cluster: &mut Cluster) -> u64 {
    let all = cluster.alive();
    for id in &all {
        cluster.faults.isolate(*id, all.iter().copied());
    }
    let term = cluster.status(all[0]).term;
    let span = Micros(cluster.chance.between(30_000, 300_000));
    cluster.run(span);
    cluster.faults.cut.clear();
    cluster
        .run_until(Micros::from_millis(500), |c| {
            c.leader().is_some_and(|id| c.status(id).term > term)
        })
        .0
}

#[test]
fn a_leader_that_is_heard_but_hears_nobody_gives_way_after_the_silence_it_may_bear() {
    let mut spans = Spans(Vec::new());
    for seed in 0..100 {
        let mut cluster = Cluster::new(5, 7_000 + seed);
        let leader = cluster.elect();
        let span = Micros(cluster.chance.between(10_000, 12_000));
        cluster.run(span);
        cut_inward(&mut cluster, leader);
        spans.0.push(until_another_leads(&mut cluster, leader));
        assert_eq!(cluster.status(leader).counters.leaderships_lost, 1);
        cluster.faults.cut.clear();
        cluster.converge(Micros::from_millis(100));
    }
    spans.print("100 leaders that hear nobody, to the first commit of another leader");
    let silence = u64::from(QUORUM_SILENCE_TICKS) * TICK.0;
    assert!(spans.p99() <= silence + 8_000);
}

fn cut_inward(cluster: &mut Cluster, leader: ServerId) {
    for other in cluster.alive() {
        cluster.faults.cut.insert((other, leader));
    }
}

#[test]
fn a_leader_that_hears_but_is_not_heard_is_followed_as_soon_as_one_that_is_dead() {
    let mut spans = Spans(Vec::new());
    for seed in 0..100 {
        let mut cluster = Cluster::new(5, 8_000 + seed);
        let leader = cluster.elect();
        let span = Micros(cluster.chance.between(10_000, 12_000));
        cluster.run(span);
        for other in cluster.alive() {
            cluster.faults.cut.insert((leader, other));
        }
        spans.0.push(until_another_leads(&mut cluster, leader));
        cluster.run_ms(2);
        assert_ne!(
            cluster.status(leader).role,
            Role::Leader,
            "it hears its successor"
        );
    }
    spans.print("100 leaders that are not heard, to the first commit of another leader");
    assert!(spans.p99() <= 8_000);
}
