//! A player's own machine: what its network's thread does with what comes, what is left of that for the game's thread, and what goes
//! out.

use bytes::Bytes;
use rtrb::{Producer, RingBuffer};
use synced_client::TrackerFeed;
use synced_protocol::{
    id::NodeId, input::InputFrame, link::Event, live::MAX_UP_DATAGRAM_BYTES, time::Micros,
};

use super::{
    Visitor, Work,
    samples::{self, Datagrams},
    session::{ME, OTHER, Seat},
    words::{BATCH, FRAME, POSE, entry, set, transform},
    world::NODES,
};

pub(crate) fn show(visitor: &mut impl Visitor) {
    for commits in [1, 100, 1_000] {
        visitor.visit(&format!("client/hear-commits/{commits}"), || {
            Hear(Commits::new(commits))
        });
        visitor.visit(&format!("client/read-commits/{commits}"), || {
            Read(Commits::new(commits))
        });
    }
    visitor.visit("client/see-hand/1", See::new);
    visitor.visit("client/send-hands/2", Hands::new);
    for values in [1, 100] {
        visitor.visit(&format!("client/send-values/{values}"), || {
            Values::new(values)
        });
    }
}

/// So many commits a frame of the game, each of another node's place.
struct Commits {
    seat: Seat,
    commits: u64,
}

impl Commits {
    fn new(commits: u64) -> Self {
        let seat = Seat::new(OTHER, NODES);
        Self { seat, commits }
    }

    fn next(&mut self) -> Vec<Bytes> {
        self.seat.idle(FRAME);
        (0..self.commits).map(|_| self.frame()).collect()
    }

    fn frame(&mut self) -> Bytes {
        let number = self.seat.log_index();
        let node = NodeId::spawned(OTHER, number as u32 % NODES + 1);
        let change = set(node, transform(number));
        self.seat.commit(entry(OTHER, number, change))
    }

    fn hear(&mut self, frames: &[Bytes]) {
        for frame in frames {
            self.seat.hear(frame.clone());
        }
    }
}

/// The network's thread decodes them, applies them to the replica and leaves word for the game.
struct Hear(Commits);

impl Work for Hear {
    type Input = Vec<Bytes>;
    type Output = Vec<Bytes>;

    const IN_TURN: bool = true;

    fn input(&mut self) -> Vec<Bytes> {
        self.0.next()
    }

    fn run(&mut self, frames: Vec<Bytes>) -> Vec<Bytes> {
        self.0.hear(&frames);
        frames
    }
}

/// The game's thread takes what it was told, before it does anything with it.
struct Read(Commits);

impl Work for Read {
    type Input = ();
    type Output = ();

    const IN_TURN: bool = true;

    fn input(&mut self) {
        let frames = self.0.next();
        self.0.hear(&frames);
    }

    fn run(&mut self, (): ()) {
        // A value and a commit's end.
        assert_eq!(self.0.seat.read() as u64, 2 * self.0.commits);
    }
}

/// The hand and the body of another player come by datagram, and the game reads them.
struct See {
    seat: Seat,
    datagrams: Datagrams,
}

impl See {
    fn new() -> Self {
        Self {
            seat: Seat::new(OTHER, 2),
            datagrams: Datagrams::new(NodeId::spawned(OTHER, 1), NodeId::spawned(OTHER, 2)),
        }
    }
}

impl Work for See {
    type Input = Bytes;
    type Output = ();

    const IN_TURN: bool = true;

    fn input(&mut self) -> Bytes {
        self.seat.idle(BATCH);
        let bytes = self.datagrams.next_relayed(OTHER, self.seat.session_time());
        bytes.into()
    }

    fn run(&mut self, datagram: Bytes) {
        self.seat.see(datagram);
        assert!(self.seat.read() > samples::SAMPLES / 3);
    }
}

/// Both hands of this player at a thousand samples a second, of which a batch goes out each time.
struct Hands {
    seat: Seat,
    feeds: [Producer<InputFrame>; 2],
}

impl Hands {
    fn new() -> Self {
        let mut seat = Seat::new(ME, 2);
        let feeds = [1, 2].map(|counter| {
            let (samples, taken) = RingBuffer::new(samples::SAMPLES);
            let feed = TrackerFeed::new(taken);
            seat.handle
                .attach_tracker(NodeId::spawned(ME, counter), feed);
            samples
        });
        seat.handle.flush();
        Self { seat, feeds }
    }
}

impl Work for Hands {
    type Input = ();
    type Output = ();

    const IN_TURN: bool = true;

    fn input(&mut self) {
        // A look at half time, lest it take the turn of this batch.
        let half = Micros(BATCH.0 / 2);
        self.seat.idle(half);
        self.seat.now = self.seat.now + half;
        let new = BATCH.0 as usize / 1_000;
        let hand = samples::hand(self.seat.session_time());
        for sample in &hand[hand.len() - new..] {
            let sampled_at = sample.sampled_at - super::words::EPOCH;
            for feed in &mut self.feeds {
                feed.push(InputFrame {
                    sampled_at,
                    ..*sample
                })
                .unwrap();
            }
        }
    }

    fn run(&mut self, (): ()) {
        assert!(self.seat.handle(Event::Woken) > 0);
    }
}

/// Live values of this player's nodes, all of which change in every third frame of the game: a hundred of them are about as much as a
/// session may send.
struct Values {
    seat: Seat,
    values: u32,
}

impl Values {
    fn new(values: u32) -> Self {
        let seat = Seat::new(ME, values);
        Self { seat, values }
    }
}

impl Work for Values {
    type Input = ();
    type Output = ();

    const IN_TURN: bool = true;

    fn input(&mut self) {
        self.seat.idle(Micros(3 * FRAME.0));
    }

    fn run(&mut self, (): ()) {
        let now = self.seat.now;
        for counter in 1..=self.values {
            let node = NodeId::spawned(ME, counter);
            let value = transform(now.0 + u64::from(counter));
            self.seat.handle.set_live(node, POSE, now, value);
        }
        self.seat.handle.flush();
        let at_once = self.seat.handle(Event::Woken);
        // A few wait so long at most for company.
        self.seat.now = self.seat.now + BATCH;
        let later = self.seat.handle(Event::Woken);
        let bytes = self.values as usize * 10;
        assert!(at_once + later >= bytes.div_ceil(MAX_UP_DATAGRAM_BYTES));
    }
}
