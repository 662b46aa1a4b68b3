//! A node under watch: what it counts, told once a second, and how long its turns take.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use synced_node::{Node, NodeStats};
use synced_protocol::{
    link::{Event, Logic, Output},
    stage::{Stage, Summary},
    time::Micros,
};
use synced_transport::clock;

/// How often the board is brought up to date.
const POST_INTERVAL: Micros = Micros::from_secs(1);

/// What is known of a node from outside of its thread.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Report {
    /// From the arrival of the first frame or datagram of a turn until all that it brought about was handed to QUIC.
    pub(crate) leader: Summary,
    pub(crate) node: NodeStats,
}

/// Where the newest report hangs.
#[derive(Debug, Default, Clone)]
pub(crate) struct Board(Arc<Mutex<Report>>);

impl Board {
    pub(crate) fn read(&self) -> Report {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn post(&self, report: Report) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }
}

/// A node that posts its reports.
#[derive(Debug)]
pub(crate) struct Watched {
    node: Node,
    board: Board,
    posts_at: Micros,
    leader: Stage,
    turn: Option<Turn>,
}

/// What happened since there was last nothing to do.
#[derive(Debug)]
struct Turn {
    began_at: Micros,
    has_output: bool,
}

impl Watched {
    pub(crate) fn new(node: Node, board: Board) -> Self {
        Self {
            node,
            board,
            posts_at: Micros::ZERO,
            leader: Stage::default(),
            turn: None,
        }
    }

    pub(crate) fn report(&self) -> Report {
        Report {
            leader: self.leader.summary(),
            node: self.node.stats(),
        }
    }

    fn end_turn(&mut self) {
        if let Some(turn) = self.turn.take().filter(|turn| turn.has_output) {
            self.leader.record(clock::now().since(turn.began_at));
        }
    }
}

impl Logic for Watched {
    fn handle(&mut self, now: Micros, event: Event) {
        if matches!(event, Event::Frame { .. } | Event::Datagram { .. }) {
            self.turn.get_or_insert(Turn {
                began_at: now,
                has_output: false,
            });
        }
        self.node.handle(now, event);
        if now >= self.posts_at {
            self.posts_at = now + POST_INTERVAL;
            self.board.post(self.report());
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        let output = self.node.poll_output();
        match (&output, &mut self.turn) {
            (Some(_), Some(turn)) => turn.has_output = true,
            (None, Some(_)) => self.end_turn(),
            (_, None) => {}
        }
        output
    }

    fn poll_deadline(&self) -> Option<Micros> {
        let posts_at = Some(self.posts_at);
        self.node.poll_deadline().min(posts_at).or(posts_at)
    }

    fn is_finished(&self) -> bool {
        self.node.is_finished()
    }
}
