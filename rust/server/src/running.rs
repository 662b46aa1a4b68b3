//! A server that runs in its own thread, looked after from this one.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use synced_transport::{Fingerprint, Handle, ServerAddress, TransportStats, Waker};
use tokio::{runtime::Runtime, time};

use crate::{
    exit::Failure,
    leaderless::Leaderless,
    output,
    serve::of_transport,
    stats_file::StatsFile,
    stops::Stops,
    watch::{Board, Report, Stopping, Watched},
};

/// How often statistics are written, and the network thread is looked after.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long the node may take to end what it does once it was asked to stop; a leader lets another take over.
const STOP_TIME_MAX: Duration = Duration::from_secs(2);
const STOP_LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// A running server.
pub(crate) struct Running<L> {
    pub(crate) handle: Handle<Watched<L>>,
    pub(crate) board: Board,
    pub(crate) waker: Waker,
    pub(crate) meters: Meters,
    pub(crate) stats_file: Option<StatsFile>,
}

/// What its ports count.
pub(crate) struct Meters {
    pub(crate) players: Arc<TransportStats>,
    /// In a cluster, the port for the other servers.
    pub(crate) peers: Option<Arc<TransportStats>>,
}

impl Meters {
    pub(crate) fn write(&self, file: Option<&StatsFile>, report: &Report) -> Result<(), Failure> {
        let peers = self.peers.as_ref().map(|peers| peers.counters());
        file.map_or(Ok(()), |file| {
            file.write(report, self.players.counters(), peers)
        })
    }
}

impl<L: Stopping> Running<L> {
    /// Tells scripts where it listens and what players connect to.
    ///
    /// # Errors
    /// When nobody can be told.
    pub(crate) fn say_where(
        &self,
        local: SocketAddr,
        fingerprint: Fingerprint,
        invitation: &ServerAddress,
    ) -> Result<(), Failure> {
        output::say(&format!(
            "listening on {local} fingerprint sha256={fingerprint}\ninvite {invitation}\n"
        ))
    }

    /// Goes on until it is to stop, or its thread ends by itself; then stops it in an orderly way.
    ///
    /// # Errors
    /// When the thread panicked, or the last statistics cannot be written.
    pub(crate) fn until_stopped(self, runtime: &Runtime, stops: Stops) -> Result<(), Failure> {
        runtime.block_on(async {
            self.look_after(stops).await;
            self.board.ask_to_stop();
            self.waker.wake();
            let finished = async {
                while !self.handle.is_finished() {
                    time::sleep(STOP_LOOK_INTERVAL).await;
                }
            };
            if time::timeout(STOP_TIME_MAX, finished).await.is_err() {
                tracing::warn!("the server did not come to an orderly end in time, and is ended");
            }
        });
        let watched = self.handle.join().map_err(of_transport)?;
        self.meters
            .write(self.stats_file.as_ref(), &watched.report())?;
        tracing::info!("stopped");
        Ok(())
    }

    async fn look_after(&self, mut stops: Stops) {
        let mut looks = time::interval(LOOK_INTERVAL);
        let mut leaderless = Leaderless::default();
        while !self.handle.is_finished() {
            tokio::select! {
                why = stops.next() => {
                    tracing::info!("{why}: stopping");
                    return;
                }
                _ = looks.tick() => {}
            }
            let report = self.board.read();
            let standing = report.node.cluster.as_ref();
            if let Some(advice) = standing.and_then(|standing| leaderless.look(standing)) {
                tracing::warn!("{advice}");
            }
            let written = self.meters.write(self.stats_file.as_ref(), &report);
            if let Err(failure) = written {
                tracing::warn!("{failure}");
            }
        }
    }
}
