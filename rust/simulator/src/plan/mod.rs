//! Fault plans: what kind of cluster runs, who plays, how its network behaves, and what goes wrong, as a TOML file.

mod fault;

use std::fmt;

use serde::Deserialize;
use synced_protocol::{limits::MAX_SERVERS, store::Durability, time::Micros};

pub use fault::{Fault, Loses, Shape, Target, What, When};

/// The most players of one run.
pub const PLAYERS_MAX: u16 = 64;
/// The largest probability that a plan may give to a loss: past it nothing gets through in time.
pub const PROBABILITY_MAX: f64 = 0.9;
/// The largest drift of a clock, in millionths. The lease allows for as much between two servers.
pub const DRIFT_PPM_MAX: u32 = 500;

/// What happens in a run, but for chance.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The servers.
    pub cluster: Cluster,
    /// Who plays.
    pub players: Players,
    /// What lies between them.
    pub network: Network,
    /// How wrong their clocks are.
    pub clocks: Clocks,
    /// How slow their disks are.
    pub disks: Disks,
    /// When servers end of all moments.
    pub crashes: Crashes,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// The servers of a run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// What runs on each.
    pub system: SystemKind,
    /// How many found the cluster: an odd number.
    pub servers: u16,
    /// When an entry counts at a server.
    pub durability: DurabilityKind,
    /// The time between two ticks, in microseconds.
    pub tick_us: u64,
    /// Bytes of the log above which a server wants a snapshot.
    pub log_bytes_kept: usize,
}

/// What runs on each server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemKind {
    /// The whole logic, with real players.
    Node,
    /// The consensus alone, with a list that everybody appends to.
    Engine,
}

/// When an entry counts at a server, as the server's own configuration names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DurabilityKind {
    /// Once the system has it.
    QuorumMemory,
    /// Once the disk has it.
    QuorumDisk,
}

/// Who plays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Players {
    /// How many at a time; for one that leaves, another comes.
    pub count: u16,
    /// The mean time between two things that a player does, in milliseconds.
    pub think_ms: u64,
    /// The mean time until a player leaves for good, in milliseconds.
    pub stay_ms: u64,
}

/// What lies between servers, and between them and players.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// The least and the mean one-way delay between two servers, in microseconds.
    pub server_delay_us: [u64; 2],
    /// The least and the mean one-way delay between a player and a server, in microseconds.
    pub player_delay_us: [u64; 2],
    /// The probability that a packet is lost.
    pub loss: f64,
    /// The probability that a datagram comes twice.
    pub duplication: f64,
    /// The probability that a datagram is held up for ten times the mean delay, so that later ones overtake it.
    pub reordering: f64,
    /// What the bulk lane between two servers carries, in bytes a second.
    pub bulk_bytes_per_second: u64,
}

/// How wrong clocks are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clocks {
    /// How far a server's wall clock is off at its start, either way, in milliseconds.
    pub offset_ms_max: u64,
    /// How fast or slow clocks run, in millionths.
    pub drift_ppm_max: u32,
}

/// How slow disks are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disks {
    /// The least and the mean time from a write until it is beyond the reach of a loss of power, in microseconds.
    pub sync_us: [u64; 2],
}

/// When servers end of all moments.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crashes {
    /// The probability that a server's process ends just after it has voted for another, and begins again at once.
    pub after_vote: f64,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            system: SystemKind::Node,
            servers: 5,
            durability: DurabilityKind::QuorumMemory,
            tick_us: 1_000,
            log_bytes_kept: 64 * 1024,
        }
    }
}

impl Default for Players {
    fn default() -> Self {
        Self {
            count: 5,
            think_ms: 40,
            stay_ms: 30_000,
        }
    }
}

impl Default for Network {
    fn default() -> Self {
        Self {
            server_delay_us: [40, 120],
            player_delay_us: [500, 3_000],
            loss: 0.0,
            duplication: 0.0,
            reordering: 0.0,
            bulk_bytes_per_second: 50_000_000,
        }
    }
}

impl Default for Clocks {
    fn default() -> Self {
        Self {
            offset_ms_max: 20,
            drift_ppm_max: 50,
        }
    }
}

impl Default for Disks {
    fn default() -> Self {
        Self {
            sync_us: [100, 1_000],
        }
    }
}

impl From<DurabilityKind> for Durability {
    fn from(kind: DurabilityKind) -> Self {
        match kind {
            DurabilityKind::QuorumMemory => Self::Memory,
            DurabilityKind::QuorumDisk => Self::Disk,
        }
    }
}

/// What is wrong with a plan, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError(String);

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PlanError {}

impl PlanError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    cluster: Cluster,
    #[serde(default)]
    players: Players,
    #[serde(default)]
    network: Network,
    #[serde(default)]
    clocks: Clocks,
    #[serde(default)]
    disks: Disks,
    #[serde(default)]
    crashes: Crashes,
    #[serde(default, rename = "fault")]
    faults: Vec<fault::Entry>,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`PlanError`], which names the line or the fault, and what may stand there.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let file: File = toml::from_str(text).map_err(|error| PlanError(error.to_string()))?;
        let faults = file.faults.into_iter().enumerate();
        let plan = Self {
            cluster: file.cluster,
            players: file.players,
            network: file.network,
            clocks: file.clocks,
            disks: file.disks,
            crashes: file.crashes,
            faults: faults
                .map(|(place, entry)| entry.check(place + 1))
                .collect::<Result<_, _>>()?,
        };
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> Result<(), PlanError> {
        let servers = self.cluster.servers;
        if servers.is_multiple_of(2) || usize::from(servers) > MAX_SERVERS {
            return Err(PlanError(format!(
                "cluster.servers = {servers}: write an odd number up to {MAX_SERVERS}"
            )));
        }
        within("cluster.tick_us", self.cluster.tick_us, 100, 100_000)?;
        let players = u64::from(self.players.count);
        within("players.count", players, 1, u64::from(PLAYERS_MAX))?;
        within("players.think_ms", self.players.think_ms, 1, 60_000)?;
        within("players.stay_ms", self.players.stay_ms, 100, 3_600_000)?;
        let drift = u64::from(self.clocks.drift_ppm_max);
        within("clocks.drift_ppm_max", drift, 0, u64::from(DRIFT_PPM_MAX))?;
        within("clocks.offset_ms_max", self.clocks.offset_ms_max, 0, 10_000)?;
        let bulk = self.network.bulk_bytes_per_second;
        within("network.bulk_bytes_per_second", bulk, 10_000, u64::MAX)?;
        delay("network.server_delay_us", self.network.server_delay_us)?;
        delay("network.player_delay_us", self.network.player_delay_us)?;
        delay("disks.sync_us", self.disks.sync_us)?;
        probability("crashes.after_vote", self.crashes.after_vote)?;
        probability("network.loss", self.network.loss)?;
        probability("network.duplication", self.network.duplication)?;
        probability("network.reordering", self.network.reordering)
    }

    /// The time between two ticks.
    #[must_use]
    pub const fn tick(&self) -> Micros {
        Micros(self.cluster.tick_us)
    }
}

pub(crate) fn within(name: &str, value: u64, min: u64, max: u64) -> Result<(), PlanError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(PlanError(format!(
        "{name} = {value}: write a number from {min} to {max}"
    )))
}

pub(crate) fn probability(name: &str, value: f64) -> Result<(), PlanError> {
    if (0.0..=PROBABILITY_MAX).contains(&value) {
        return Ok(());
    }
    Err(PlanError(format!(
        "{name} = {value}: write a probability from 0 to {PROBABILITY_MAX}"
    )))
}

fn delay(name: &str, [least, mean]: [u64; 2]) -> Result<(), PlanError> {
    if least <= mean && mean <= 10_000_000 {
        return Ok(());
    }
    Err(PlanError(format!(
        "{name} = [{least}, {mean}]: write [least, mean], the least first, neither above 10 seconds"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        match Plan::parse(text) {
            Ok(plan) => panic!("{plan:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_empty_plan_is_five_servers_without_a_fault() {
        let plan = Plan::parse("").unwrap();
        assert_eq!((plan.cluster.servers, plan.faults.len()), (5, 0));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        let cases = [
            ("[cluster]\nservers = 4", "odd number up to 15"),
            ("[cluster]\nservers = 17", "odd number up to 15"),
            ("[cluster]\nsystem = \"nodes\"", "`node`"),
            ("[network]\nloss = 1.5", "a probability from 0 to 0.9"),
            ("[network]\nserver_delay_us = [9, 3]", "the least first"),
            ("[clocks]\ndrift_ppm_max = 501", "from 0 to 500"),
            ("[players]\ncount = 0", "from 1 to 64"),
            ("[player]\ncount = 1", "unknown field `player`"),
        ];
        for (text, expected) in cases {
            let error = error(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
