//! Many drivers in one thread.

use std::{sync::Arc, thread};

use synced_protocol::link::Logic;
use tokio::runtime;

use crate::{
    driver::Driver,
    error::TransportError,
    handle::{self, Handle, Runner},
    side::Side,
    signals::{StopSignal, Waker},
};

/// A thread that drives any number of clients, for crowds of players in one process: what comes for many of them at once wakes
/// it once, where threads of their own would each be woken. It ends after the last of them, and of its clones.
#[derive(Debug, Clone)]
pub struct ClientThread(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    runtime: runtime::Handle,
    stop: StopSignal,
}

impl ClientThread {
    /// A thread without clients.
    ///
    /// # Errors
    /// When the system does not give a thread or a runtime.
    pub fn start() -> Result<Self, TransportError> {
        let runtime = handle::runtime()?;
        let stop = StopSignal::new();
        let shared = Shared {
            runtime: runtime.handle().clone(),
            stop: stop.clone(),
        };
        let body = move || {
            runtime.block_on(stop.stopped());
            runtime.shutdown_background();
        };
        thread::Builder::new()
            .name("synced-clients".to_owned())
            .spawn(body)
            .map_err(|error| TransportError::system("a thread", error))?;
        Ok(Self(Arc::new(shared)))
    }

    pub(crate) fn runtime(&self) -> &runtime::Handle {
        &self.0.runtime
    }

    /// Runs `driver`, which was made within the runtime. The thread lives as long as it does.
    pub(crate) fn spawn<L, S>(&self, driver: Driver<L, S>, waker: Waker) -> Handle<L>
    where
        L: Logic + Send + 'static,
        S: Side<L> + Send + 'static,
    {
        let stop = StopSignal::new();
        let stats = driver.stats();
        let running = driver.run(waker, stop.clone());
        let thread = self.clone();
        let task = self.0.runtime.spawn(async move {
            let logic = running.await;
            drop(thread);
            logic
        });
        Handle::new(stop, stats, Runner::Task(task, self.clone()))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
