//! The servers under measurement, where they are ours.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde::Serialize;
use synced_protocol::{stage::Summary, store::Durability, time::Micros};
use synced_transport::{clock, limits::CONNECTIONS_MAX};

use super::{
    looks::{self, Cores, LeaderRates, Look, ServerMemory},
    scratch::Scratch,
};
use crate::{
    cli::{Bench, Founding},
    cluster::{Change, LocalServers, leading},
    exit::{Exit, Failure},
    kinds::Safety,
    layer::variable_of,
    serve::unforeseen,
};

/// How long the servers may take until one of them leads.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// How often they are looked at meanwhile.
const POLL: Duration = Duration::from_millis(100);
/// How often what they measured is kept; they write it once a second.
const LOOK_INTERVAL: Micros = Micros::from_secs(1);
/// How old what they say of themselves can be, and then some.
const WORD_AGE_MAX: Duration = Duration::from_millis(1_500);
/// The most players that servers can be told to take.
const PLAYERS_MAX: usize = 10_000;
/// How many places a server has for each player: where a join was cut short, its place stays taken for a while.
const PLACES_OF_A_PLAYER: usize = 2;
/// How many connections it has for each: one more, in case a player comes back before it is known to be gone.
const CONNECTIONS_OF_A_PLAYER: usize = 2;
/// The name of their folder.
const FOLDER: &str = "servers";

/// All servers of a cluster, on this machine.
pub(super) struct Servers {
    local: LocalServers,
    pub(super) url: String,
    looks: Vec<Look>,
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

impl Servers {
    /// Makes them in a folder, with room for so many players, and waits until one leads.
    ///
    /// # Errors
    /// When they cannot be made or started, or none leads in time.
    pub(super) fn start(
        options: &Bench,
        players: usize,
        scratch: &Scratch,
    ) -> Result<Self, Failure> {
        let founding = Founding {
            nodes: Some(options.nodes),
            game: Some(options.game.clone()),
            game_version: Some(options.game_version.clone()),
            hosts: vec!["127.0.0.1".to_owned()],
            base_port: 0,
            id: None,
            durability: Safety(Durability::Memory),
        };
        let folder = scratch.path.join(FOLDER);
        let local = LocalServers::found(&folder, &founding, &room_for(players))?;
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

    /// Takes notice of what they have measured so far, now and then.
    ///
    /// # Errors
    /// When one has ended; the last that it logged is told.
    pub(super) fn look(&mut self) -> Result<(), Failure> {
        self.check()?;
        let now = clock::unix_now();
        let is_due = |last: &Look| now.since(last.at) >= LOOK_INTERVAL;
        if self.looks.last().is_none_or(is_due) {
            self.take_notice();
        }
        Ok(())
    }

    /// Waits until what they say is of now, and takes notice of it.
    pub(super) fn settle(&mut self) {
        thread::sleep(WORD_AGE_MAX);
        self.take_notice();
    }

    /// What was noticed last.
    pub(super) fn last(&self) -> Option<&Look> {
        self.looks.last()
    }

    /// What they held when it was last noticed, until then.
    pub(super) fn memory(&self, until: Micros) -> Option<ServerMemory> {
        let mut looks = self.looks.iter().rev();
        looks.find(|look| look.at <= until)?.memory()
    }

    /// What the leader exchanged while it counted, where that was long enough to tell.
    pub(super) fn traffic(&self, from: Micros, until: Micros) -> Option<LeaderRates> {
        looks::within(&self.looks, from, until).map(|(_, rates)| rates)
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
            cores: looks::within(&self.looks, from, until).map(|(cores, _)| cores),
            term: leader.term(),
        })
    }

    /// Gives false where none of them leads.
    fn take_notice(&mut self) -> bool {
        let look = Look::of(clock::unix_now(), &self.local.glances());
        let leads = look.is_some();
        self.looks.extend(look);
        leads
    }

    fn check(&mut self) -> Result<(), Failure> {
        for child in &mut self.local.children {
            if let Some(Change::Ended(status)) = child.look(false)? {
                let log = fs::read_to_string(child.log()).unwrap_or_default();
                let last = log.lines().last().unwrap_or("nothing");
                let server = child.server;
                let text = format!("{server} ended by itself: {status}; it logged last: {last}");
                return Err(unforeseen(text));
            }
        }
        Ok(())
    }
}

/// The settings of servers that take so many players, and one who builds the world before them.
fn room_for(players: usize) -> [(String, String); 2] {
    let places = (players * PLACES_OF_A_PLAYER + 1).min(PLAYERS_MAX);
    let connections = (players * CONNECTIONS_OF_A_PLAYER).max(CONNECTIONS_MAX);
    [("players_max", places), ("connections_max", connections)]
        .map(|(setting, most)| (variable_of("", setting), most.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn servers_are_told_of_room_for_any_number_of_players_that_can_be_asked_for() {
        for (players, players_max, connections_max) in
            [(1, 3, 1_024), (800, 1_601, 1_600), (10_000, 10_000, 20_000)]
        {
            let variables = room_for(players);
            let read = |name: &str| {
                let mut variables = variables.iter();
                variables
                    .find(|(variable, _)| variable == name)
                    .map(|(_, value)| value.clone())
            };
            let settings = Settings::from_environment(&read).unwrap();
            assert_eq!(settings.players_max.unwrap().0, players_max);
            assert_eq!(settings.connections_max.unwrap().0, connections_max);
        }
    }
}
