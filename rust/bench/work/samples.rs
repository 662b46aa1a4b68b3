//! The samples of hands that move as hands do.

#[allow(dead_code, reason = "one motion stands for all")]
#[path = "../../protocol/tests/trajectory/motion.rs"]
mod motion;

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId},
    input::{InputFrame, Precision},
    live::{Fit, LiveWriter, relay_header},
    time::Micros,
};

use super::words::{BATCH, EPOCH, POSE, transform};

/// The samples of a batch: what is new in it, and what is repeated of two batches before.
pub(crate) const SAMPLES: usize = 12;
/// The motion begins here.
const START: Micros = Micros(EPOCH.0 - 1_000_000);

/// The samples of a hand with a sensor's noise, of the batch that is sent at a time.
pub(crate) fn hand(sent_at: Micros) -> Vec<InputFrame> {
    let begin = sent_at - Micros::from_millis(SAMPLES as u64);
    let mut samples = motion::WAVE.samples(begin.since(START).as_secs_f64(), SAMPLES, begin);
    motion::add_noise(&mut samples);
    samples
}

/// The datagrams of one player: a hand, and a body that is thrown.
pub(crate) struct Datagrams {
    writer: LiveWriter,
    sequence: u32,
    hand: NodeId,
    body: NodeId,
}

impl Datagrams {
    pub(crate) fn new(hand: NodeId, body: NodeId) -> Self {
        Self {
            writer: LiveWriter::default(),
            sequence: 0,
            hand,
            body,
        }
    }

    /// The next one, as the player sends it.
    pub(crate) fn next(&mut self, sent_at: Micros) -> Vec<u8> {
        self.sequence += 1;
        let samples = hand(sent_at);
        let fits = write(
            &mut self.writer,
            (self.sequence, sent_at),
            (self.hand, &samples),
            self.body,
        );
        assert_eq!(fits, [Fit::Written; 2]);
        self.writer.bytes().to_vec()
    }

    /// The next one, as the leader relays it.
    pub(crate) fn next_relayed(&mut self, player: PlayerId, sent_at: Micros) -> Vec<u8> {
        let bytes = self.next(sent_at);
        let header = relay_header(player, HlcTimestamp::from_physical(sent_at));
        [&header, &bytes[1..]].concat()
    }
}

/// Writes a hand and a body.
pub(crate) fn write(
    writer: &mut LiveWriter,
    (sequence, sent_at): (u32, Micros),
    (hand, samples): (NodeId, &[InputFrame]),
    body: NodeId,
) -> [Fit; 2] {
    writer.begin(sequence, sent_at);
    let value = transform(sent_at.0 / BATCH.0);
    [
        writer.input(hand, samples, Precision::Fine),
        writer.value(body, POSE, sent_at, &value),
    ]
}
