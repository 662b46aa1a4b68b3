//! A node under watch: what it counts, told once a second, how long its turns take, and how it is asked to stop.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use synced_node::{ClusterLog, Log, Node, NodeStats};
use synced_protocol::{
    link::{Event, Logic, Output},
    peer::{PeerEvent, PeerLogic, PeerOutput},
    stage::{Stage, Summary},
    time::Micros,
};
use synced_transport::clock;

/// How often the board is brought up to date, and the system's clock looked at.
const POST_INTERVAL: Micros = Micros::from_secs(1);
/// Two clocks are read together if that takes no longer.
const READING_MAX: Micros = Micros::from_millis(1);

/// What is known of a node from outside of its thread.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Report {
    /// From the arrival of the first frame or datagram of a turn until all that it brought about was handed to QUIC.
    pub(crate) leader: Summary,
    pub(crate) node: NodeStats,
}

/// Where the newest report hangs, and where a wish to stop is left.
#[derive(Debug, Default, Clone)]
pub(crate) struct Board {
    report: Arc<Mutex<Report>>,
    has_to_stop: Arc<AtomicBool>,
}

impl Board {
    pub(crate) fn read(&self) -> Report {
        self.report
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks the node for an orderly stop; it must be woken to see it.
    pub(crate) fn ask_to_stop(&self) {
        self.has_to_stop.store(true, Ordering::Release);
    }

    fn post(&self, report: Report) {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }
}

/// A node that posts its reports.
#[derive(Debug)]
pub(crate) struct Watched<L> {
    node: Node<L>,
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

/// A log whose node can be stopped in an orderly way.
pub(crate) trait Stopping: Log {
    /// The node finishes as soon as it may.
    fn begin_stop(node: &mut Node<Self>, now: Micros);

    /// The system's clock shows this at a local time.
    fn notice_wall_clock(_node: &mut Node<Self>, _now: Micros, _wall: Micros) {}
}

impl Stopping for synced_node::SoloLog {
    fn begin_stop(node: &mut Node<Self>, _now: Micros) {
        node.stop();
    }
}

/// A leader hands over first.
impl Stopping for ClusterLog {
    fn begin_stop(node: &mut Node<Self>, now: Micros) {
        node.begin_stop(now);
    }

    fn notice_wall_clock(node: &mut Node<Self>, now: Micros, wall: Micros) {
        node.notice_wall_clock(now, wall);
    }
}

impl<L: Stopping> Watched<L> {
    pub(crate) fn new(node: Node<L>, board: Board) -> Self {
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

    /// Looks whether the system's clock was set. Where the process stood still in between, the next look tells.
    fn look_at_the_clock(&mut self) {
        let (now, wall) = (clock::now(), clock::unix_now());
        if clock::now().since(now) <= READING_MAX {
            L::notice_wall_clock(&mut self.node, now, wall);
        }
    }

    fn begin_turn(&mut self, now: Micros) {
        self.turn.get_or_insert(Turn {
            began_at: now,
            has_output: false,
        });
    }

    fn end_turn(&mut self) {
        if let Some(turn) = self.turn.take().filter(|turn| turn.has_output) {
            self.leader.record(clock::now().since(turn.began_at));
        }
    }
}

impl<L: Stopping> Logic for Watched<L> {
    fn handle(&mut self, now: Micros, event: Event) {
        if matches!(event, Event::Frame { .. } | Event::Datagram { .. }) {
            self.begin_turn(now);
        }
        self.node.handle(now, event);
        if self.board.has_to_stop.swap(false, Ordering::Acquire) {
            L::begin_stop(&mut self.node, now);
        }
        if now >= self.posts_at {
            self.posts_at = now + POST_INTERVAL;
            self.look_at_the_clock();
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

impl PeerLogic for Watched<ClusterLog> {
    fn handle_peer(&mut self, now: Micros, event: PeerEvent) {
        if let PeerEvent::StoreFailed { reason } = &event {
            tracing::error!(
                "{reason}: this server takes no part any more; make room or mend the disk, then start it again"
            );
        }
        self.node.handle_peer(now, event);
    }

    fn poll_peer_output(&mut self) -> Option<PeerOutput> {
        self.node.poll_peer_output()
    }
}
