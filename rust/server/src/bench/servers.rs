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
    cluster::LocalServers,
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
    figures: ServerFigures,
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
    /// How many seconds all together have computed; of a span, how many cores they took.
    pub(super) cpu: f64,
    /// Likewise the one that led last.
    pub(super) leader_cpu: f64,
    /// The most recent of its terms: each above the first is a change of the leader.
    pub(super) term: u64,
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
        while servers.figures().is_none() {
            if Instant::now() > deadline {
                let seconds = START_TIME_MAX.as_secs();
                let text = format!("none of the servers leads after {seconds} s");
                return Err(Failure::new(Exit::Unanswered, text));
            }
            thread::sleep(POLL);
        }
        servers.look();
        Ok(servers)
    }

    /// Takes notice of what they have measured so far, now and then.
    pub(super) fn look(&mut self) {
        let at = clock::unix_now();
        let is_due = self
            .looks
            .last()
            .is_none_or(|last| at.since(last.at) >= LOOK_INTERVAL);
        if is_due && let Some(figures) = self.figures() {
            self.looks.push(Look { at, figures });
        }
    }

    /// Stops them; tells what they measured until then, and what they cost in a span of it.
    pub(super) fn end(mut self, from: Micros, until: Micros) -> Option<ServerFigures> {
        let figures = self.figures();
        self.local.stop();
        let looks = self.looks.iter();
        let within: Vec<_> = looks
            .filter(|look| look.at >= from && look.at <= until)
            .collect();
        let (first, last) = (within.first()?, within.last()?);
        let per_second = |of: fn(&ServerFigures) -> f64| {
            (of(&last.figures) - of(&first.figures)) / last.at.since(first.at).as_secs_f64()
        };
        Some(ServerFigures {
            cpu: per_second(|figures| figures.cpu),
            leader_cpu: per_second(|figures| figures.leader_cpu),
            ..figures?
        })
    }

    fn figures(&self) -> Option<ServerFigures> {
        let answers = self.local.answers();
        let leading = answers.iter().filter(|answer| answer.leads());
        let leader = leading.max_by_key(|answer| answer.term())?;
        Some(ServerFigures {
            servers: answers.len(),
            leader: leader.leader,
            replication: leader.node.replication,
            propagation: leader.node.propagation,
            cpu: answers.iter().map(|answer| answer.cpu_s).sum(),
            leader_cpu: leader.cpu_s,
            term: leader.term(),
        })
    }
}
