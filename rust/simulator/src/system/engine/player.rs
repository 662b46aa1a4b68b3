//! A player of the engine: appends one thing after another, and sends again what it does not know to be appended.

use std::collections::VecDeque;

use synced_protocol::{
    id::LogIndex,
    link::{CloseCode, ConnectionId, Event, Logic, Output, Target},
    time::Micros,
};

use super::words::{Ask, Tell};
use crate::{
    plant::Plant,
    random::Random,
    system::{Heard, Op, Player, PlayerBoot},
};

/// The most that is under way.
const PENDING_MAX: usize = 8;
/// How long to wait before another try.
const RETRY: Micros = Micros::from_millis(10);
/// How long a server may take to answer a hello.
const GREETING_MAX: Micros = Micros::from_millis(500);

/// One player.
#[derive(Debug)]
pub struct EnginePlayer {
    number: u64,
    plant: Option<Plant>,
    phase: Phase,
    connections: u64,
    last_seq: u64,
    pending: VecDeque<(u64, Op)>,
    outputs: VecDeque<Output>,
    heard: VecDeque<Heard>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting { until: Micros },
    Connecting,
    Greeting { until: Micros },
    Up,
    Ended,
}

impl EnginePlayer {
    /// A player who connects as soon as it is driven.
    #[must_use]
    pub fn new(boot: PlayerBoot, plant: Option<Plant>) -> Self {
        Self {
            number: boot.number,
            plant,
            phase: Phase::Waiting {
                until: Micros::ZERO,
            },
            connections: 0,
            last_seq: 0,
            pending: VecDeque::new(),
            outputs: VecDeque::new(),
            heard: VecDeque::new(),
        }
    }

    const fn connection(&self) -> ConnectionId {
        ConnectionId(self.connections)
    }

    fn connect(&mut self) {
        self.connections += 1;
        self.phase = Phase::Connecting;
        self.outputs.push_back(Output::Connect {
            connection: self.connection(),
            to: Target::Configured,
        });
    }

    fn ask(&mut self, ask: Ask) {
        self.outputs.push_back(Output::Frame {
            connection: self.connection(),
            bytes: ask.encode(),
        });
    }

    fn give_up(&mut self, now: Micros) {
        self.outputs.push_back(Output::Close {
            connection: self.connection(),
            code: CloseCode::Done,
        });
        self.phase = Phase::Waiting { until: now + RETRY };
    }

    fn hear(&mut self, tell: Tell) {
        match tell {
            Tell::Welcome { index, last_seq } => self.welcomed(LogIndex(index), last_seq),
            Tell::Appended { index, seq } => self.appended(LogIndex(index), seq),
            Tell::Elsewhere => {}
        }
    }

    fn welcomed(&mut self, index: LogIndex, last_seq: u64) {
        self.phase = Phase::Up;
        self.heard.push_back(Heard::Joined { index });
        if self.plant == Some(Plant::DoubleApply) {
            self.number_anew();
        }
        while let Some((_, op)) = self.pending.pop_front_if(|(seq, _)| *seq <= last_seq) {
            self.heard.push_back(Heard::Settled(op));
        }
        for (seq, op) in self.pending.clone() {
            self.ask(Ask::Append { seq, op: op.0 });
        }
    }

    fn number_anew(&mut self) {
        for (seq, _) in &mut self.pending {
            self.last_seq += 1;
            *seq = self.last_seq;
        }
    }

    fn appended(&mut self, index: LogIndex, seq: u64) {
        let Some((_, op)) = self.pending.pop_front_if(|(first, _)| *first == seq) else {
            return;
        };
        self.heard.push_back(Heard::Confirmed {
            index,
            own: Some(op),
            stamp: None,
        });
    }
}

impl Logic for EnginePlayer {
    fn handle(&mut self, now: Micros, event: Event) {
        let current = self.connection();
        match event {
            Event::Connected { connection, .. } if connection == current => {
                self.phase = Phase::Greeting {
                    until: now + GREETING_MAX,
                };
                let player = self.number;
                self.ask(Ask::Hello { player });
            }
            Event::Frame { connection, bytes } if connection == current => {
                if let Some(tell) = Tell::decode(&bytes) {
                    self.hear(tell);
                }
            }
            Event::Closed { connection, .. }
                if connection == current && self.phase != Phase::Ended =>
            {
                self.phase = Phase::Waiting { until: now + RETRY };
            }
            _ => {}
        }
        match self.phase {
            Phase::Waiting { until } if until <= now => self.connect(),
            Phase::Greeting { until } if until <= now => self.give_up(now),
            _ => {}
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        match self.phase {
            Phase::Waiting { until } | Phase::Greeting { until } => Some(until),
            Phase::Connecting | Phase::Up | Phase::Ended => None,
        }
    }

    fn is_finished(&self) -> bool {
        self.phase == Phase::Ended
    }
}

impl Player for EnginePlayer {
    fn act(&mut self, _now: Micros, op: Op, _random: &mut Random) -> bool {
        if self.phase == Phase::Ended || self.pending.len() >= PENDING_MAX {
            return false;
        }
        self.last_seq += 1;
        let seq = self.last_seq;
        self.pending.push_back((seq, op));
        if self.phase == Phase::Up {
            self.ask(Ask::Append { seq, op: op.0 });
        }
        true
    }

    fn leave(&mut self, _now: Micros) {
        if !matches!(self.phase, Phase::Waiting { .. } | Phase::Ended) {
            self.outputs.push_back(Output::Close {
                connection: self.connection(),
                code: CloseCode::Done,
            });
        }
        self.phase = Phase::Ended;
    }

    fn poll_heard(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    fn view(&self) -> Option<(LogIndex, u64)> {
        None
    }

    fn session_time(&self, _now: Micros) -> Option<Micros> {
        None
    }

    fn pending(&self) -> usize {
        self.pending.len()
    }
}
