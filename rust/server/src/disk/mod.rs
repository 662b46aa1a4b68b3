//! The disk of a server of a cluster, as the driver uses it: it never waits for an `fsync` in the driver's thread.
//!
//! Where a write counts once the system has it, the driver hands it over itself, which takes microseconds. Where it counts once the
//! disk has it, a thread writes, as many at once as wait. In both another thread settles the store from time to time.

mod queued;
mod settling;

use std::{io, time::Duration};

use synced_protocol::store::{Durability, StoreWrite, WriteId};
use synced_storage::Store;
use synced_transport::{Disk, DiskReports, Written};

use self::{queued::Queued, settling::Settling};

/// How often what was written moves from the journal to the database, and with it to the disk. It bounds what a machine that goes
/// down can take with it, and what the next start has to read twice.
const SETTLE_INTERVAL_MEMORY: Duration = Duration::from_millis(100);
/// The same where the journal is on the disk anyway.
const SETTLE_INTERVAL_DISK: Duration = Duration::from_secs(1);

/// What became of writes: all up to one are as durable as they asked to be, or one failed and no other is tried.
type Ended = Result<WriteId, String>;

/// A server's store behind the driver.
#[derive(Debug)]
pub(crate) struct StoreDisk {
    state: State,
}

#[derive(Debug)]
enum State {
    Idle(Store),
    Inline(Store, Settling),
    Queued(Queued, Settling),
    Over,
}

impl StoreDisk {
    pub(crate) const fn new(store: Store) -> Self {
        Self {
            state: State::Idle(store),
        }
    }

    fn start(&mut self, report: impl Fn(Ended) + Clone + Send + 'static) {
        let State::Idle(store) = std::mem::replace(&mut self.state, State::Over) else {
            return;
        };
        let started = match store.durability() {
            Durability::Memory => start_inline(store, report.clone()),
            Durability::Disk => start_queued(store, report.clone()),
        };
        match started {
            Ok(state) => self.state = state,
            Err(error) => report(Err(format!("cannot start a thread for the disk: {error}"))),
        }
    }
}

fn start_inline(store: Store, report: impl Fn(Ended) + Send + 'static) -> io::Result<State> {
    let settling = Settling::start(store.keeper(), SETTLE_INTERVAL_MEMORY, report)?;
    Ok(State::Inline(store, settling))
}

fn start_queued(
    store: Store,
    report: impl Fn(Ended) + Clone + Send + 'static,
) -> io::Result<State> {
    let settling = Settling::start(store.keeper(), SETTLE_INTERVAL_DISK, report.clone())?;
    Ok(State::Queued(Queued::start(store, report)?, settling))
}

/// What could not be closed in an orderly way comes back as after a kill.
fn close(store: Store) {
    if let Err(error) = store.close() {
        tracing::error!("the store could not be closed in an orderly way: {error}");
    }
}

impl Disk for StoreDisk {
    fn begin(&mut self, reports: DiskReports) {
        self.start(move |ended| match ended {
            Ok(write) => reports.stored(write),
            Err(reason) => reports.failed(reason),
        });
    }

    fn write(&mut self, write: StoreWrite) -> Result<Written, String> {
        match &mut self.state {
            State::Inline(store, _) => match store.write(&write) {
                Ok(()) => Ok(Written::Already),
                Err(error) => Err(error.to_string()),
            },
            State::Queued(queued, _) => queued.push(write).map(|()| Written::Later),
            State::Idle(_) | State::Over => Err("the store is not open for writing".to_owned()),
        }
    }

    fn end(&mut self) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Idle(store) => close(store),
            State::Inline(store, settling) => {
                settling.stop();
                close(store);
            }
            State::Queued(queued, settling) => {
                settling.stop();
                queued.end();
            }
            State::Over => {}
        }
    }
}

#[cfg(test)]
mod tests;
