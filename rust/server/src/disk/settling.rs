//! Settles a store from time to time.

use std::{
    io,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

use synced_storage::Keeper;

use super::Ended;

/// The thread that does so, until it is stopped or an attempt fails.
#[derive(Debug)]
pub(super) struct Settling {
    /// Nothing is sent; that it is gone ends the thread.
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Settling {
    /// Reports only if it fails.
    pub(super) fn start(
        keeper: Keeper,
        interval: Duration,
        report: impl Fn(Ended) + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = keeper.settle() {
                    report(Err(error.to_string()));
                    return;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("settle".to_owned())
            .spawn(run)?;
        Ok(Self { stop, thread })
    }

    /// Waits until what is being settled is.
    pub(super) fn stop(self) {
        drop(self.stop);
        // It has no way to panic; were there one, closing the store would say what is wrong.
        let _ = self.thread.join();
    }
}
