//! The loop that owns a logic and drives it.

use std::sync::Arc;

use synced_protocol::{
    link::{Event, Logic},
    time::Micros,
};
use tokio::task;

use crate::{
    clock,
    error::TransportError,
    limits,
    players::Players,
    side::Side,
    signals::{StopSignal, Waker},
    stats::TransportStats,
    timer::Timer,
};

/// Drives one logic over the connections of its endpoints, all in one task.
#[derive(Debug)]
pub(crate) struct Driver<L, P> {
    logic: L,
    players: Players,
    /// The other servers of the cluster, with the disk.
    peers: P,
    timer: Timer,
    last_wake: Option<Micros>,
}

impl<L: Logic + Send, P: Side<L>> Driver<L, P> {
    /// Must be called within a runtime.
    pub(crate) fn new(logic: L, players: Players, peers: P) -> Result<Self, TransportError> {
        Ok(Self {
            logic,
            players,
            peers,
            timer: Timer::new()?,
            last_wake: None,
        })
    }

    /// What the players' endpoint counts.
    pub(crate) fn stats(&self) -> Arc<TransportStats> {
        self.players.stats()
    }

    /// Runs until the logic is finished or a stop is asked for, then closes every connection in an orderly way.
    pub(crate) async fn run(mut self, waker: Waker, stop: StopSignal) -> L {
        self.perform_outputs().await;
        while !self.logic.is_finished() && self.turn(&waker, &stop).await {
            self.perform_outputs().await;
        }
        self.wind_down().await;
        self.logic
    }

    /// Waits for something to happen and tells the logic all that has; false when a stop is asked for.
    async fn turn(&mut self, waker: &Waker, stop: &StopSignal) -> bool {
        let (deadline, mut rung) = (self.deadline(), false);
        tokio::select! {
            biased;
            () = stop.stopped() => return false,
            () = waker.woken() => rung = true,
            happening = self.peers.happened() => self.peers.tell(&mut self.logic, happening),
            happening = <Players as Side<L>>::happened(&mut self.players) => {
                self.players.tell(&mut self.logic, happening);
            }
            // What has come by now goes before the deadline: after a stall the logic must not judge by the clock alone.
            () = self.timer.until(deadline) => task::yield_now().await,
        }
        self.peers.catch_up(&mut self.logic);
        self.players.catch_up(&mut self.logic);
        if rung || self.deadline() <= clock::now() {
            self.wake();
        }
        true
    }

    fn deadline(&self) -> Micros {
        let wanted = self.logic.poll_deadline().unwrap_or(Micros(u64::MAX));
        let allowed = self.last_wake.map(|last| last + limits::WAKE_INTERVAL_MIN);
        allowed.map_or(wanted, |allowed| wanted.max(allowed))
    }

    fn wake(&mut self) {
        let now = clock::now();
        self.last_wake = Some(now);
        self.logic.handle(now, Event::Woken);
    }

    /// What is for peers goes first: players wait for it. What one side does may make the logic ask for more of the other.
    async fn perform_outputs(&mut self) {
        loop {
            let for_peers = self.peers.perform_outputs(&mut self.logic);
            let for_players = self.players.perform_outputs(&mut self.logic);
            match for_peers.max(for_players) {
                0 => return,
                limits::OUTPUTS_MAX.. => task::yield_now().await,
                _ => {}
            }
        }
    }

    async fn wind_down(&mut self) {
        self.peers.begin_end(&mut self.logic);
        self.players.begin_end(&mut self.logic);
        self.players.end(&mut self.logic).await;
        self.peers.end(&mut self.logic).await;
    }
}
