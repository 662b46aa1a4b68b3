//! A server in a thread of this process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::{
    Server,
    threads::{Mark, Threads},
};
use crate::{Outcome, peers::meter::CpuTime};

/// A thread that hands on what anybody sends to everybody else. It ends when this is dropped.
pub(super) struct ServerThread {
    threads: Threads,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ServerThread {
    /// Begins to `serve`, which goes on until it is told to stop.
    pub(super) fn start(serve: impl FnOnce(&AtomicBool) + Send + 'static) -> Outcome<Self> {
        let (mark, stop) = (Mark::now()?, Arc::<AtomicBool>::default());
        let asked = stop.clone();
        let thread = thread::spawn(move || serve(&asked));
        Ok(Self {
            threads: mark.since()?,
            stop,
            thread: Some(thread),
        })
    }
}

impl Server for ServerThread {
    fn cpu_time(&self) -> Outcome<CpuTime> {
        self.threads.cpu_time()
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
