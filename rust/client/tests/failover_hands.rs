//! What one player streams goes on for the others when the leader is another, in virtual time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    cup,
    fronts::{Fronts, long, server_id},
    game, hand, ms,
};
use rtrb::{Producer, RingBuffer};
use synced_client::{SessionConfig, TrackerFeed, command::Command};
use synced_protocol::{id::NodeId, input::InputFrame, mutation::Mutation, time::Micros};

const ANN: usize = 0;
const BOB: usize = 1;
/// How long after a leader's end another one is elected.
const ELECTION: u64 = 8;

struct Stage {
    fronts: Fronts,
    node: NodeId,
    samples: Producer<InputFrame>,
    taken: u64,
}

impl Stage {
    /// Two players, the first of whom has had a moving hand for a while.
    fn new() -> Self {
        let mut fronts = Fronts::new(5);
        for name in ["ann", "bob"] {
            let mut config = SessionConfig::new(game(), name);
            config.live.thinning = false;
            fronts.join(config);
        }
        fronts.run_for(long());
        let ann = fronts.me(ANN);
        let node = NodeId::spawned(ann, 1);
        let (samples, taken) = RingBuffer::new(256);
        fronts.propose(ANN, Mutation::Spawn(cup(node, ann)));
        let feed = TrackerFeed::new(taken);
        fronts.command(ANN, Command::AttachTracker { node, feed });
        let mut stage = Self {
            fronts,
            node,
            samples,
            taken: 0,
        };
        stage.swing(1_000);
        stage
    }

    /// The hand moves on for so many milliseconds.
    fn swing(&mut self, millis: u64) {
        for _ in 0..millis {
            self.fronts.run_for(ms(1));
            let frame = hand(self.fronts.now, self.taken * 1_000);
            self.samples.push(frame).unwrap();
            self.taken += 1;
        }
    }

    fn fail_over(&mut self, next: usize) {
        let leader = self.fronts.true_leader().unwrap();
        self.fronts.kill(leader);
        self.swing(ELECTION);
        self.fronts.elect(next);
        self.swing(500);
    }

    /// The longest time between two samples that came to the other player, from a session time on.
    fn longest_gap(&self, from: Micros) -> Micros {
        let frames = &self.fronts.players[BOB].game.inputs[&self.node];
        let times = frames.iter().map(|frame| frame.sampled_at);
        let times: Vec<_> = times.filter(|at| *at >= from).collect();
        let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
        gaps.max().unwrap()
    }
}

#[test]
fn of_a_hand_no_more_is_missing_than_was_sent_three_times_to_a_dead_leader() {
    for next in [1, 4] {
        let mut stage = Stage::new();
        let begun = stage.fronts.session_time();
        stage.fail_over(next);
        let newest = stage.fronts.players[BOB].game.inputs[&stage.node].last();
        let behind = stage.fronts.session_time() - newest.unwrap().sampled_at;
        assert!(behind < ms(15), "{behind:?}");
        let gap = stage.longest_gap(begun - ms(50));
        assert!(gap <= ms(14), "{gap:?}");
    }
}

#[test]
fn the_delay_with_which_others_are_shown_stays_and_nobody_is_told_of_a_loss() {
    let mut stage = Stage::new();
    let before = stage.fronts.players[BOB].game.delays.clone();
    assert_eq!(before.len(), 1);
    for next in [1, 2, 3] {
        stage.fail_over(next);
    }
    let game = &stage.fronts.players[BOB].game;
    for (player, delay) in before {
        let now = game.delays[&player];
        assert!(now <= delay + ms(2), "{delay:?} became {now:?}");
    }
    assert_eq!((game.joins.len(), game.tries.len()), (1, 0));
    assert_eq!(game.leaders.len(), 4);
    assert_eq!(game.leaders[3].0, server_id(3));
    stage.swing(1_000);
    let counters = stage.fronts.players[BOB].game.stats.counters;
    assert_eq!((counters.failovers, counters.live_lost), (3, 0));
}
