//! Our own client, transport and server, without an engine: the server is `synced serve` in a process of its own.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc, thread, time::Duration};

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

use super::{
    Client, Library, Member, Mover, Running, RunningCrowd, Server, Session,
    joining::{object_of, way_of},
    message, relay_to,
    threads::Mark,
};
use crate::{
    Failure, Outcome,
    clock::Nanos,
    folder,
    headless::HeadlessPlayer,
    peers::{Cell, meter::CpuTime},
    relay::Relay,
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
}

impl Library for Synced {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_tuned(&self) -> bool {
        !self.server.is_empty()
    }

    fn start(&self, cell: Cell) -> Outcome<Running> {
        let (server, relay) = self.serve()?;
        let config = self.config("mover");
        let sender = Sender::new(
            HeadlessPlayer::join(&server.url(), config)?,
            0..cell.objects,
        )?;
        let objects = Arc::new(sender.nodes().collect::<Objects>());
        let mark = Mark::now()?;
        let clients = self.join_all(cell.clients, &server, &relay)?;
        let clients = clients.into_iter().map(|player| {
            let objects = objects.clone();
            Box::new(Receiver { player, objects }) as Box<dyn Client>
        });
        Ok(Running {
            clients: clients.collect(),
            mover: Box::new(sender),
            session: Session::behind(relay, server).with_threads_since(&mark)?,
        })
    }

    fn start_crowd(&self, clients: u32) -> Outcome<RunningCrowd> {
        let (server, relay) = self.serve()?;
        let mark = Mark::now()?;
        let players = self.join_all(clients, &server, &relay)?;
        let senders = (0..clients)
            .zip(players)
            .map(|(number, player)| Sender::new(player, object_of(number, clients)));
        let senders = senders.collect::<Outcome<Vec<_>>>()?;
        let objects = Arc::new(senders.iter().flat_map(Sender::nodes).collect::<Objects>());
        let members = senders.into_iter().map(|sender| {
            let objects = objects.clone();
            Box::new(Both { sender, objects }) as Box<dyn Member>
        });
        Ok(RunningCrowd {
            members: members.collect(),
            session: Session::behind(relay, server).with_threads_since(&mark)?,
        })
    }
}

impl Synced {
    fn serve(&self) -> Outcome<(SyncedServer, Relay)> {
        let options = ServerOptions::new(GAME.0, GAME.1);
        let options = self
            .server
            .iter()
            .fold(options, |options, (key, value)| options.set(key, value));
        let server = SyncedServer::start(&folder::fresh("measure-peers-server")?, &options)?;
        let relay = relay_to(server.address())?;
        Ok((server, relay))
    }

    /// So many players, in one thread, who no longer ask for the time as often as they do in the beginning.
    fn join_all(
        &self,
        count: u32,
        server: &SyncedServer,
        relay: &Relay,
    ) -> Outcome<Vec<HeadlessPlayer>> {
        let thread = ClientThread::start().map_err(of)?;
        let players = (0..count).map(|number| {
            let url = server.url_by(way_of(number, relay, server.address()));
            let config = self.config(&format!("client{number}"));
            HeadlessPlayer::join_in(&thread, &url, config)
        });
        let players = players.collect();
        thread::sleep(Duration::from_micros(clock::BURST.0));
        players
    }

    fn config(&self, name: &str) -> SessionConfig {
        let mut config = HeadlessPlayer::config(GAME.0, GAME.1, name);
        config.live.local_delta_max_age = self.live_max_age;
        config.live.bytes_per_second_max = self.live_bytes_per_second_max;
        config
    }
}

impl Server for SyncedServer {
    fn cpu_time(&self) -> Outcome<CpuTime> {
        CpuTime::of_process(self.process_id())
    }
}

/// The number of each object's node.
type Objects = BTreeMap<NodeId, u32>;

/// Moves objects, each of which is a node of its own.
struct Sender {
    player: HeadlessPlayer,
    objects: Range<u32>,
}

impl Sender {
    /// Waits until all nodes are confirmed.
    fn new(player: HeadlessPlayer, objects: Range<u32>) -> Outcome<Self> {
        let mut sender = Self { player, objects };
        let nodes = sender.nodes();
        let spawns: Vec<_> = nodes
            .map(|(node, _)| Mutation::Spawn(spawn(node, &sender.player)))
            .collect();
        let mut last = None;
        for steps in spawns.chunks(NODES_A_TRANSACTION) {
            last = Some(sender.player.propose(Transaction {
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
        let player = &mut sender.player;
        player.wait_for("all nodes were there", SPAWN_TIME_MAX, confirmed)??;
        Ok(sender)
    }

    /// Each object's node with the object's number.
    fn nodes(&self) -> impl Iterator<Item = (NodeId, u32)> + use<> {
        let first = NodeId::spawned(self.player.player(), 1);
        let nodes = (first.0..).map(NodeId);
        nodes.zip(self.objects.clone())
    }
}

impl Mover for Sender {
    fn send(&mut self) -> Outcome {
        for (node, _) in self.nodes() {
            let value = Value::PackedByteArray(message::pose().to_vec());
            self.player.set_live(node, POSE, value);
        }
        self.player.flush();
        Ok(())
    }
}

impl Client for Sender {
    /// Nobody else moves anything.
    fn receive(&mut self, _: &mut dyn FnMut(u32, Nanos)) -> Outcome {
        receive(&mut self.player, &Objects::new(), &mut |_, _| {})
    }
}

struct Receiver {
    player: HeadlessPlayer,
    objects: Arc<Objects>,
}

impl Client for Receiver {
    fn receive(&mut self, seen: &mut dyn FnMut(u32, Nanos)) -> Outcome {
        receive(&mut self.player, &self.objects, seen)
    }
}

/// Moves its own objects and sees those of others.
struct Both {
    sender: Sender,
    objects: Arc<Objects>,
}

impl Mover for Both {
    fn send(&mut self) -> Outcome {
        self.sender.send()
    }
}

impl Client for Both {
    fn receive(&mut self, seen: &mut dyn FnMut(u32, Nanos)) -> Outcome {
        receive(&mut self.sender.player, &self.objects, seen)
    }
}

fn receive(
    player: &mut HeadlessPlayer,
    objects: &Objects,
    seen: &mut dyn FnMut(u32, Nanos),
) -> Outcome {
    while let Some(update) = player.next_update() {
        still_in(&update)?;
        let Update::LiveValue {
            node,
            value: Value::PackedByteArray(pose),
            ..
        } = update
        else {
            continue;
        };
        if let (Some(object), Some(sent)) = (objects.get(&node), message::sent_at(&pose)) {
            seen(*object, sent);
        }
    }
    Ok(())
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
