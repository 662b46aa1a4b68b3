//! A player with its real transport, who does things and is held to what it is told.

use std::sync::Arc;
use synced_protocol::{
    link::{Event, Logic, Output},
    time::Micros,
};
use synced_transport::{
    ClientConfig, ClientEndpoint, Fingerprint, Network, ServerAddress, StopSignal, Waker,
};

use super::judge::{Judge, Sees};
use crate::{
    plant::Plant,
    random::{Purpose, Random},
    system::{
        Op, Player as _, PlayerBoot, System,
        node::{NodePlayer, Whole},
    },
};

/// The mean time between two things that a player does.
const THINKS: Micros = Micros::from_millis(40);

/// A player and the game.
#[derive(Debug)]
pub struct Guest {
    player: NodePlayer,
    number: u64,
    random: Random,
    acts_at: Micros,
    acts: u64,
    judge: Judge,
}

impl Guest {
    /// A player that no other player of the run shares its number with.
    #[must_use]
    pub fn new(seed: u64, number: u64, plant: Option<Plant>, judge: Judge) -> Self {
        let mut random = Random::new(seed.wrapping_add(number << 32), Purpose::Players);
        let boot = PlayerBoot {
            number,
            seed: random.any(),
        };
        Self {
            player: Whole { plant }.player(boot),
            number,
            random,
            acts_at: Micros::ZERO,
            acts: 0,
            judge,
        }
    }

    /// Plays until the task is aborted.
    ///
    /// # Errors
    /// Why it cannot begin.
    pub async fn run(
        self,
        network: Arc<dyn Network>,
        servers: ServerAddress,
        authority: Fingerprint,
    ) -> Result<(), String> {
        let config = ClientConfig {
            network: Some(network),
            ..ClientConfig::new(servers.pinned(authority))
        };
        let endpoint = ClientEndpoint::new(config).map_err(|error| error.to_string())?;
        let running = endpoint.run(self, Waker::new(), StopSignal::new());
        running.await.map(drop).map_err(|error| error.to_string())
    }

    fn act(&mut self, now: Micros) {
        self.acts_at = now + self.random.exponential(THINKS) + Micros(1);
        if !self.judge.knows().is_playing {
            return;
        }
        let op = Op(self.number << 32 | (self.acts + 1));
        if self.player.act(now, op, &mut self.random) {
            self.acts += 1;
            self.judge.knows().told.proposed(self.number, op);
        }
    }

    fn listen(&mut self) {
        let mut knows = self.judge.knows();
        while let Some(heard) = self.player.poll_heard() {
            knows.heard(self.number, heard);
        }
        let sees = Sees {
            view: self.player.view(),
            pending: self.player.pending(),
        };
        knows.sees(self.number, sees);
    }
}

impl Logic for Guest {
    fn handle(&mut self, now: Micros, event: Event) {
        self.player.handle(now, event);
        if now >= self.acts_at {
            self.act(now);
        }
        self.listen();
    }

    fn poll_output(&mut self) -> Option<Output> {
        let output = self.player.poll_output()?;
        if let Output::Frame { bytes, .. } = &output
            && Whole::asks_in(bytes)
        {
            // Which server it comes to is not known here: whatever lets the player in answers one of its questions.
            let mut knows = self.judge.knows();
            knows.told.asks_in(self.number, 0);
            knows.told.asked(self.number, 0, true);
        }
        Some(output)
    }

    fn poll_deadline(&self) -> Option<Micros> {
        let deadlines = [self.player.poll_deadline(), Some(self.acts_at)];
        deadlines.into_iter().flatten().min()
    }

    fn is_finished(&self) -> bool {
        self.player.is_finished()
    }
}
