//! Players of one process who all write, and all see what the others write.

mod member;
mod operation;
mod result;

use std::{
    thread,
    time::{Duration, Instant},
};

use synced_client::SessionConfig;
use synced_protocol::message::Game;
use synced_transport::{ClientThread, ServerAddress};

pub use operation::{OPERATION_BYTES_MIN, Pace};
pub use result::{ConfirmedStages, CrowdResult};

use crate::{BenchError, Outcome, clock::MachineClock, cpu_s};
use member::Member;

/// How long all players of all processes may take to be there.
const GATHER_TIME_MAX: Duration = Duration::from_secs(120);
/// How long what is on its way may take, and the other processes to come to their end.
const COOL_DOWN: Duration = Duration::from_secs(3);
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

/// What a frame of a part of the time is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Gather,
    WarmUp,
    Counted,
    CoolDown,
}

impl Crowd {
    /// Joins, waits for all, plays, and leaves.
    ///
    /// # Errors
    /// When a player cannot join or is thrown out, or too few come in time.
    pub fn run(&self) -> Outcome<CrowdResult> {
        let mut running = Running::join(self)?;
        running.gather()?;
        running.play(Part::WarmUp, self.warm_up)?;
        running.result.counted_from_us = running.clock.now().0;
        let computed = cpu_s().unwrap_or_default();
        running.play(Part::Counted, self.span)?;
        running.result.cpu_s = cpu_s().unwrap_or_default() - computed;
        running.play(Part::CoolDown, COOL_DOWN)?;
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
}

impl<'a> Running<'a> {
    fn join(crowd: &'a Crowd) -> Outcome<Self> {
        let clock = MachineClock::read();
        let thread = ClientThread::start().map_err(BenchError::new)?;
        let mut members = Vec::new();
        for number in 0..crowd.players {
            // They do not all write in one frame.
            let share = number as f64 / crowd.players as f64;
            let session = crowd.session(number);
            members.push(Member::join(
                &thread,
                &crowd.server,
                session,
                crowd.pace,
                share,
            )?);
        }
        Ok(Self {
            phases: members.len().clamp(1, PHASES_MAX),
            crowd,
            clock,
            members,
            phase: 0,
            next: Instant::now(),
            result: CrowdResult::new(crowd.players, crowd.span),
        })
    }

    /// Frames go on until everybody sees everybody.
    fn gather(&mut self) -> Outcome {
        let deadline = Instant::now() + GATHER_TIME_MAX;
        while self
            .members
            .iter()
            .any(|member| member.sees() < self.crowd.expected)
        {
            if Instant::now() > deadline {
                let least = self.members.iter().map(Member::sees).min();
                return Err(BenchError::new(format_args!(
                    "one player sees {} of {} players after {} s",
                    least.unwrap_or_default(),
                    self.crowd.expected,
                    GATHER_TIME_MAX.as_secs()
                )));
            }
            self.frames(Part::Gather)?;
        }
        Ok(())
    }

    fn play(&mut self, part: Part, span: Duration) -> Outcome {
        let end = Instant::now() + span;
        while Instant::now() < end {
            self.frames(part)?;
        }
        Ok(())
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
        Ok(())
    }

    fn leave(mut self) -> Outcome<CrowdResult> {
        for member in self.members {
            member.leave(&mut self.result)?;
        }
        Ok(self.result)
    }
}
