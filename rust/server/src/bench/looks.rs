//! What servers said of themselves, look by look, and what that tells of a span of time.

use serde::Serialize;
use synced_bench::{Rates, Traffic};
use synced_protocol::{id::ServerId, time::Micros};

use crate::cluster::{Glance, leading};

/// What the servers had measured at one time.
pub(super) struct Look {
    pub(super) at: Micros,
    leader: ServerId,
    servers: Vec<Standing>,
}

/// What one of them had, by its own clock.
#[derive(Debug, Clone, Copy)]
struct Standing {
    server: ServerId,
    uptime_s: f64,
    cpu_s: f64,
    resident_bytes: u64,
    players: Traffic,
    peers: Traffic,
}

/// How many cores were busy.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Cores {
    /// With all servers together.
    pub(super) all: f64,
    /// With the one that leads.
    pub(super) leader: f64,
}

/// What the one that leads exchanged, a second.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct LeaderRates {
    /// With players.
    pub(super) players: Rates,
    /// With the other servers.
    pub(super) peers: Rates,
}

/// What servers held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ServerMemory {
    pub(super) leader_bytes: u64,
    /// The mean of those that follow; `None` where there are none.
    pub(super) follower_bytes: Option<u64>,
}

impl Look {
    /// `None` where none of them leads.
    pub(super) fn of(at: Micros, glances: &[Glance]) -> Option<Self> {
        let (leader, _) = leading(glances)?;
        Some(Self {
            at,
            leader,
            servers: glances.iter().filter_map(Standing::of).collect(),
        })
    }

    /// `None` where the system does not tell.
    pub(super) fn memory(&self) -> Option<ServerMemory> {
        let of_leader = self.servers.iter().find(|one| one.server == self.leader)?;
        let followers = self.servers.iter().filter(|one| one.server != self.leader);
        let followers: Vec<_> = followers.map(|one| one.resident_bytes).collect();
        (of_leader.resident_bytes > 0).then(|| ServerMemory {
            leader_bytes: of_leader.resident_bytes,
            follower_bytes: followers
                .iter()
                .sum::<u64>()
                .checked_div(followers.len() as u64),
        })
    }

    /// What each server held.
    pub(super) fn resident_bytes(&self) -> impl Iterator<Item = (ServerId, u64)> {
        self.servers
            .iter()
            .map(|one| (one.server, one.resident_bytes))
    }

    /// Who led.
    pub(super) const fn leader(&self) -> ServerId {
        self.leader
    }
}

impl Standing {
    fn of(glance: &Glance) -> Option<Self> {
        let answer = glance.answer.as_ref()?;
        Some(Self {
            server: glance.server,
            uptime_s: answer.uptime_s,
            cpu_s: answer.cpu_s,
            resident_bytes: answer.resident_bytes,
            players: answer.transport.into(),
            peers: answer.peers.into(),
        })
    }

    /// How busy it was since.
    fn cores(&self, before: &Self) -> f64 {
        (self.cpu_s - before.cpu_s) / self.seconds_since(before)
    }

    fn rates(&self, before: &Self) -> LeaderRates {
        let span_s = self.seconds_since(before);
        LeaderRates {
            players: (self.players - before.players).rates(span_s),
            peers: (self.peers - before.peers).rates(span_s),
        }
    }

    fn seconds_since(&self, before: &Self) -> f64 {
        self.uptime_s - before.uptime_s
    }
}

/// What it cost to serve in a span, and what the one that led last exchanged. `None` where that was too short to tell.
pub(super) fn within(looks: &[Look], from: Micros, until: Micros) -> Option<(Cores, LeaderRates)> {
    let mut within = looks
        .iter()
        .filter(|look| look.at >= from && look.at <= until);
    let (first, last) = (within.next()?, within.next_back()?);
    let pairs: Vec<_> = last
        .servers
        .iter()
        .filter_map(|after| {
            let mut before = first.servers.iter();
            let before = before.find(|one| one.server == after.server)?;
            (after.seconds_since(before) > 0.0).then_some((before, after))
        })
        .collect();
    let (before, after) = pairs
        .iter()
        .find(|(_, after)| after.server == last.leader)?;
    let cores = Cores {
        all: pairs
            .iter()
            .map(|(before, after)| after.cores(before))
            .sum(),
        leader: after.cores(before),
    };
    Some((cores, after.rates(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Server 1 leads and computes half of the time, server 2 a quarter.
    fn look(second: u64) -> Look {
        let standing = |server, busy: f64| Standing {
            server: ServerId(server),
            uptime_s: second as f64 + 3.0,
            cpu_s: 10.0 + busy * second as f64,
            resident_bytes: 100 * u64::from(server) + second,
            players: Traffic {
                bytes_sent: 1_000 * second,
                datagrams_sent: 10 * second,
                ..Traffic::default()
            },
            peers: Traffic::default(),
        };
        Look {
            at: Micros::from_secs(second),
            leader: ServerId(1),
            servers: vec![standing(1, 0.5), standing(2, 0.25), standing(3, 0.25)],
        }
    }

    #[test]
    fn the_cost_is_that_of_the_looks_within_the_span_and_one_look_tells_nothing() {
        let looks: Vec<_> = (0..10).map(look).collect();
        let of = |from, until| within(&looks, Micros::from_secs(from), Micros::from_secs(until));
        let (cores, rates) = of(2, 6).unwrap();
        assert!((cores.all - 1.0).abs() < 1e-9 && (cores.leader - 0.5).abs() < 1e-9);
        assert!((rates.players.bytes_sent_per_s - 1_000.0).abs() < 1e-9);
        assert!((rates.players.ip_bytes_sent_per_s - 1_280.0).abs() < 1e-9);
        assert!(of(2, 2).is_none() && of(20, 30).is_none());
    }

    #[test]
    fn two_looks_at_the_same_word_tell_nothing() {
        let again = Look {
            at: Micros::from_secs(2),
            ..look(1)
        };
        let looks = [look(1), again];
        assert!(within(&looks, Micros::ZERO, Micros::from_secs(9)).is_none());
    }

    #[test]
    fn followers_count_with_their_mean_and_a_server_alone_has_none() {
        let mut look = look(0);
        let memory = ServerMemory {
            leader_bytes: 100,
            follower_bytes: Some(250),
        };
        assert_eq!(look.memory(), Some(memory));
        look.servers.truncate(1);
        assert_eq!(look.memory().unwrap().follower_bytes, None);
        look.servers[0].resident_bytes = 0;
        assert_eq!(look.memory(), None);
    }
}
