//! What was measured of one crowd.

use serde::Serialize;
use synced_bench::{
    Rates, World,
    crowd::{CrowdResult, Progress},
};

use super::{looks::ServerMemory, servers::ServerFigures, soak::SoakFigures};
use crate::{
    exit::{Exit, Failure},
    serve::unforeseen,
};

/// Where what is written takes longer, nobody can play.
const USABLE_P99_MS: f64 = 1_000.0;

/// One crowd and its servers.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    /// How many players there were to be.
    pub(super) players: usize,
    /// What was in the world before them.
    pub(super) world: WorldFigures,
    /// What they made and saw; `None` where they did not come so far.
    pub(super) crowd: Option<CrowdResult>,
    /// `None` where they are not ours, or none led at the end.
    pub(super) servers: Option<ServerFigures>,
    pub(super) memory: Memory,
    /// `None` where it did not come so far.
    pub(super) traffic: Option<TrafficFigures>,
    /// `None` where it was not asked for.
    pub(super) soak: Option<SoakFigures>,
    /// Why it ended before its time, or does not count; `None` where all went well.
    pub(super) broken: Option<BrokenOff>,
}

/// Nodes at rest.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct WorldFigures {
    pub(super) nodes: usize,
    pub(super) properties: usize,
}

/// What processes held, in bytes of resident memory; `None` where that is not known.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Memory {
    /// With the world, before the first player joined.
    pub(super) before: Held,
    /// At the end of what counted.
    pub(super) end: Held,
}

/// At one time.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Held {
    pub(super) leader_bytes: Option<u64>,
    /// The mean of the servers that follow.
    pub(super) follower_bytes: Option<u64>,
    /// All processes of players together.
    pub(super) players_bytes: Option<u64>,
}

/// What was carried while it counted, a second.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct TrafficFigures {
    /// From the first join until every player saw every player.
    pub(super) join_s: f64,
    /// By the leader, from and to players; `None` where it is not ours, or that was too short to tell.
    pub(super) leader: Option<Rates>,
    /// By the leader, from and to the other servers.
    pub(super) leader_peers: Option<Rates>,
    /// By all players together.
    pub(super) players: Rates,
}

/// Why there were too many.
#[derive(Debug, Clone, Serialize)]
pub(super) struct BrokenOff {
    pub(super) reason: String,
    /// How far the players were.
    pub(super) reached: Progress,
}

impl Figures {
    pub(super) fn new(players: usize, world: World) -> Self {
        Self {
            players,
            world: WorldFigures {
                nodes: world.nodes,
                properties: world.properties,
            },
            crowd: None,
            servers: None,
            memory: Memory::default(),
            traffic: None,
            soak: None,
            broken: None,
        }
    }

    /// As one line.
    ///
    /// # Errors
    /// Never, in fact.
    pub(super) fn json(&self) -> Result<String, Failure> {
        let line = serde_json::to_string(self).map_err(unforeseen)?;
        Ok(line + "\n")
    }

    /// Judges what was measured: it is broken off, too, where something was lost, reordered or cut off, where what is written takes
    /// too long, or where memory grows.
    pub(super) fn judge(&mut self, reached: Progress) {
        if self.broken.is_none() {
            let reason = self.fault();
            self.broken = reason.map(|reason| BrokenOff { reason, reached });
        }
    }

    fn fault(&self) -> Option<String> {
        let crowd = self.crowd.as_ref()?;
        if !crowd.broken.is_nothing() {
            return Some(crowd.broken.to_string());
        }
        let p99_ms = crowd.confirmed.whole.quantile_ms(0.99);
        if p99_ms > USABLE_P99_MS {
            return Some(format!(
                "nothing was lost, but what was written took {p99_ms:.0} ms at p99 until another saw it, and nobody can play with \
                 more than {USABLE_P99_MS:.0}"
            ));
        }
        self.soak.as_ref()?.fault()
    }

    /// That all went well.
    ///
    /// # Errors
    /// With the reason why it did not.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let Some(BrokenOff { reason, reached }) = &self.broken else {
            return Ok(());
        };
        let players = self.players;
        let reached = match self.crowd {
            Some(_) => String::new(),
            None => format!(", {} in the session, {}", reached.joined, reached.part),
        };
        Err(Failure::new(
            Exit::NotHeld,
            format_args!("{players} players{reached}: {reason}"),
        ))
    }
}

impl Held {
    pub(super) fn new(servers: Option<ServerMemory>, players_bytes: u64) -> Self {
        Self {
            leader_bytes: servers.map(|servers| servers.leader_bytes),
            follower_bytes: servers.and_then(|servers| servers.follower_bytes),
            players_bytes: (players_bytes > 0).then_some(players_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use synced_bench::crowd::Part;
    use synced_protocol::time::Micros;

    fn judged(crowd: CrowdResult) -> Figures {
        let world = World {
            nodes: 0,
            properties: 1,
        };
        let mut figures = Figures::new(7, world);
        figures.crowd = Some(crowd);
        figures.judge(Progress {
            part: Part::CoolDown,
            joined: 6,
            ..Progress::default()
        });
        figures
    }

    fn with_times_of(millis: u64) -> CrowdResult {
        let mut crowd = CrowdResult::default();
        crowd.confirmed.whole.add(Micros::from_millis(millis));
        crowd
    }

    #[test]
    fn a_crowd_that_missed_something_was_too_large_and_the_exit_code_says_so() {
        let mut crowd = with_times_of(5);
        assert!(judged(crowd.clone()).check().is_ok());
        crowd.broken.out_of_order = 3;
        let failure = judged(crowd).check().unwrap_err();
        assert_eq!(failure.exit, Exit::NotHeld);
        let text = failure.to_string();
        for part in ["7 players: ", "3 seen out of order"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_crowd_that_did_not_get_so_far_is_told_with_how_far_it_came() {
        let mut figures = judged(with_times_of(5));
        figures.crowd = None;
        figures.broken = Some(BrokenOff {
            reason: "no room".to_owned(),
            reached: Progress {
                joined: 3,
                ..Progress::default()
            },
        });
        let text = figures.check().unwrap_err().to_string();
        assert_eq!(
            text,
            "7 players, 3 in the session, while they gathered: no room"
        );
    }

    #[test]
    fn a_crowd_that_nobody_can_play_in_was_too_large() {
        assert!(judged(with_times_of(999)).check().is_ok());
        let text = judged(with_times_of(1_500)).check().unwrap_err();
        assert!(text.to_string().contains("1500 ms at p99"), "{text}");
    }

    #[test]
    fn the_first_reason_stays() {
        let mut figures = judged(with_times_of(1_500));
        let before = figures.broken.clone().unwrap().reason;
        figures.crowd = Some(with_times_of(2_500));
        figures.judge(Progress::default());
        assert_eq!(figures.broken.unwrap().reason, before);
    }
}
