//! Writing to a cluster of ours: a player that only writes, and is paced by the work alone.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use synced_protocol::{
    control,
    id::{ClientSeq, NodeId, PlayerId, PropertyId},
    link::{CloseCode, ConnectionId, Event, Logic, Output, Target as LinkTarget},
    message::{Change, ClientMessage, Game, Hello, JoinKey, ServerMessage},
    mutation::{
        Access, Lane, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Spawn,
        Transaction, Transfer,
    },
    time::Micros,
    value::Value,
};
use synced_transport::{ClientConfig, ClientEndpoint, TransportError, Waker, clock};

use super::{Figures, Pace, Work};
use crate::{Failure, Outcome};

/// How long answers may take when the last write is out.
const ANSWER_TIME_MAX: Micros = Micros::from_secs(10);
const CONNECTION: ConnectionId = ConnectionId(1);
const PROPERTY: PropertyId = PropertyId(0);

/// Where the work is done.
#[derive(Debug, Clone)]
pub struct Target {
    /// The leader's URL. Its limits of what one player may propose must allow the work.
    pub url: String,
    /// The game that it serves.
    pub game: Game,
}

/// Does the work at one server, over one connection.
///
/// # Errors
/// When the server cannot be reached, does not lead, or ends the connection.
pub fn write_to_cluster(target: &Target, work: Work) -> Outcome<Figures> {
    let address = target
        .url
        .parse()
        .map_err(|error| Failure::new(format!("{}: {error}", target.url)))?;
    let endpoint = ClientEndpoint::new(ClientConfig::new(address)).map_err(of_transport)?;
    let writer = Writer::new(target.game.clone(), work);
    let handle = endpoint.spawn(writer, Waker::new()).map_err(of_transport)?;
    while !handle.is_finished() {
        std::thread::sleep(Duration::from_millis(50));
    }
    handle.join().map_err(of_transport)?.outcome()
}

fn of_transport(error: TransportError) -> Failure {
    Failure::new(error.to_string())
}

#[derive(Debug)]
struct Writer {
    game: Game,
    work: Work,
    value: Value,
    stage: Stage,
    player: PlayerId,
    began: Micros,
    /// Writes that are out: their numbers and since when they count.
    out: VecDeque<(ClientSeq, Micros)>,
    next: u64,
    figures: Figures,
    outputs: VecDeque<Output>,
    error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    /// The node that is written to is not there yet.
    Joining,
    Writing,
    /// No more go out.
    Waiting {
        until: Micros,
    },
    Over,
}

impl Writer {
    fn new(game: Game, work: Work) -> Self {
        Self {
            game,
            value: Value::PackedByteArray(vec![7; work.value_bytes]),
            work,
            stage: Stage::Connecting,
            player: PlayerId::SERVER,
            began: Micros::ZERO,
            out: VecDeque::new(),
            next: 0,
            figures: Figures::new(),
            outputs: [Output::Connect {
                connection: CONNECTION,
                to: LinkTarget::Configured,
            }]
            .into(),
            error: None,
        }
    }

    fn outcome(self) -> Outcome<Figures> {
        self.error
            .map_or(Ok(self.figures), |error| Err(Failure::new(error)))
    }

    fn fail(&mut self, error: impl ToString) {
        self.error = Some(error.to_string());
        self.stage = Stage::Over;
    }

    fn send(&mut self, frame: Result<Bytes, synced_protocol::error::DecodeError>) {
        match frame {
            Ok(bytes) => self.outputs.push_back(Output::Frame {
                connection: CONNECTION,
                bytes,
            }),
            Err(error) => self.fail(error),
        }
    }

    fn propose(&mut self, seq: ClientSeq, mutation: Mutation) {
        let transaction = Transaction::from(mutation);
        self.send(control::encode(&ClientMessage::Propose {
            seq,
            transaction,
        }));
    }

    fn greet(&mut self) {
        self.stage = Stage::Joining;
        let hello = Hello {
            game: self.game.clone(),
            player_name: "writer".to_owned(),
            key: JoinKey(u128::from(clock::unix_now().0).to_le_bytes()),
            resume: None,
        };
        self.send(control::encode_first(&ClientMessage::Hello(hello)));
    }

    fn hear(&mut self, now: Micros, bytes: &[u8]) {
        if self.player == PlayerId::SERVER {
            return match control::decode_first(bytes) {
                Ok(control::First::SameVersion(ServerMessage::Welcome(welcome))) => {
                    self.welcomed(welcome.player);
                }
                other => self.fail(format!("no welcome but {other:?}")),
            };
        }
        match control::decode(bytes) {
            Ok(ServerMessage::Commit(commit)) => {
                if let Change::Transaction { player, seq, .. } = commit.entry.change
                    && player == self.player
                {
                    self.confirmed(now, seq);
                }
            }
            Ok(ServerMessage::Rejected { reason, .. }) => self.fail(reason),
            Ok(ServerMessage::Snapshot(_)) => {}
            other => self.fail(format!("unexpected: {other:?}")),
        }
    }

    fn welcomed(&mut self, player: PlayerId) {
        self.player = player;
        let spawn = Spawn {
            node: self.node(),
            origin: Origin::Scene {
                spawner: NodeId::derived(NodeId::ROOT, "Main/Spawner"),
                scene: 0,
            },
            parent: ParentRef {
                anchor: NodeId::ROOT,
                path: "Main".to_owned(),
            },
            name: "Cup".to_owned(),
            policy: Policy {
                write: Access::Owner,
                call: Access::Owner,
                transfer: Transfer::ByOwner,
                on_owner_left: OnOwnerLeft::Despawn,
            },
            owner: player,
            properties: vec![PropertySpec {
                path: ".:content".to_owned(),
                lane: Lane::Confirmed,
                value: Value::PackedByteArray(Vec::new()),
            }],
        };
        self.propose(ClientSeq(1), Mutation::Spawn(spawn));
    }

    const fn node(&self) -> NodeId {
        NodeId::spawned(self.player, 1)
    }

    fn confirmed(&mut self, now: Micros, seq: ClientSeq) {
        if self.stage == Stage::Joining {
            self.stage = Stage::Writing;
            self.began = now;
        } else if let Some((_, since)) = self.out.pop_front_if(|(out, _)| *out == seq) {
            self.figures.done(Duration::from_micros(now.since(since).0));
        } else {
            self.fail(format!("{seq} is confirmed out of turn"));
        }
    }

    fn write_what_is_due(&mut self, now: Micros) {
        while self.stage == Stage::Writing {
            let passed = Duration::from_micros(now.since(self.began).0);
            let due = self.work.due(self.next).filter(|_| passed < self.work.span);
            let Some(due) = due else {
                let until = now + ANSWER_TIME_MAX;
                self.stage = Stage::Waiting { until };
                return;
            };
            if due > passed || self.out.len() >= self.work.outstanding_max() {
                return;
            }
            let since = match self.work.pace {
                Pace::PerSecond(_) => self.began + micros(due),
                Pace::Outstanding(_) => now,
            };
            self.next += 1;
            let seq = ClientSeq(self.next + 1);
            self.out.push_back((seq, since));
            let properties = vec![(PROPERTY, self.value.clone())];
            let node = self.node();
            self.propose(seq, Mutation::SetProperties { node, properties });
        }
    }

    fn end_when_all_came_back(&mut self, now: Micros) {
        let Stage::Waiting { until } = self.stage else {
            return;
        };
        if self.out.is_empty() || now >= until {
            (0..self.out.len()).for_each(|_| self.figures.failed());
            self.figures
                .took(Duration::from_micros(now.since(self.began).0));
            self.stage = Stage::Over;
            self.send(control::encode(&ClientMessage::Leave));
            self.outputs.push_back(Output::Close {
                connection: CONNECTION,
                code: CloseCode::Done,
            });
        }
    }
}

fn micros(span: Duration) -> Micros {
    Micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

impl Logic for Writer {
    fn handle(&mut self, now: Micros, event: Event) {
        match event {
            Event::Connected { .. } => self.greet(),
            Event::Frame { bytes, .. } => self.hear(now, &bytes),
            Event::Closed { reason, .. } if self.stage != Stage::Over => self.fail(reason),
            Event::Closed { .. } | Event::Datagram { .. } | Event::Woken => {}
        }
        self.write_what_is_due(now);
        self.end_when_all_came_back(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        match self.stage {
            Stage::Writing if self.out.len() < self.work.outstanding_max() => {
                let due = self.work.due(self.next).unwrap_or(self.work.span);
                Some(self.began + micros(due))
            }
            Stage::Writing => Some(self.began + micros(self.work.span)),
            Stage::Waiting { until } => Some(until),
            Stage::Connecting | Stage::Joining | Stage::Over => None,
        }
    }

    fn is_finished(&self) -> bool {
        self.stage == Stage::Over
    }
}
