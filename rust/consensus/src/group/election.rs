//! When this replica stands for election, and when it votes.
//!
//! The engine counts ticks, which begin anywhere and run late. Two things must be exact: how long a follower is loyal to a leader that
//! it has heard, since that leader's lease rests on it, and in which order followers stand, since that decides how long an election
//! takes. Both go by the clock here. The tick of a follower begins anew whenever it hears the leader, and the engine is ticked into an
//! election only when the loyalty is over.

use raft::StateRole;
use synced_protocol::{id::ReplicaId, time::Micros};

use super::{Group, Io, patience::Patience};
use crate::{config::Config, members};

/// The most ticks that are made up for after a stall, so that what waits to be read is read before anyone is taken for dead.
const CATCH_UP_TICKS_MAX: u64 = 2;

/// How often the wait for votes is doubled at most.
pub(super) const DOUBLINGS_MAX: u32 = 5;

/// What this replica knows of time.
#[derive(Debug)]
pub(super) struct Election {
    /// When the next tick is due.
    next_tick: Micros,
    /// Since when it is loyal: it began, or heard a leader.
    loyal_since: Micros,
    /// Whom it knew to lead last.
    last_leader: Option<ReplicaId>,
    /// How often it stood since it heard a leader.
    attempts: u32,
    /// How often it was told that it would be elected, and was not.
    defeats: u32,
    patience: Patience,
    /// When the heartbeat was sent that is being answered.
    answering: Micros,
}

impl Election {
    pub(super) const fn new(now: Micros) -> Self {
        Self {
            next_tick: now,
            loyal_since: now,
            last_leader: None,
            attempts: 0,
            defeats: 0,
            patience: Patience::new(now),
            answering: Micros::ZERO,
        }
    }

    pub(super) const fn next_tick(&self) -> Micros {
        self.next_tick
    }

    pub(super) const fn answer(&mut self, sent_at: Micros) {
        self.answering = sent_at;
    }

    pub(super) const fn answering(&self) -> Micros {
        self.answering
    }

    /// How many ticks to run now.
    fn due(&mut self, now: Micros, tick: Micros) -> u64 {
        if now < self.next_tick {
            return 0;
        }
        let due = now.since(self.next_tick).0 / tick.0 + 1;
        self.next_tick = self.next_tick + Micros(due * tick.0);
        due.min(CATCH_UP_TICKS_MAX)
    }
}

/// How long a follower that heard a leader elects no other, by its own clock. Half a tick less than the shortest time after which it
/// stands itself, since another may have heard the leader that much sooner.
pub(crate) const fn loyalty(config: &Config) -> Micros {
    just_before(config.election_ticks as u64, config.tick)
}

const fn just_before(ticks: u64, tick: Micros) -> Micros {
    Micros(tick.0 * ticks - tick.0 / 2)
}

impl Group {
    pub(crate) fn advance(&mut self, io: &mut Io<'_>) {
        for _ in 0..self.election.due(io.now, io.config.tick) {
            if self.failure.is_none() {
                self.tick(io);
            }
        }
    }

    pub(crate) const fn next_tick(&self) -> Micros {
        self.election.next_tick()
    }

    fn tick(&mut self, io: &mut Io<'_>) {
        if self.leads() {
            self.engine.tick();
            self.tick_leader(io);
        } else {
            self.tick_follower(io);
        }
        self.pump(io);
    }

    fn tick_leader(&mut self, io: &mut Io<'_>) {
        self.end_handover(io);
        self.lease.tick(&self.members, self.own);
        if self.lease.quorum_silence(&self.members, self.own) >= io.config.quorum_silence_ticks {
            self.step_down();
        }
        self.resend_snapshots(io);
        self.drive_members(io);
    }

    fn tick_follower(&mut self, io: &Io<'_>) {
        // An election takes as long as the disks of those who vote in it.
        if self.votes_unstored() {
            return;
        }
        let timeout = self.timeout(io);
        let raft = &mut self.engine.raft;
        raft.set_randomized_election_timeout(timeout);
        let stands = raft.promotable() && raft.election_elapsed + 1 >= timeout;
        if stands && !self.may_stand(io) {
            return;
        }
        self.election.defeats +=
            u32::from(stands && self.engine.raft.state == StateRole::Candidate);
        self.engine.tick();
        if stands && self.engine.raft.state != StateRole::Follower {
            self.election.attempts += 1;
            self.counters.elections_started += 1;
        }
    }

    /// An election that is won at once would find entries that are not stored yet, which the engine does not expect.
    fn may_stand(&self, io: &Io<'_>) -> bool {
        !self.is_loyal(io)
            && (self.unstored.is_empty() || members::deciders(&self.members).len() > 1)
    }

    fn is_loyal(&self, io: &Io<'_>) -> bool {
        io.now < self.election.loyal_since + loyalty(io.config)
    }

    /// Whether to leave a vote request unheard: somebody leads, or this replica may have promised so before it was restarted. Before
    /// anyone is voted for, in a pre-vote, those who would not stand yet themselves say nothing either.
    pub(super) fn withholds_vote(&self, io: &Io<'_>, pre: bool) -> bool {
        self.is_loyal(io)
            || (pre && io.now < self.election.loyal_since + self.patience(io))
            || (self.leads() && self.handover.is_none())
    }

    /// As [`loyalty`], where living leaders were silent for longer.
    fn patience(&self, io: &Io<'_>) -> Micros {
        let ticks = self
            .election
            .patience
            .ticks(io.now, io.config.election_ticks as usize);
        just_before(ticks as u64, io.config.tick)
    }

    /// Ticks without a word from a leader after which this replica stands. Each has its own place in line, by the number of its
    /// server. The first time, whoever led last stands behind the others, and all wait for as long as leaders were silent lately who lived.
    /// Elections that end without a winner take longer each time: the votes may come more slowly than they were waited for.
    fn timeout(&self, io: &Io<'_>) -> usize {
        let config = io.config;
        let longer = (1 << self.election.defeats.min(DOUBLINGS_MAX)) * config.election_ticks;
        let patient = if self.election.attempts == 0 {
            self.election.patience.ticks(io.now, longer as usize)
        } else {
            longer as usize
        };
        patient + config.stagger_ticks as usize * self.place_in_line()
    }

    fn place_in_line(&self) -> usize {
        let voters = members::deciders(&self.members);
        let before = voters.iter().filter(|voter| **voter < self.own).count();
        match self
            .election
            .last_leader
            .filter(|leader| voters.contains(leader))
        {
            Some(leader) if self.election.attempts == 0 => {
                if leader == self.own {
                    voters.len() - 1
                } else {
                    before - usize::from(leader < self.own)
                }
            }
            _ => before,
        }
    }

    /// Notes that a leader of this term was heard just now, in whatever it said.
    pub(super) fn hear_leader(&mut self, io: &Io<'_>, leader: ReplicaId) {
        // A silence in which it stood for election is no lateness: somebody was cut off.
        if self.election.last_leader == Some(leader) && self.election.attempts == 0 {
            let silence = io.now.since(self.election.loyal_since);
            let patience = &mut self.election.patience;
            patience.outlast(io.now, silence, io.config.tick);
        }
        self.engine.raft.election_elapsed = 0;
        self.election.loyal_since = io.now;
        self.election.last_leader = Some(leader);
        self.election.attempts = 0;
        self.election.defeats = 0;
        self.election.next_tick = io.now + io.config.tick;
    }

    /// Notes that this replica leads.
    pub(super) const fn begin_leading(&mut self) {
        self.election.last_leader = Some(self.own);
        self.election.attempts = 0;
        self.election.defeats = 0;
    }

    /// Ceases to lead without a word; the others will notice.
    pub(super) fn step_down(&mut self) {
        let term = self.term();
        self.engine.raft.become_follower(term, raft::INVALID_ID);
    }
}
