//! Players of one process who all write, and all see what the others write.

mod door;
mod member;
mod operation;
mod progress;
mod result;

use std::{
    thread,
    time::{Duration, Instant},
};

use synced_client::SessionConfig;
use synced_protocol::message::Game;
use synced_transport::ServerAddress;

pub use operation::{OPERATION_BYTES_MIN, Pace};
pub use progress::{Part, Progress};
pub use result::{Broken, ConfirmedStages, CrowdResult};

use crate::{BenchError, Outcome, Traffic, clock::MachineClock, cpu_s, resident_bytes, room};
use door::Door;
use member::Member;

/// How long it may take until a player sees one more player, while they gather.
const GATHER_STALL_MAX: Duration = Duration::from_secs(30);
/// How long what is on its way may take, and the other processes to come to their end.
const COOL_DOWN_MAX: Duration = Duration::from_secs(30);
/// How often it is told how far they are.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// In so many groups at most the players of a process have their frames, one after the other, evenly over the time of a frame.
const PHASES_MAX: usize = 8;

/// What players do, and for how long.
#[derive(Debug, Clone)]
pub struct Crowd {
    /// Where they join.
    pub server: ServerAddress,
    /// The game that is served there.
    pub game: Game,
    /// How many there are in this process.
    pub players: usize,
    /// How many there will be with those of other processes.
    pub expected: usize,
    /// What each of them writes.
    pub pace: Pace,
    /// Frames of the game, a second.
    pub frames_hz: f64,
    /// For how long they write before it counts.
    pub warm_up: Duration,
    /// For how long it counts.
    pub span: Duration,
}

impl Crowd {
    /// Joins, waits for all, plays, and leaves; `tell` is told now and then how far that is.
    ///
    /// # Errors
    /// When a player cannot join or is thrown out, too few come in time, or `tell` fails.
    pub fn run(&self, mut tell: impl FnMut(&Progress) -> Outcome) -> Outcome<CrowdResult> {
        let mut running = Running::new(self, &mut tell);
        running.gather()?;
        running.play(Part::WarmUp, self.warm_up)?;
        running.count()?;
        running.cool_down()?;
        running.leave()
    }

    fn session(&self, number: usize) -> SessionConfig {
        SessionConfig::new(self.game.clone(), format!("player {number}"))
    }
}

struct Running<'a> {
    crowd: &'a Crowd,
    clock: MachineClock,
    members: Vec<Member>,
    phases: usize,
    phase: usize,
    next: Instant,
    result: CrowdResult,
    tell: &'a mut dyn FnMut(&Progress) -> Outcome,
    tells_at: Instant,
}

impl<'a> Running<'a> {
    fn new(crowd: &'a Crowd, tell: &'a mut dyn FnMut(&Progress) -> Outcome) -> Self {
        Self {
            crowd,
            clock: MachineClock::read(),
            members: Vec::with_capacity(crowd.players),
            phases: crowd.players.clamp(1, PHASES_MAX),
            phase: 0,
            next: Instant::now(),
            result: CrowdResult::new(crowd.players, crowd.span),
            tell,
            tells_at: Instant::now(),
        }
    }

    /// All come in, and frames go on until everybody sees everybody.
    fn gather(&mut self) -> Outcome {
        self.result.resident_before_bytes = resident_bytes().unwrap_or_default();
        self.result.joined_from_us = self.clock.now().0;
        room::make(self.crowd.players)?;
        let mut door = Door::new(self.crowd)?;
        let (mut seen, mut deadline) = (0, Instant::now() + GATHER_STALL_MAX);
        while !self.is_together() {
            door.look(&mut self.members)?;
            self.frames(Part::Gather)?;
            let sees = self.members.iter().map(Member::sees).sum();
            if sees > seen {
                (seen, deadline) = (sees, Instant::now() + GATHER_STALL_MAX);
            }
            if Instant::now() > deadline {
                return Err(self.are_missing());
            }
        }
        self.result.rejoins += door.tried_again;
        self.result.joined_until_us = self.clock.now().0;
        Ok(())
    }

    fn is_together(&self) -> bool {
        let expected = self.crowd.expected;
        let all_are_in = self.members.len() == self.crowd.players;
        all_are_in && self.members.iter().all(|member| member.sees() >= expected)
    }

    fn are_missing(&self) -> BenchError {
        BenchError::new(format_args!(
            "{} of this process's {} players are in the session, one of them sees {} of {} players, and for {} s nobody saw one more",
            self.members.len(),
            self.crowd.players,
            self.sees_min().unwrap_or_default(),
            self.crowd.expected,
            GATHER_STALL_MAX.as_secs()
        ))
    }

    fn sees_min(&self) -> Option<usize> {
        self.members.iter().map(Member::sees).min()
    }

    fn play(&mut self, part: Part, span: Duration) -> Outcome {
        let end = Instant::now() + span;
        while Instant::now() < end {
            self.frames(part)?;
        }
        Ok(())
    }

    fn count(&mut self) -> Outcome {
        self.result.counted_from_us = self.clock.now().0;
        let (computed, carried) = (cpu_s().unwrap_or_default(), self.traffic());
        self.play(Part::Counted, self.crowd.span)?;
        self.result.cpu_s = cpu_s().unwrap_or_default() - computed;
        self.result.traffic = self.traffic() - carried;
        self.result.resident_end_bytes = resident_bytes().unwrap_or_default();
        Ok(())
    }

    /// Frames go on until everybody has seen all that anybody wrote.
    fn cool_down(&mut self) -> Outcome {
        self.members.iter_mut().for_each(Member::write_last);
        let deadline = Instant::now() + COOL_DOWN_MAX;
        while self.unseen() > 0 && Instant::now() < deadline {
            self.frames(Part::CoolDown)?;
        }
        self.result.broken.unseen = self.unseen();
        Ok(())
    }

    /// How many players' last operations are not seen by how many players, together.
    fn unseen(&self) -> u64 {
        let expected = self.crowd.expected;
        let missing = |member: &Member| expected.saturating_sub(member.sees_all_of()) as u64;
        self.members.iter().map(missing).sum()
    }

    /// The frames of one group of players, when they are due. Like a game that is too slow, whoever is late by more than a frame leaves
    /// frames out.
    fn frames(&mut self, part: Part) -> Outcome {
        let frame = Duration::from_secs_f64(1.0 / self.crowd.frames_hz);
        thread::sleep(self.next.saturating_duration_since(Instant::now()));
        let late = self.next.elapsed();
        if part == Part::Counted {
            self.result.frame_was_late(late);
        }
        if late > frame {
            self.next = Instant::now();
        }
        self.next += frame / self.phases as u32;
        let group = self
            .members
            .iter_mut()
            .skip(self.phase)
            .step_by(self.phases);
        for member in group {
            member.frame(self.clock, part, &mut self.result)?;
        }
        self.phase = (self.phase + 1) % self.phases;
        self.tell(part)
    }

    fn tell(&mut self, part: Part) -> Outcome {
        if Instant::now() < self.tells_at {
            return Ok(());
        }
        self.tells_at = Instant::now() + PROGRESS_INTERVAL;
        let progress = self.progress(part);
        (self.tell)(&progress)
    }

    fn progress(&self, part: Part) -> Progress {
        let result = &self.result;
        Progress {
            part,
            joined: self.members.len(),
            sees_min: self.sees_min(),
            confirmed_made: result.confirmed_made,
            confirmed_seen: result.confirmed.whole.count(),
            live_seen: result.live.count(),
            broken: result.broken,
            resident_bytes: resident_bytes().unwrap_or_default(),
        }
    }

    fn traffic(&self) -> Traffic {
        let mut all = Traffic::default();
        for member in &self.members {
            all += member.traffic();
        }
        all
    }

    fn leave(mut self) -> Outcome<CrowdResult> {
        self.members.iter_mut().for_each(Member::begin_leave);
        for member in self.members {
            member.leave(&mut self.result)?;
        }
        Ok(self.result)
    }
}
