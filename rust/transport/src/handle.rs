//! A driver in another thread.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use synced_protocol::link::Logic;
use tokio::{
    runtime::{Builder, Runtime},
    task,
};

use crate::{
    clients::ClientThread,
    driver::Driver,
    error::TransportError,
    side::Side,
    signals::{StopSignal, Waker},
    stats::TransportStats,
};

/// The owner's end of a driver that runs in another thread. Dropping it asks the driver to stop and does not wait.
#[derive(Debug)]
pub struct Handle<L> {
    stop: StopSignal,
    stats: Arc<TransportStats>,
    runner: Option<Runner<L>>,
}

/// What runs a driver.
#[derive(Debug)]
pub(crate) enum Runner<L> {
    /// A thread of its own.
    Thread(JoinHandle<L>),
    /// A task in a thread that it shares.
    Task(task::JoinHandle<L>, ClientThread),
}

impl<L> Handle<L> {
    pub(crate) const fn new(
        stop: StopSignal,
        stats: Arc<TransportStats>,
        runner: Runner<L>,
    ) -> Self {
        Self {
            stop,
            stats,
            runner: Some(runner),
        }
    }

    /// Asks for an orderly end and returns at once.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// Whether the driver has ended, so that [`join`](Self::join) would not wait.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match &self.runner {
            None => true,
            Some(Runner::Thread(thread)) => thread.is_finished(),
            Some(Runner::Task(task, _)) => task.is_finished(),
        }
    }

    /// What the endpoint counts.
    #[must_use]
    pub fn stats(&self) -> Arc<TransportStats> {
        self.stats.clone()
    }

    /// Asks for an orderly end, waits for it, and gives the logic back. Takes at most
    /// [`CLOSE_FLUSH_TIME_MAX`](crate::limits::CLOSE_FLUSH_TIME_MAX) and a few times
    /// [`DRAIN_TIME_MAX`](crate::limits::DRAIN_TIME_MAX).
    ///
    /// # Errors
    /// [`TransportError::Panicked`] when the driver did.
    pub fn join(mut self) -> Result<L, TransportError> {
        self.stop.stop();
        let logic = match self.runner.take() {
            None => None,
            Some(Runner::Thread(thread)) => thread.join().ok(),
            Some(Runner::Task(task, thread)) => thread.runtime().block_on(task).ok(),
        };
        logic.ok_or(TransportError::Panicked)
    }
}

impl<L> Drop for Handle<L> {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// A runtime for one endpoint: one thread, so that a packet never waits for another core to wake up.
pub(crate) fn runtime() -> Result<Runtime, TransportError> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| TransportError::system("a runtime", error))
}

/// Runs `driver`, which was made within `runtime`, in a thread of the given name.
pub(crate) fn spawn<L, S>(
    name: &str,
    runtime: Runtime,
    driver: Driver<L, S>,
    waker: Waker,
) -> Result<Handle<L>, TransportError>
where
    L: Logic + Send + 'static,
    S: Side<L> + Send + 'static,
{
    let stop = StopSignal::new();
    let stats = driver.stats();
    let body = {
        let stop = stop.clone();
        move || {
            let logic = runtime.block_on(driver.run(waker, stop));
            // A name lookup may still hang in the system; nobody needs its answer.
            runtime.shutdown_background();
            logic
        }
    };
    let thread = thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| TransportError::system("a thread", error))?;
    Ok(Handle::new(stop, stats, Runner::Thread(thread)))
}
