//! What players ask of shared properties and are told, as a history.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use synced_client::update::Update;
use synced_protocol::{
    id::{ClientSeq, NodeId, PropertyId},
    mutation::{Guard, Mutation, Rejection, Transaction},
    value::Value,
};

use super::{Answer, Ask, Call};
use crate::{Failure, Outcome, headless::HeadlessPlayer};

/// The property that is written.
const PROPERTY: PropertyId = PropertyId(0);
/// How often a player proposes.
const PROPOSE_INTERVAL: Duration = Duration::from_millis(4);
/// How often a player looks for answers.
const POLL: Duration = Duration::from_micros(500);
/// How long a player waits for the last answers.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);

/// The history of each property, by the node that has it.
pub type Histories = BTreeMap<NodeId, Vec<Call<Ask, Answer>>>;

/// A player who writes in a thread of its own until told to stop.
pub struct Recorder {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Outcome<Histories>>,
}

impl Recorder {
    /// Lets a player write to nodes of which the versions are known so far. Times count from `origin`. What it does follows from
    /// the seed.
    #[must_use]
    pub fn start(
        player: HeadlessPlayer,
        versions: BTreeMap<NodeId, u64>,
        origin: Instant,
        seed: u64,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let mut writer = Writer {
            player,
            histories: versions.keys().map(|node| (*node, Vec::new())).collect(),
            versions,
            out: BTreeMap::new(),
            origin,
            random: seed | 1,
        };
        let thread = thread::spawn(move || {
            writer.write_until(&asked)?;
            writer.leave()
        });
        Self { stop, thread }
    }

    /// Waits for the last answers and gives the history.
    ///
    /// # Errors
    /// When the player's session has ended before.
    pub fn end(self) -> Outcome<Histories> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.unwrap_or_else(|_| Err(Failure::new("a player's thread panicked")))
    }
}

struct Writer {
    player: HeadlessPlayer,
    versions: BTreeMap<NodeId, u64>,
    histories: Histories,
    /// Where the call of each proposal that is out stands.
    out: BTreeMap<ClientSeq, (NodeId, usize)>,
    origin: Instant,
    random: u64,
}

impl Writer {
    fn write_until(&mut self, stop: &AtomicBool) -> Outcome {
        let mut next = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            if Instant::now() >= next {
                self.propose();
                next += PROPOSE_INTERVAL;
            }
            self.listen()?;
            thread::sleep(POLL);
        }
        let deadline = Instant::now() + ANSWER_TIME_MAX;
        while !self.out.is_empty() && Instant::now() < deadline {
            self.listen()?;
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn leave(self) -> Outcome<Histories> {
        self.player.leave()?;
        Ok(self.histories)
    }

    fn propose(&mut self) {
        let place = self.next_random() as usize % self.versions.len();
        let Some((&node, &version)) = self.versions.iter().nth(place) else {
            return;
        };
        let ask = match self.next_random() % 4 {
            0 => Ask::Write,
            _ => Ask::WriteIf(version),
        };
        let mut transaction = Transaction::from(Mutation::SetProperties {
            node,
            properties: vec![(PROPERTY, Value::Int(self.random.cast_signed()))],
        });
        if let Ask::WriteIf(version) = ask {
            transaction.guards.push(Guard::VersionIs {
                node,
                property: PROPERTY,
                version: synced_protocol::id::LogIndex(version),
            });
        }
        let called_at = self.now();
        let seq = self.player.propose(transaction);
        let calls = self.histories.entry(node).or_default();
        self.out.insert(seq, (node, calls.len()));
        calls.push(Call {
            called_at,
            ask,
            answer: None,
        });
    }

    fn listen(&mut self) -> Outcome {
        while let Some(update) = self.player.next_update() {
            match update {
                Update::PropertySet { node, version, .. } => {
                    self.versions.insert(node, version.0);
                }
                Update::CommitEnd(end) => {
                    if let Some(seq) = end.own {
                        self.answered(seq, Answer::Written(end.log_index.0));
                    }
                }
                Update::Rejected { seq, reason } => self.rejected(seq, reason)?,
                // Nobody knows what came of it.
                Update::Settled { seq } => drop(self.out.remove(&seq)),
                Update::Ended(reason) => {
                    return Err(Failure::new(format!("a session ended: {reason:?}")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn rejected(&mut self, seq: ClientSeq, reason: Rejection) -> Outcome {
        match reason {
            Rejection::GuardFailed(_) => self.answered(seq, Answer::Refused),
            other => return Err(Failure::new(format!("a write was rejected: {other}"))),
        }
        Ok(())
    }

    fn answered(&mut self, seq: ClientSeq, answer: Answer) {
        let at = self.now();
        if let Some((node, place)) = self.out.remove(&seq)
            && let Some(call) = self
                .histories
                .get_mut(&node)
                .and_then(|all| all.get_mut(place))
        {
            call.answer = Some((at, answer));
        }
    }

    fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}
