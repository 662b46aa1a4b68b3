//! The whole logic of servers and players, as it ships.

mod oracle;
mod player;
mod workload;

use synced_client::{RetryPolicy, Session, SessionConfig};
use synced_consensus::Consensus;
use synced_node::{ClusterConfig, ClusterLog, NodeConfig};
use synced_protocol::{
    id::LogIndex,
    message::{Game, JoinKey},
    time::Micros,
};

use crate::plant::Plant;

use super::{PlayerBoot, ServerBoot, System};

pub use oracle::WorldOracle;
pub use player::NodePlayer;

/// How long a player whose connections are lost stays in the world: less than a run takes, so that some come too late.
const RESUME_GRACE: Micros = Micros::from_secs(4);

/// Servers and players as they ship.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whole {
    /// A mistake that is made on purpose.
    pub plant: Option<Plant>,
}

impl System for Whole {
    type Server = synced_node::Node<ClusterLog>;
    type Player = NodePlayer;
    type Oracle = WorldOracle;

    fn server(&self, boot: ServerBoot) -> Result<Self::Server, String> {
        let config = NodeConfig {
            epoch_offset: boot.wall_offset,
            resume_grace: RESUME_GRACE,
            ..NodeConfig::new(game())
        };
        let cluster = ClusterConfig::new("simulated", boot.consensus);
        Self::Server::clustered(config, cluster, boot.groups, [7; 32], boot.now)
            .map_err(|error| error.to_string())
    }

    fn player(&self, boot: PlayerBoot) -> NodePlayer {
        let config = SessionConfig {
            retry: RetryPolicy {
                first_connect: true,
                initial: Micros::from_millis(50),
                max: Micros::from_millis(500),
                give_up_after: None,
                ..RetryPolicy::default()
            },
            ..SessionConfig::new(game(), format!("player {}", boot.number))
        };
        let key = JoinKey(u128::from(boot.seed).to_le_bytes());
        NodePlayer::new(Session::new(config, key, boot.seed), self.plant)
    }

    fn oracle(&self) -> WorldOracle {
        WorldOracle::default()
    }

    fn applied(server: &mut Self::Server) -> LogIndex {
        server.world().log_index()
    }

    fn digest(server: &mut Self::Server) -> u64 {
        server.world().replica_digest()
    }

    fn consensus(server: &mut Self::Server) -> &Consensus {
        server.log().consensus()
    }

    fn session_time(server: &Self::Server, now: Micros) -> Option<Micros> {
        Some(server.session_time(now))
    }

    fn begin_stop(server: &mut Self::Server, now: Micros) {
        server.begin_stop(now);
    }

    /// The first frame of a connection begins with the protocol's preface; a hello is the first kind of message.
    fn asks_in(frame: &[u8]) -> bool {
        let message = frame.strip_prefix(b"SYND").and_then(|rest| rest.get(2..));
        message.unwrap_or(frame).first() == Some(&0)
    }
}

fn game() -> Game {
    Game {
        name: "simulated".to_owned(),
        version: "1".to_owned(),
    }
}
