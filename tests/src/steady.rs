//! Two players who show whether a cluster keeps its word: one writes numbers that count up, the other sees them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use synced_bench::spawn_own;
use synced_client::{
    SessionConfig,
    limits::PROPOSALS_PER_SECOND_MAX,
    update::{EndReason, Update},
};
use synced_protocol::{
    id::{NodeId, PropertyId},
    mutation::{Lane, Mutation, PropertySpec, Spawn},
    time::Micros,
    value::Value,
};

use crate::{Failure, Outcome, headless::HeadlessPlayer};

/// How long what is on its way may take to come to its end, on a busy machine.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(30);
/// How often the players look for news.
const POLL: Duration = Duration::from_millis(1);
/// The one property of a node that [`spawn`] makes.
pub const NUMBER: PropertyId = PropertyId(0);

/// Two players who are at it until they are told to end.
pub struct Steady {
    stop: Arc<AtomicBool>,
    confirmed: Arc<AtomicU64>,
    thread: JoinHandle<Outcome<Story>>,
}

/// What became of it.
#[derive(Debug, Default)]
pub struct Story {
    /// When each number was confirmed to who wrote it, in local time; the first of them is 1.
    pub confirmed_at: Vec<Micros>,
    /// The numbers that the other saw, in order.
    pub seen: Vec<u64>,
    /// Everything that a game would have had to show as an error, told to either.
    pub errors: Vec<String>,
    /// How often either was told that another server leads, without more.
    pub leader_changes: usize,
    /// How often either was told that it lost its connection, and came back.
    pub returns: usize,
}

impl Steady {
    /// Joins with both, the writer at one URL and the other at another, and begins to write a number every `interval`.
    ///
    /// # Errors
    /// When either cannot join, or the writer would write more than a client sends: what waits there is late by no server's fault.
    pub fn begin(urls: [&str; 2], game: (&str, &str), interval: Duration) -> Outcome<Self> {
        if interval * PROPOSALS_PER_SECOND_MAX < Duration::from_secs(1) {
            return Err(Failure::new(format!(
                "a write each {interval:?} is more than {PROPOSALS_PER_SECOND_MAX} a second"
            )));
        }
        let join = |url, name| HeadlessPlayer::join(url, config(game, name));
        let players = Players {
            writer: join(urls[0], "writer")?,
            watcher: join(urls[1], "watcher")?,
            story: Story::default(),
            written: 0,
        };
        let (stop, confirmed) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let thread = thread::spawn({
            let (stop, confirmed) = (stop.clone(), confirmed.clone());
            move || players.play(interval, &stop, &confirmed)
        });
        Ok(Self {
            stop,
            confirmed,
            thread,
        })
    }

    /// How many numbers were confirmed so far.
    #[must_use]
    pub fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::Relaxed)
    }

    /// Waits until so many more are.
    ///
    /// # Errors
    /// When they are not in time.
    pub fn go_on(&self, more: u64) -> Outcome {
        let goal = self.confirmed() + more;
        let deadline = Instant::now() + SETTLE_TIME_MAX;
        while self.confirmed() < goal {
            if self.thread.is_finished() {
                return Err(Failure::new("the players ended early"));
            }
            if Instant::now() > deadline {
                let confirmed = self.confirmed();
                return Err(Failure::new(format!(
                    "{confirmed} confirmed, and not {goal} within {} s",
                    SETTLE_TIME_MAX.as_secs()
                )));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Writes no more, and waits until both know what became of all that was written.
    ///
    /// # Errors
    /// When that does not come about in time, or a player is thrown out.
    pub fn end(self) -> Outcome<Story> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.map_err(|_| Failure::new("the players panicked"))?
    }
}

impl Story {
    /// That each number was confirmed, and seen once in its place, and that nobody was shown an error.
    ///
    /// # Errors
    /// What was not so.
    pub fn check(&self) -> Outcome {
        if !self.errors.is_empty() {
            return Err(
                Failure::new("players were shown errors").with("errors", &self.errors.join("\n"))
            );
        }
        let written = self.confirmed_at.len() as u64;
        let wrong = self
            .seen
            .iter()
            .zip(1..)
            .find(|(seen, number)| *seen != number);
        match wrong {
            Some((seen, number)) => Err(Failure::new(format!(
                "{seen} was seen where {number} was due"
            ))),
            None if self.seen.len() as u64 != written => {
                let seen = self.seen.len();
                Err(Failure::new(format!(
                    "{written} were confirmed and {seen} seen"
                )))
            }
            None => Ok(()),
        }
    }

    /// The time without a confirmation that a server's end at `at` brought about: from the last one before it, or of its last
    /// words, to the first one after.
    #[must_use]
    pub fn gap_at(&self, at: Micros) -> Option<Micros> {
        self.gap_between(at, at + LAST_WORDS)
    }

    /// The longest time without a confirmation that ended after `since`: from the last one before it to the first one after.
    #[must_use]
    pub fn gap_after(&self, since: Micros) -> Option<Micros> {
        self.gap_between(since, Micros(u64::MAX))
    }

    /// When the first confirmation came after a moment.
    #[must_use]
    pub fn first_after(&self, since: Micros) -> Option<Micros> {
        let place = self.confirmed_at.partition_point(|at| *at <= since);
        self.confirmed_at.get(place).copied()
    }

    /// As [`gap_after`](Self::gap_after), of those that began before `until`.
    #[must_use]
    pub fn gap_between(&self, since: Micros, until: Micros) -> Option<Micros> {
        let pairs = self.confirmed_at.windows(2);
        let gaps = pairs
            .filter(|pair| pair[1] >= since && pair[0] < until)
            .map(|pair| pair[1].since(pair[0]));
        gaps.max()
    }
}

/// How long after its end a server's last words may still arrive.
const LAST_WORDS: Micros = Micros::from_millis(50);

struct Players {
    writer: HeadlessPlayer,
    watcher: HeadlessPlayer,
    story: Story,
    written: u64,
}

impl Players {
    fn play(
        mut self,
        interval: Duration,
        stop: &AtomicBool,
        confirmed: &AtomicU64,
    ) -> Outcome<Story> {
        let node = NodeId::spawned(self.writer.player(), 1);
        self.writer
            .propose(Mutation::Spawn(spawn(node, &self.writer)));
        let mut next = Instant::now();
        let mut deadline = None;
        loop {
            self.listen(node)?;
            confirmed.store(self.story.confirmed_at.len() as u64, Ordering::Relaxed);
            if stop.load(Ordering::Relaxed) {
                let deadline = *deadline.get_or_insert(Instant::now() + SETTLE_TIME_MAX);
                if self.is_settled() || Instant::now() > deadline {
                    return self.leave();
                }
            } else if Instant::now() >= next {
                next = (next + interval).max(Instant::now());
                self.write(node);
            }
            thread::sleep(POLL);
        }
    }

    fn write(&mut self, node: NodeId) {
        self.written += 1;
        let value = Value::Int(self.written.cast_signed());
        let properties = vec![(NUMBER, value)];
        self.writer
            .propose(Mutation::SetProperties { node, properties });
    }

    fn is_settled(&self) -> bool {
        let [confirmed, seen] = [self.story.confirmed_at.len(), self.story.seen.len()];
        confirmed as u64 == self.written && seen as u64 == self.written
    }

    fn listen(&mut self, node: NodeId) -> Outcome {
        while let Some(update) = self.writer.next_update() {
            match update {
                // The first is that the node is there.
                Update::CommitEnd(end) if end.own.is_some_and(|seq| seq.0 > 1) => {
                    self.story.confirmed_at.push(end.received_at);
                }
                other => self.story.take("writer", other)?,
            }
        }
        while let Some(update) = self.watcher.next_update() {
            match update {
                Update::PropertySet {
                    node: of,
                    value: Value::Int(number),
                    ..
                } if of == node => {
                    self.story.seen.push(number.cast_unsigned());
                }
                other => self.story.take("watcher", other)?,
            }
        }
        Ok(())
    }

    fn leave(self) -> Outcome<Story> {
        self.writer.leave()?;
        self.watcher.leave()?;
        Ok(self.story)
    }
}

impl Story {
    fn take(&mut self, who: &str, update: Update) -> Outcome {
        match update {
            Update::Ended(EndReason::Left) => {}
            Update::Ended(reason) => {
                return Err(Failure::new(format!("{who} was thrown out: {reason:?}")));
            }
            Update::Rejected { seq, reason } => self
                .errors
                .push(format!("{who}: {seq} rejected: {reason:?}")),
            Update::Settled { seq } => self
                .errors
                .push(format!("{who}: what became of {seq} is not known")),
            Update::LeaderChanged { .. } => self.leader_changes += 1,
            Update::Reconnecting { attempt: 1, .. } => self.returns += 1,
            Update::Joined(joined) if joined.resumed => {}
            Update::Joined(_) => self.errors.push(format!("{who}: had to join anew")),
            _ => {}
        }
        Ok(())
    }
}

fn config((game, version): (&str, &str), name: &str) -> SessionConfig {
    HeadlessPlayer::config(game, version, name)
}

/// A node that only its owner writes, and that goes with it.
#[must_use]
pub fn spawn(node: NodeId, owner: &HeadlessPlayer) -> Spawn {
    let number = PropertySpec {
        path: ".:number".to_owned(),
        lane: Lane::Confirmed,
        value: Value::Int(0),
    };
    spawn_own(node, owner.player(), "Steady", vec![number])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(confirmed: u64, seen: &[u64]) -> Story {
        Story {
            confirmed_at: (0..confirmed).map(|number| Micros(number * 4)).collect(),
            seen: seen.to_vec(),
            ..Story::default()
        }
    }

    #[test]
    fn numbers_that_are_missing_doubled_or_out_of_place_are_found() {
        assert!(story(3, &[1, 2, 3]).check().is_ok());
        for seen in [
            &[1, 2][..],
            &[1, 3],
            &[1, 1, 2, 3],
            &[1, 3, 2],
            &[1, 2, 3, 4],
        ] {
            assert!(story(3, seen).check().is_err(), "{seen:?}");
        }
    }

    #[test]
    fn the_gap_is_the_longest_that_ends_after_a_moment() {
        let mut story = story(0, &[]);
        story.confirmed_at = [0, 50, 54, 80, 84].map(Micros).to_vec();
        assert_eq!(story.gap_after(Micros(60)), Some(Micros(26)));
        assert_eq!(story.gap_after(Micros(90)), None);
        assert_eq!(story.first_after(Micros(50)), Some(Micros(54)));
        assert_eq!(story.first_after(Micros(84)), None);
        assert_eq!(story.gap_between(Micros(0), Micros(54)), Some(Micros(50)));
        assert_eq!(story.gap_between(Micros(51), Micros(54)), Some(Micros(4)));
    }

    #[test]
    fn the_gap_at_a_servers_end_is_not_a_later_one() {
        let mut story = story(0, &[]);
        story.confirmed_at = [0, 90, 100, 130, 200, 400]
            .map(Micros::from_millis)
            .to_vec();
        assert_eq!(
            story.gap_at(Micros::from_millis(95)),
            Some(Micros::from_millis(70))
        );
    }
}
