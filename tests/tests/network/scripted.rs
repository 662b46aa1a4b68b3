//! A player without an engine: the very session and transport that games run.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use synced_client::{
    BridgedSession, Handle, Session, SessionConfig, bridge,
    update::{EndReason, Update},
};
use synced_protocol::{
    id::{ClientSeq, NodeId, PlayerId, PropertyId},
    input::InputFrame,
    message::Game,
    mutation::{
        Access, Lane, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Rejection,
        Spawn, Transfer,
    },
    value::Value,
};
use synced_tests::{
    Failure, Outcome,
    server::{ServerOptions, SyncedServer},
};
use synced_transport::{ClientConfig, ClientEndpoint, Waker, clock};

const GAME_NAME: &str = "Network tests";
const GAME_VERSION: &str = "1";
/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(2);

/// A server of the game that these players play.
pub(crate) fn server() -> ServerOptions {
    ServerOptions::new(GAME_NAME, GAME_VERSION)
}

/// The game itself.
pub(crate) fn game() -> Game {
    Game {
        name: GAME_NAME.to_owned(),
        version: GAME_VERSION.to_owned(),
    }
}

/// A player, and what it was told.
pub(crate) struct Scripted {
    handle: Handle,
    network: synced_transport::Handle<BridgedSession>,
    pub(crate) seen: Seen,
    spawned: u32,
}

/// What a player was told so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) player: Option<PlayerId>,
    pub(crate) nodes: usize,
    /// The confirmed values of each property, in their order; a snapshot's is the first.
    pub(crate) values: BTreeMap<(NodeId, PropertyId), Vec<Value>>,
    pub(crate) live_values: usize,
    pub(crate) samples: usize,
    pub(crate) confirmed: Vec<ClientSeq>,
    pub(crate) rejected: Vec<(ClientSeq, Rejection)>,
    pub(crate) losses: usize,
    pub(crate) end: Option<EndReason>,
}

impl Scripted {
    /// Joins a server, and waits for its world.
    pub(crate) fn join(server: &SyncedServer, name: &str) -> Outcome<Self> {
        let address = server
            .url()
            .parse()
            .map_err(|error| Failure::new(format!("{}: {error}", server.url())))?;
        let mut config = ClientConfig::new(address);
        config.segmentation_offload = false;
        let waker = Waker::new();
        let wake = waker.clone();
        let (handle, logic) = bridge(
            Session::new(SessionConfig::new(game(), name), crate::key_of(name), 1),
            move || wake.wake(),
        );
        let endpoint = ClientEndpoint::new(config).map_err(failure)?;
        let network = endpoint.spawn(logic, waker).map_err(failure)?;
        let mut player = Self {
            handle,
            network,
            seen: Seen::default(),
            spawned: 0,
        };
        player.until("joined", |seen| seen.player.is_some())?;
        Ok(player)
    }

    /// Spawns a node of its own that anyone may write. Returns the node.
    pub(crate) fn spawn(&mut self, properties: Vec<(Lane, Value)>) -> NodeId {
        self.spawned += 1;
        let owner = self.seen.player.unwrap_or(PlayerId::SERVER);
        let node = NodeId::spawned(owner, self.spawned);
        let spec = |(place, (lane, value))| PropertySpec {
            path: format!("property_{place}"),
            lane,
            value,
        };
        self.propose(Mutation::Spawn(Spawn {
            node,
            origin: Origin::Scene {
                spawner: NodeId::derived(NodeId::ROOT, "Spawner"),
                scene: 0,
            },
            parent: ParentRef {
                anchor: NodeId::ROOT,
                path: String::new(),
            },
            name: format!("Node{}", node.0),
            policy: Policy {
                write: Access::Anyone,
                call: Access::Anyone,
                transfer: Transfer::WhenFree,
                on_owner_left: OnOwnerLeft::Release,
            },
            owner,
            properties: properties.into_iter().enumerate().map(spec).collect(),
        }));
        node
    }

    /// Writes a confirmed property.
    pub(crate) fn set(&mut self, node: NodeId, property: PropertyId, value: Value) -> ClientSeq {
        self.propose(Mutation::SetProperties {
            node,
            properties: vec![(property, value)],
        })
    }

    /// Streams a live property.
    pub(crate) fn set_live(&mut self, node: NodeId, property: PropertyId, value: Value) {
        self.handle.set_live(node, property, clock::now(), value);
    }

    /// Streams samples of a controller.
    pub(crate) fn attach_tracker(&mut self, node: NodeId, samples: rtrb::Consumer<InputFrame>) {
        self.handle
            .attach_tracker(node, synced_client::TrackerFeed::new(samples));
    }

    /// Hands over what was asked, and takes in what was told, as a game does once a frame.
    pub(crate) fn frame(&mut self) {
        self.handle.flush();
        while let Some(update) = self.handle.next_update() {
            self.seen.take(update);
        }
    }

    /// Goes on until something was told.
    pub(crate) fn until(&mut self, what: &str, is_reached: impl Fn(&Seen) -> bool) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.frame();
            if is_reached(&self.seen) {
                return Ok(());
            }
            if self.seen.end.is_some() || Instant::now() > deadline {
                return Err(Failure::new(format!(
                    "a player was never {what}: {:?}",
                    self.seen.end
                )));
            }
            thread::sleep(POLL);
        }
    }

    /// Leaves, and waits until that is over.
    pub(crate) fn leave(mut self) -> Outcome<Seen> {
        self.handle.leave();
        self.until("gone", |seen| seen.end == Some(EndReason::Left))?;
        self.network.join().map_err(failure)?;
        Ok(self.seen)
    }

    fn propose(&mut self, mutation: Mutation) -> ClientSeq {
        self.handle.propose(mutation)
    }
}

impl Seen {
    /// How many values of a property were confirmed so far.
    pub(crate) fn count(&self, node: NodeId, property: PropertyId) -> usize {
        self.values.get(&(node, property)).map_or(0, Vec::len)
    }

    fn take(&mut self, update: Update) {
        match update {
            Update::Joined(joined) => self.player = Some(joined.player),
            Update::Reconnecting { .. } => self.losses += 1,
            Update::Ended(reason) => self.end = Some(reason),
            Update::Spawned(spawned) => {
                self.nodes += 1;
                for (place, spec) in (0..).zip(spawned.spawn.properties) {
                    self.values
                        .entry((spawned.spawn.node, PropertyId(place)))
                        .or_default()
                        .push(spec.value);
                }
            }
            Update::PropertySet {
                node,
                property,
                value,
                ..
            } => self.values.entry((node, property)).or_default().push(value),
            Update::CommitEnd(end) => self.confirmed.extend(end.own),
            Update::Rejected { seq, reason } => self.rejected.push((seq, reason)),
            Update::LiveValue { .. } => self.live_values += 1,
            Update::Input { .. } => self.samples += 1,
            _ => {}
        }
    }
}

pub(crate) fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
