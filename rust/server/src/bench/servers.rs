//! The servers under measurement, where they are ours.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;
use synced_protocol::{stage::Summary, store::Durability, time::Micros};
use synced_transport::clock;

use super::scratch::Scratch;
use crate::{
    cli::{Bench, Founding},
    cluster::{LocalServers, leading},
    exit::{Exit, Failure},
    kinds::Safety,
};

/// How long the servers may take until one of them leads.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// How often they are looked at meanwhile.
const POLL: Duration = Duration::from_millis(100);
/// How often what they measured is kept; they write it once a second.
const LOOK_INTERVAL: Micros = Micros::from_secs(1);
/// The name of their folder.
const FOLDER: &str = "servers";

/// All servers of a cluster, on this machine.
pub(super) struct Servers {
    local: LocalServers,
    pub(super) url: String,
    looks: Vec<Look>,
}

/// What the servers had measured at one time.
struct Look {
    at: Micros,
    cpu_s: f64,
    leader_cpu_s: f64,
}

/// What they measured themselves since they began.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct ServerFigures {
    pub(super) servers: usize,
    /// What one of them took for each turn, by the word of the one that led last.
    pub(super) leader: Summary,
    /// From when it ordered an entry until a quorum had it.
    pub(super) replication: Summary,
    /// From the sending of a live datagram until its arrival there.
    pub(super) propagation: Summary,
    /// What they cost while it counted, where that was long enough to tell.
    pub(super) cores: Option<Cores>,
    /// The most recent of its terms: each above the first is a change of the leader.
    pub(super) term: u64,
}

/// How many cores were busy.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Cores {
    /// With all servers together.
    pub(super) all: f64,
    /// With the one that leads.
    pub(super) leader: f64,
}

impl Servers {
    /// Makes them in a folder and waits until one leads.
    ///
    /// # Errors
    /// When they cannot be made or started, or none leads in time.
    pub(super) fn start(options: &Bench, scratch: &Scratch) -> Result<Self, Failure> {
        let founding = Founding {
            nodes: Some(options.nodes),
            game: Some(options.game.clone()),
            game_version: Some(options.game_version.clone()),
            hosts: vec!["127.0.0.1".to_owned()],
            base_port: 0,
            id: None,
            durability: Safety(Durability::Memory),
        };
        let local = LocalServers::found(&scratch.path.join(FOLDER), &founding)?;
        let mut servers = Self {
            url: local.invitation()?,
            local,
            looks: Vec::new(),
        };
        let deadline = Instant::now() + START_TIME_MAX;
        while !servers.take_notice() {
            if Instant::now() > deadline {
                let seconds = START_TIME_MAX.as_secs();
                let text = format!("none of the servers leads after {seconds} s");
                return Err(Failure::new(Exit::Unanswered, text));
            }
            thread::sleep(POLL);
        }
        Ok(servers)
    }

    /// Takes notice of what they have cost so far, now and then.
    pub(super) fn look(&mut self) {
        let now = clock::unix_now();
        let is_due = |last: &Look| now.since(last.at) >= LOOK_INTERVAL;
        if self.looks.last().is_none_or(is_due) {
            self.take_notice();
        }
    }

    /// Gives false where none of them leads.
    fn take_notice(&mut self) -> bool {
        let (at, glances) = (clock::unix_now(), self.local.glances());
        let Some((_, leader)) = leading(&glances) else {
            return false;
        };
        let answers = glances.iter().filter_map(|glance| glance.answer.as_ref());
        self.looks.push(Look {
            at,
            cpu_s: answers.map(|answer| answer.cpu_s).sum(),
            leader_cpu_s: leader.cpu_s,
        });
        true
    }

    /// Stops them; tells what they measured until then, and what they cost in a span of it. `None` where none of them leads.
    pub(super) fn end(mut self, from: Micros, until: Micros) -> Option<ServerFigures> {
        let glances = self.local.glances();
        self.local.stop();
        let (_, leader) = leading(&glances)?;
        Some(ServerFigures {
            servers: glances
                .iter()
                .filter(|glance| glance.answer.is_some())
                .count(),
            leader: leader.leader,
            replication: leader.node.replication,
            propagation: leader.node.propagation,
            cores: cores(&self.looks, from, until),
            term: leader.term(),
        })
    }
}

fn cores(looks: &[Look], from: Micros, until: Micros) -> Option<Cores> {
    let mut within = looks
        .iter()
        .filter(|look| look.at >= from && look.at <= until);
    let (first, last) = (within.next()?, within.next_back()?);
    let span_s = last.at.since(first.at).as_secs_f64();
    Some(Cores {
        all: (last.cpu_s - first.cpu_s) / span_s,
        leader: (last.leader_cpu_s - first.leader_cpu_s) / span_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_that_of_the_looks_within_the_span_and_one_look_tells_nothing() {
        let look = |second| Look {
            at: Micros::from_secs(second),
            cpu_s: 10.0 + second as f64,
            leader_cpu_s: second as f64 / 4.0,
        };
        let looks: Vec<_> = (0..10).map(look).collect();
        let of = |from, until| cores(&looks, Micros::from_secs(from), Micros::from_secs(until));
        let Some(Cores { all, leader }) = of(2, 6) else {
            panic!("there are looks enough");
        };
        assert!((all - 1.0).abs() < 1e-9 && (leader - 0.25).abs() < 1e-9);
        assert!(of(2, 2).is_none() && of(20, 30).is_none());
    }
}
