//! A server alone: what one player sends goes to all.

use bytes::Bytes;
use synced_node::{Node, NodeConfig};
use synced_protocol::{
    control,
    id::{ClientSeq, NodeId, PlayerId},
    link::{ConnectionId, Event, Logic, Output},
    message::{ClientMessage, Hello, JoinKey},
    mutation::{Mutation, Transaction},
    time::Micros,
    value::Value,
};

use super::{
    Visitor, Work,
    samples::Datagrams,
    words::{BATCH, EPOCH, cup, game, kilobyte, set, transform},
};

/// The player who sends; the first that joins.
const SENDER: PlayerId = PlayerId(1);
const SENDERS: ConnectionId = ConnectionId(1);
const HAND: NodeId = NodeId::spawned(SENDER, 1);
const BODY: NodeId = NodeId::spawned(SENDER, 2);

pub(crate) fn show(visitor: &mut impl Visitor) {
    for receivers in [1, 10, 99] {
        visitor.visit(&format!("node/relay/{receivers}"), || Relay::new(receivers));
    }
    for players in [1, 10, 99] {
        visitor.visit(&format!("node/commit/{players}"), || {
            Publish::new(players, transform)
        });
    }
    visitor.visit("node/commit-1kb/99", || Publish::new(99, kilobyte));
}

/// A node and the players at it, who send nothing but what is measured.
struct Table {
    node: Node,
    now: Micros,
    last_seq: ClientSeq,
}

impl Table {
    /// The sender owns a hand and a body.
    fn new(players: u64) -> Self {
        let config = NodeConfig {
            epoch_offset: EPOCH,
            ..NodeConfig::new(game())
        };
        let mut table = Self {
            node: Node::new(config, [1; 32]),
            now: Micros::from_secs(1),
            last_seq: ClientSeq(0),
        };
        (1..=players).for_each(|number| table.join(ConnectionId(number)));
        for counter in [1, 2] {
            let spawn = table.propose(Mutation::Spawn(cup(SENDER, counter)));
            table.handle(spawn);
        }
        assert_eq!(table.node.world().nodes().len(), 2);
        assert_eq!(table.node.world().players().len() as u64, players);
        table
    }

    fn join(&mut self, connection: ConnectionId) {
        let remote = ([192, 0, 2, 1], 4433).into();
        self.handle((self.now, Event::Connected { connection, remote }));
        let hello = Hello {
            game: game(),
            player_name: "Ann".to_owned(),
            key: JoinKey(u128::from(connection.0).to_le_bytes()),
            resume: None,
        };
        let bytes = control::encode_first(&ClientMessage::Hello(hello)).unwrap();
        self.handle((self.now, Event::Frame { connection, bytes }));
        // What was held back for the world that was sent first is let go.
        self.now = self.now + Micros::from_secs(1);
        self.handle((self.now, Event::Woken));
    }

    /// The sender's next proposal, and when it comes.
    fn propose(&mut self, transaction: impl Into<Transaction>) -> (Micros, Event) {
        self.last_seq = self.last_seq.next();
        let message = ClientMessage::Propose {
            seq: self.last_seq,
            transaction: transaction.into(),
        };
        let bytes = control::encode(&message).unwrap();
        let connection = SENDERS;
        (self.pass(), Event::Frame { connection, bytes })
    }

    fn pass(&mut self) -> Micros {
        self.now = self.now + BATCH;
        self.now
    }

    /// Returns how many outputs that makes.
    fn handle(&mut self, (now, event): (Micros, Event)) -> usize {
        self.node.handle(now, event);
        let mut outputs = 0;
        while let Some(output) = self.node.poll_output() {
            assert!(!matches!(output, Output::Close { .. }), "cut off");
            outputs += 1;
        }
        outputs
    }
}

/// A hand and a body are relayed.
struct Relay {
    table: Table,
    datagrams: Datagrams,
    receivers: usize,
}

impl Relay {
    fn new(receivers: usize) -> Self {
        Self {
            table: Table::new(receivers as u64 + 1),
            datagrams: Datagrams::new(HAND, BODY),
            receivers,
        }
    }
}

impl Work for Relay {
    type Input = (Micros, Event);
    type Output = ();

    fn input(&mut self) -> Self::Input {
        let now = self.table.pass();
        let bytes = Bytes::from(self.datagrams.next(now + EPOCH));
        let connection = SENDERS;
        (now, Event::Datagram { connection, bytes })
    }

    fn run(&mut self, input: Self::Input) {
        assert_eq!(self.table.handle(input), self.receivers);
    }
}

/// A proposal is decided and told to everyone, its sender too.
struct Publish {
    table: Table,
    value: fn(u64) -> Value,
    players: usize,
}

impl Publish {
    fn new(players: usize, value: fn(u64) -> Value) -> Self {
        let table = Table::new(players as u64);
        Self {
            table,
            value,
            players,
        }
    }
}

impl Work for Publish {
    type Input = (Micros, Event);
    type Output = ();

    fn input(&mut self) -> Self::Input {
        let value = (self.value)(self.table.last_seq.0);
        self.table.propose(set(BODY, value))
    }

    fn run(&mut self, input: Self::Input) {
        assert_eq!(self.table.handle(input), self.players);
    }
}
