//! A hand between two players, over a network that loses datagrams and lets them overtake each other.

use rtrb::{Producer, RingBuffer};
use synced_client::{
    SessionConfig, TrackerFeed,
    playout::{DelaySlew, Smoother, Trajectory},
};
use synced_protocol::{
    id::NodeId, input::InputFrame, live::Datagram, mutation::Mutation, time::Micros,
};

use crate::{
    common::{
        cup, game, ms,
        network::{EPOCH_OFFSET, Filter, Network, Path},
    },
    motion::{Motion, START, angle_between},
};

pub(crate) const ANN: usize = 0;
pub(crate) const BOB: usize = 1;
const FRAME: Micros = Micros(11_111);
/// Nothing is later than this.
const SETTLED: Micros = Micros::from_millis(200);

/// Two players. The first one's hand is tracked; the second one shows it.
pub(crate) struct Scene {
    pub(crate) net: Network,
    hand: NodeId,
    pub(crate) samples: Producer<InputFrame>,
    pub(crate) screen: Screen,
}

/// What the second player sees.
pub(crate) struct Screen {
    pub(crate) trajectory: Trajectory,
    smoother: Smoother,
    slew: DelaySlew,
    /// Distances in metres and angles in radians from the truth.
    errors: Vec<(f32, f32)>,
    /// How far the trajectory is off the truth at the most, once nothing of it can come late any more: metres and radians.
    pub(crate) drawn: (f32, f32),
    /// Metres between two frames, less what the hand itself can have moved.
    pub(crate) leap_max: f32,
    before: Option<InputFrame>,
}

impl Scene {
    pub(crate) fn new(path: Path, seed: u64, thinning: bool) -> Self {
        Self::new_at(path, seed, thinning, ms(4))
    }

    pub(crate) fn new_at(path: Path, seed: u64, thinning: bool, pace: Micros) -> Self {
        let mut net = Network::new(path, seed);
        let mut config = SessionConfig::new(game(), "ann");
        config.live.thinning = thinning;
        config.live.local_delta_max_age = pace;
        net.join_with(config);
        net.join("bob");
        net.run_for(Micros::from_secs(3));
        let ann = net.players[ANN].game.player();
        let hand = NodeId::spawned(ann, 1);
        let (samples, taken) = RingBuffer::new(256);
        let handle = &mut net.players[ANN].handle;
        handle.propose(Mutation::Spawn(cup(hand, ann)));
        handle.attach_tracker(hand, TrackerFeed::new(taken));
        net.run_for(ms(500));
        Self {
            net,
            hand,
            samples,
            screen: Screen::new(),
        }
    }

    /// The hand moves and is shown for so long; errors are counted after the first second.
    pub(crate) fn play(&mut self, motion: Motion, span: Micros) {
        let begun = self.net.now;
        let mut frame_at = begun;
        for place in 1..=span.0 / 1_000 {
            self.net.run_until(begun + ms(place));
            let truth = motion.at(START + ms(place));
            let sampled_at = self.net.local(ANN);
            let sample = InputFrame {
                sampled_at,
                ..truth
            };
            self.samples.push(sample).unwrap();
            if self.net.now >= frame_at {
                frame_at = frame_at + FRAME;
                self.show(motion, begun);
            }
        }
        self.net.run_for(Micros::from_secs(1));
    }

    fn show(&mut self, motion: Motion, begun: Micros) {
        let local = self.net.local(BOB);
        let game = &mut self.net.players[BOB].game;
        let session = local.shifted(game.clock.offset_us);
        let ann = self.net.players[ANN].game.player();
        let game = &mut self.net.players[BOB].game;
        for (_, frame) in game.arrivals.drain(..) {
            self.screen.trajectory.insert(frame);
        }
        if let Some(delay) = game.delays.get(&ann) {
            self.screen.slew.aim(session, *delay);
        }
        let truth_at = |claimed: Micros| {
            let since = (claimed - EPOCH_OFFSET).since(begun);
            motion.at(START + since)
        };
        let counts = self.net.now.since(begun) > Micros::from_secs(1);
        self.screen.show(session, motion, counts, truth_at);
    }

    pub(crate) fn received(&self) -> usize {
        self.net.players[BOB].game.inputs[&self.hand].len()
    }
}

impl Screen {
    fn new() -> Self {
        Self {
            trajectory: Trajectory::new(),
            smoother: Smoother::new(),
            slew: DelaySlew::new(ms(50)),
            errors: Vec::new(),
            drawn: (0.0, 0.0),
            leap_max: 0.0,
            before: None,
        }
    }

    fn show(
        &mut self,
        session: Micros,
        motion: Motion,
        counts: bool,
        truth_at: impl Fn(Micros) -> InputFrame,
    ) {
        if counts {
            (0..11).for_each(|back| self.check(session - SETTLED - ms(back), &truth_at));
        }
        let claimed = self.slew.shown_at(session);
        let Some(shown) = self.smoother.show(&self.trajectory, claimed) else {
            return;
        };
        if counts {
            let truth = truth_at(claimed);
            let way = shown.position.distance(truth.position);
            let angle = angle_between(shown.orientation, truth.orientation);
            self.errors.push((way, angle));
            if let Some(before) = self.before {
                let own = motion.speed_max() * FRAME.as_secs_f64() as f32 * 1.06;
                let leap = before.position.distance(shown.position) - own;
                self.leap_max = self.leap_max.max(leap);
            }
        }
        self.before = Some(shown);
    }

    fn check(&mut self, at: Micros, truth_at: impl Fn(Micros) -> InputFrame) {
        let (Some(drawn), truth) = (self.trajectory.sample_at(at), truth_at(at)) else {
            return;
        };
        let way = drawn.position.distance(truth.position);
        let angle = angle_between(drawn.orientation, truth.orientation);
        self.drawn = (self.drawn.0.max(way), self.drawn.1.max(angle));
    }

    /// What 99 of 100 frames keep: metres and radians.
    pub(crate) fn p99(&self) -> (f32, f32) {
        let p99 = |mut errors: Vec<f32>| {
            errors.sort_by(f32::total_cmp);
            errors[errors.len() * 99 / 100]
        };
        (
            p99(self.errors.iter().map(|error| error.0).collect()),
            p99(self.errors.iter().map(|error| error.1).collect()),
        )
    }
}

pub(crate) const fn path(loss_percent: u64, jitter_ms: u64) -> Path {
    Path {
        delay: Micros::from_millis(10),
        jitter: Micros::from_millis(jitter_ms),
        loss_percent,
    }
}

const fn is_live(datagram: &Datagram<'_>) -> bool {
    matches!(datagram, Datagram::Up(_) | Datagram::Down { .. })
}

/// Loses two live datagrams in a row out of nineteen.
pub(crate) fn bursts_of_two() -> Filter {
    let mut number = 0;
    Box::new(move |_, datagram| {
        number += u64::from(is_live(datagram));
        !is_live(datagram) || number % 19 > 1
    })
}
