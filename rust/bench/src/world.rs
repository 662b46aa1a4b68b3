//! Nodes at rest: a world that is there before the players are.

use std::{
    thread,
    time::{Duration, Instant},
};

use synced_client::{
    SessionConfig,
    update::{CommitEnd, Update},
};
use synced_protocol::{
    id::{NodeId, PlayerId},
    limits::{MAX_MUTATION_BYTES, MAX_TRANSACTION_STEPS},
    message::Game,
    mutation::{
        Access, Lane, Mutation, OnOwnerLeft, ParentRef, Policy, PropertySpec, Spawn, Transaction,
        Transfer,
    },
    value::Value,
};
use synced_transport::ServerAddress;

use crate::{BenchError, Outcome, Player, spawn_own};

/// What one node takes of a transaction at most, in bytes, beside its properties; and one property.
const NODE_BYTES_MAX: usize = 128;
const PROPERTY_BYTES_MAX: usize = 64;
/// How often a transaction is proposed: even the largest stay below the bytes that a player may send a second.
const TRANSACTION_INTERVAL: Duration = Duration::from_millis(10);
/// How many of them may be undecided.
const UNDECIDED_MAX: usize = 32;
/// How long the servers may take to decide the next one.
const DECISION_TIME_MAX: Duration = Duration::from_secs(30);
/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(1);
/// The name of the node under which all others are.
const NAME: &str = "Resting";

/// How much is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// Nodes, the one above all others counted.
    pub nodes: usize,
    /// Confirmed properties of each.
    pub properties: usize,
}

/// A world that was put into a session.
#[derive(Debug)]
#[must_use]
pub struct BuiltWorld {
    top: NodeId,
}

impl World {
    /// Puts it into a session, as a player who leaves when all of it is confirmed. It belongs to nobody and stays.
    ///
    /// # Errors
    /// When the player cannot join, or the servers reject some of it or do not decide in time.
    pub fn build(self, server: &ServerAddress, game: &Game) -> Outcome<BuiltWorld> {
        let mut builder = Builder::join(server, game)?;
        let me = builder.id;
        let nodes: Vec<_> = (1..=self.nodes as u32)
            .map(|counter| self.node(me, counter))
            .collect();
        for steps in nodes.chunks(self.nodes_of_a_transaction()) {
            builder.propose(steps.to_vec())?;
        }
        builder.finish()?;
        Ok(BuiltWorld { top: top_of(me) })
    }

    fn nodes_of_a_transaction(self) -> usize {
        let node = NODE_BYTES_MAX + self.properties * PROPERTY_BYTES_MAX;
        (MAX_MUTATION_BYTES / node).clamp(1, MAX_TRANSACTION_STEPS)
    }

    fn node(self, builder: PlayerId, counter: u32) -> Mutation {
        let node = NodeId::spawned(builder, counter);
        let top = top_of(builder);
        let property = |number: usize| PropertySpec {
            path: format!(".:resting_{number}"),
            lane: Lane::Confirmed,
            value: Value::Vector3([counter as f32, number as f32, 0.0]),
        };
        Mutation::Spawn(Spawn {
            owner: PlayerId::SERVER,
            parent: ParentRef {
                anchor: if node == top { NodeId::ROOT } else { top },
                path: String::new(),
            },
            policy: Policy {
                write: Access::Anyone,
                call: Access::Anyone,
                transfer: Transfer::WhenFree,
                on_owner_left: OnOwnerLeft::Release,
            },
            ..spawn_own(
                node,
                builder,
                NAME,
                (0..self.properties).map(property).collect(),
            )
        })
    }
}

impl BuiltWorld {
    /// Takes it out of the session again.
    ///
    /// # Errors
    /// As [`World::build`].
    pub fn clear(self, server: &ServerAddress, game: &Game) -> Outcome {
        let mut builder = Builder::join(server, game)?;
        builder.propose(vec![Mutation::Despawn { node: self.top }])?;
        builder.finish()
    }
}

const fn top_of(builder: PlayerId) -> NodeId {
    NodeId::spawned(builder, 1)
}

/// A player who proposes no faster than servers decide.
struct Builder {
    player: Player,
    id: PlayerId,
    undecided: usize,
}

impl Builder {
    fn join(server: &ServerAddress, game: &Game) -> Outcome<Self> {
        let mut player = Player::begin(server, SessionConfig::new(game.clone(), "builder"))?;
        Ok(Self {
            id: player.join(drop)?,
            player,
            undecided: 0,
        })
    }

    fn propose(&mut self, steps: Vec<Mutation>) -> Outcome {
        self.player.propose(Transaction {
            guards: Vec::new(),
            steps,
        });
        self.player.flush();
        self.undecided += 1;
        thread::sleep(TRANSACTION_INTERVAL);
        self.wait_for(UNDECIDED_MAX)
    }

    fn finish(mut self) -> Outcome {
        self.wait_for(0)?;
        self.player.leave().map(drop)
    }

    /// Until no more than so many are undecided.
    fn wait_for(&mut self, undecided: usize) -> Outcome {
        let mut deadline = Instant::now() + DECISION_TIME_MAX;
        loop {
            let before = self.undecided;
            self.read()?;
            if self.undecided <= undecided {
                return Ok(());
            }
            if self.undecided < before {
                deadline = Instant::now() + DECISION_TIME_MAX;
            }
            if Instant::now() > deadline {
                let seconds = DECISION_TIME_MAX.as_secs();
                let text = format!("nodes at rest are undecided after {seconds} s");
                return Err(BenchError::new(text));
            }
            thread::sleep(POLL);
        }
    }

    fn read(&mut self) -> Outcome {
        while let Some(update) = self.player.next_update() {
            match update {
                Update::CommitEnd(CommitEnd { own: Some(_), .. }) => self.undecided -= 1,
                Update::Rejected { reason, .. } => {
                    let text = format!("nodes at rest were rejected: {reason}");
                    return Err(BenchError::new(text));
                }
                Update::Settled { .. } => {
                    return Err(BenchError::new(
                        "it is unknown what became of nodes at rest, since the connection was gone",
                    ));
                }
                Update::Ended(reason) => return Err(self.player.ended(&reason)),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use synced_protocol::{
        control,
        id::ClientSeq,
        limits::{MAX_NODES, MAX_PROPERTIES},
        message::ClientMessage,
    };

    #[test]
    fn a_transaction_of_nodes_is_within_the_limits_however_many_properties_they_have() {
        for (properties, expected) in [(0, 64), (1, 64), (16, 28), (MAX_PROPERTIES, 7)] {
            let world = World {
                nodes: MAX_NODES,
                properties,
            };
            let count = world.nodes_of_a_transaction();
            assert_eq!(count, expected, "{properties} properties");
            let last = MAX_NODES - count + 1..=MAX_NODES;
            let steps = last.map(|counter| world.node(PlayerId(u32::MAX >> 1), counter as u32));
            let proposed = ClientMessage::Propose {
                seq: ClientSeq(u64::MAX),
                transaction: Transaction {
                    guards: Vec::new(),
                    steps: steps.collect(),
                },
            };
            let bytes = control::encode(&proposed).unwrap().len();
            assert!(bytes <= MAX_MUTATION_BYTES, "{bytes} bytes");
        }
    }
}
