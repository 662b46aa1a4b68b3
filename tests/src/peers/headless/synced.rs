//! Our own client, transport and server, without an engine: the server is `synced serve` in a process of its own.

use std::{fmt, thread, time::Duration};

use synced_client::{SessionConfig, clock, update::Update};
use synced_protocol::{
    id::{NodeId, PropertyId},
    mutation::{
        Access, Lane, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Spawn,
        Transaction, Transfer,
    },
    time::Micros,
    value::Value,
};

use synced_transport::ClientThread;

use super::{Client, Library, Mover, Running, Server, message, threads::Mark};
use crate::{
    Failure, Outcome,
    clock::Nanos,
    folder,
    headless::HeadlessPlayer,
    peers::{Cell, meter::CpuTime},
    relay::{Network, Relay},
    server::{ServerOptions, SyncedServer},
};

const GAME: (&str, &str) = ("peers", "1");
const POSE: PropertyId = PropertyId(0);
/// How many nodes one transaction makes.
const NODES_A_TRANSACTION: usize = 32;
/// How long all nodes may take to be everywhere.
const SPAWN_TIME_MAX: Duration = Duration::from_secs(20);

/// Our own, with some settings.
#[derive(Debug)]
pub(super) struct Synced {
    name: &'static str,
    live_max_age: Micros,
    live_bytes_per_second_max: u32,
    /// Settings of the server beside its defaults.
    server: &'static [(&'static str, &'static str)],
}

impl Synced {
    pub(super) const DEFAULT: Self = Self {
        name: "SyncedNode headless",
        live_max_age: Micros::from_millis(4),
        live_bytes_per_second_max: 300_000,
        server: &[],
    };
    pub(super) const TUNED: Self = Self {
        name: "SyncedNode headless tuned",
        live_max_age: Micros::from_millis(1),
        live_bytes_per_second_max: 8_000_000,
        server: &[
            ("datagrams_per_second_max", "20000"),
            ("datagrams_burst_max", "2000"),
            ("bytes_per_second_max", "16777216"),
        ],
    };

    fn config(&self, name: &str) -> SessionConfig {
        let mut config = HeadlessPlayer::config(GAME.0, GAME.1, name);
        config.live.local_delta_max_age = self.live_max_age;
        config.live.bytes_per_second_max = self.live_bytes_per_second_max;
        config
    }
}

impl Library for Synced {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_tuned(&self) -> bool {
        !self.server.is_empty()
    }

    fn start(&self, cell: Cell) -> Outcome<Running> {
        let options = ServerOptions::new(GAME.0, GAME.1);
        let options = self
            .server
            .iter()
            .fold(options, |options, (key, value)| options.set(key, value));
        let server = SyncedServer::start(&folder::fresh("measure-peers-server")?, &options)?;
        let relay = Relay::start(server.address(), Network::default(), 1)?;
        let mover = Sender::join(&server.url(), self.config("mover"), cell.objects)?;
        let first = mover.first;
        let mark = Mark::now()?;
        let thread = ClientThread::start().map_err(of)?;
        let mut clients: Vec<Box<dyn Client>> = Vec::new();
        for number in 0..cell.clients {
            let by = if number == 0 {
                relay.address()
            } else {
                server.address()
            };
            let config = self.config(&format!("client{number}"));
            let player = HeadlessPlayer::join_in(&thread, &server.url_by(by), config)?;
            clients.push(Box::new(Receiver { player, first }));
        }
        // Clients ask for the time often in the beginning, which is no part of what goes on.
        thread::sleep(Duration::from_micros(clock::BURST.0));
        Ok(Running {
            mover: Box::new(mover),
            clients,
            client_threads: mark.since()?,
            relay,
            server: Box::new(server),
        })
    }
}

impl Server for SyncedServer {
    fn cpu_time(&self) -> Outcome<CpuTime> {
        CpuTime::of_process(self.process_id())
    }
}

struct Sender {
    player: HeadlessPlayer,
    /// The node of the first object; the others follow.
    first: NodeId,
    objects: u32,
}

impl Sender {
    /// Joins, and waits until all nodes are confirmed.
    fn join(url: &str, config: SessionConfig, objects: u32) -> Outcome<Self> {
        let mut player = HeadlessPlayer::join(url, config)?;
        let first = NodeId::spawned(player.player(), 1);
        let spawns: Vec<_> = (0..objects)
            .map(|object| Mutation::Spawn(spawn(node(first, object), &player)))
            .collect();
        let mut last = None;
        for steps in spawns.chunks(NODES_A_TRANSACTION) {
            last = Some(player.propose(Transaction {
                guards: Vec::new(),
                steps: steps.to_vec(),
            }));
        }
        let confirmed = |update| match update {
            Update::CommitEnd(end) if end.own == last => Some(Ok(())),
            Update::Rejected { reason, .. } => Some(Err(Failure::new(format!(
                "a node was rejected: {reason:?}"
            )))),
            _ => None,
        };
        player.wait_for("all nodes were there", SPAWN_TIME_MAX, confirmed)??;
        Ok(Self {
            player,
            first,
            objects,
        })
    }
}

impl Mover for Sender {
    fn send(&mut self) -> Outcome {
        for object in 0..self.objects {
            let value = Value::PackedByteArray(message::pose().to_vec());
            self.player.set_live(node(self.first, object), POSE, value);
        }
        self.player.flush();
        while let Some(update) = self.player.next_update() {
            still_in(&update)?;
        }
        Ok(())
    }
}

struct Receiver {
    player: HeadlessPlayer,
    first: NodeId,
}

impl Client for Receiver {
    fn receive(&mut self, seen: &mut dyn FnMut(u32, Nanos)) -> Outcome {
        while let Some(update) = self.player.next_update() {
            still_in(&update)?;
            let Update::LiveValue {
                node,
                value: Value::PackedByteArray(pose),
                ..
            } = update
            else {
                continue;
            };
            let object = u32::try_from(node.0.wrapping_sub(self.first.0));
            if let (Ok(object), Some(sent)) = (object, message::sent_at(&pose)) {
                seen(object, sent);
            }
        }
        Ok(())
    }
}

fn of(error: impl fmt::Display) -> Failure {
    Failure::new(format!("a thread for clients: {error}"))
}

fn still_in(update: &Update) -> Outcome {
    match update {
        Update::Ended(reason) => Err(Failure::new(format!("thrown out: {reason:?}"))),
        Update::Reconnecting { reason, .. } => {
            Err(Failure::new(format!("a connection was lost: {reason:?}")))
        }
        _ => Ok(()),
    }
}

fn node(first: NodeId, object: u32) -> NodeId {
    NodeId(first.0 + u64::from(object))
}

fn spawn(node: NodeId, owner: &HeadlessPlayer) -> Spawn {
    Spawn {
        node,
        origin: Origin::Scene {
            spawner: NodeId::derived(NodeId::ROOT, "Peers"),
            scene: 0,
        },
        parent: ParentRef {
            anchor: NodeId::ROOT,
            path: String::new(),
        },
        name: "Object".to_owned(),
        policy: Policy {
            write: Access::Owner,
            call: Access::Owner,
            transfer: Transfer::ByOwner,
            on_owner_left: OnOwnerLeft::Despawn,
        },
        owner: owner.player(),
        properties: vec![PropertySpec {
            path: ".:pose".to_owned(),
            lane: Lane::Live,
            value: Value::PackedByteArray(message::pose().to_vec()),
        }],
    }
}
