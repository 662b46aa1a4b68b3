//! Datagrams and frames, written and read.

use bytes::Bytes;
use synced_protocol::{
    control,
    id::{NodeId, PlayerId},
    input::{InputFrame, decode_batch},
    live::{BlockKind, Datagram, Fit, LiveWriter},
    message::{LogEntry, ServerMessage},
    mutation::Mutation,
};

use super::{
    Again, Visitor,
    samples::{self, Datagrams},
    words::{EPOCH, commit, cup, entry, kilobyte, set, transform},
};

const PLAYER: PlayerId = PlayerId(1);
const HAND: NodeId = NodeId::spawned(PLAYER, 1);
const BODY: NodeId = NodeId::spawned(PLAYER, 2);

pub(crate) fn show(visitor: &mut impl Visitor) {
    visitor.visit("codec/datagram/write", || {
        Again::new(
            (LiveWriter::default(), samples::hand(EPOCH)),
            write_datagram,
        )
    });
    visitor.visit("codec/datagram/read", || {
        let bytes = Datagrams::new(HAND, BODY).next_relayed(PLAYER, EPOCH);
        Again::new(bytes, |bytes| read_datagram(bytes))
    });
    show_commit(visitor, "set", || entry(PLAYER, 1, set(BODY, transform(1))));
    show_commit(visitor, "set-1kb", || {
        entry(PLAYER, 1, set(BODY, kilobyte(1)))
    });
    show_commit(visitor, "spawn", || {
        entry(PLAYER, 1, Mutation::Spawn(cup(PLAYER, 1)))
    });
}

fn show_commit(visitor: &mut impl Visitor, what: &str, entry: impl Fn() -> LogEntry) {
    let message = || ServerMessage::Commit(commit(1, entry()));
    visitor.visit(&format!("codec/{what}/write"), || {
        Again::new(message(), |message| encode(message))
    });
    visitor.visit(&format!("codec/{what}/read"), || {
        Again::new(encode(&message()), |bytes| decode(bytes))
    });
}

fn write_datagram((writer, samples): &mut (LiveWriter, Vec<InputFrame>)) {
    let fits = samples::write(writer, (1, EPOCH), (HAND, samples), BODY);
    assert_eq!(fits, [Fit::Written; 2]);
}

/// As a player reads it who is shown everything. Returns how much that is.
fn read_datagram(bytes: &[u8]) -> usize {
    let Ok(Datagram::Down { live, .. }) = Datagram::decode(bytes) else {
        return 0;
    };
    let mut found = 0;
    for block in live.blocks().flatten() {
        match std::hint::black_box(block).kind {
            BlockKind::Input { batch } => {
                let read = decode_batch(batch, live.sent_at, |_| found += 1);
                assert_eq!(read, Ok(()));
            }
            BlockKind::Value { .. } | BlockKind::Aim { .. } | BlockKind::Joints { .. } => {
                found += 1;
            }
        }
    }
    found
}

fn encode(message: &ServerMessage) -> Bytes {
    control::encode(message).unwrap()
}

fn decode(bytes: &Bytes) -> ServerMessage {
    control::decode(bytes).unwrap()
}
