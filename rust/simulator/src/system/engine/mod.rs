//! The consensus alone, with a list to which every player appends: small enough to find the engine's own mistakes quickly.

mod player;
mod server;
mod state;
mod words;

use synced_consensus::Consensus;
use synced_protocol::{id::LogIndex, store::RaftEntry, time::Micros};

use crate::plant::Plant;

use super::{GROUP, Meaning, Oracle, PlayerBoot, ServerBoot, System};

pub use player::EnginePlayer;
pub use server::EngineServer;
pub use state::{Append, State};

/// The consensus under a list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Engine {
    /// A mistake that is made on purpose.
    pub plant: Option<Plant>,
}

impl System for Engine {
    type Server = EngineServer;
    type Player = EnginePlayer;
    type Oracle = State;

    fn server(&self, boot: ServerBoot) -> Result<EngineServer, String> {
        EngineServer::new(boot)
    }

    fn player(&self, boot: PlayerBoot) -> EnginePlayer {
        EnginePlayer::new(boot, self.plant)
    }

    fn oracle(&self) -> State {
        State::default()
    }

    fn applied(server: &mut EngineServer) -> LogIndex {
        server.applied
    }

    fn digest(server: &mut EngineServer) -> u64 {
        server.state.digest()
    }

    fn consensus(server: &mut EngineServer) -> &Consensus {
        &server.consensus
    }

    fn session_time(_server: &EngineServer, _now: Micros) -> Option<Micros> {
        None
    }

    fn begin_stop(server: &mut EngineServer, _now: Micros) {
        // Without a successor there is nothing to hand over.
        let _ = server.consensus.transfer(GROUP, None);
    }

    fn asks_in(frame: &[u8]) -> bool {
        frame.first() == Some(&0)
    }
}

impl Oracle for State {
    fn apply(&mut self, entry: &RaftEntry) -> Meaning {
        let append = Append::decode(&entry.data);
        let applied = append.is_some_and(|append| self.apply(append));
        Meaning {
            op: append.map(|append| append.op),
            applied,
            stamp: None,
            digest: self.digest(),
            view: self.digest(),
        }
    }
}
