//! The disk of a server of a cluster, as the driver uses it: it never waits for an `fsync` in the driver's thread.
//!
//! Where a write counts once the system has it, the driver hands it over itself, which takes microseconds; but for a large one, like a
//! snapshot, which a thread writes with all that comes before it is done. Where it counts once the disk has it, a thread writes
//! always, as many at once as wait. In both another thread settles the store from time to time.

mod queued;
mod settling;

use std::{fmt, io, sync::Arc, time::Duration};

use synced_protocol::store::{Durability, StoreWrite, WriteId};
use synced_storage::Store;
use synced_transport::{Disk, DiskReports, Written};

use self::{
    queued::{Queued, bytes_of},
    settling::Settling,
};

/// How often what was written moves from the journal to the database, and with it to the disk. It bounds what a machine that goes
/// down can take with it, and what the next start has to read twice.
const SETTLE_INTERVAL_MEMORY: Duration = Duration::from_millis(100);
/// The same where the journal is on the disk anyway.
const SETTLE_INTERVAL_DISK: Duration = Duration::from_secs(1);

/// The largest write that the driver hands over itself, in bytes: some tenths of a millisecond, as long as a tick may be late.
const INLINE_BYTES_MAX: usize = 256 * 1024;

/// What became of writes: all up to one are as durable as they asked to be, or one failed and no other is tried.
type Ended = Result<WriteId, String>;

/// Where that is told.
#[derive(Clone)]
struct Report(Arc<dyn Fn(Ended) + Send + Sync>);

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}

/// A server's store behind the driver.
#[derive(Debug)]
pub(crate) struct StoreDisk {
    state: State,
}

#[derive(Debug)]
enum State {
    Idle(Store),
    /// The driver writes.
    Inline(Store, Settling, Report),
    /// A thread writes what is too large for the driver, and what has come since.
    Large(Queued, Settling, Report),
    /// A thread writes.
    Queued(Queued, Settling),
    Over,
}

impl StoreDisk {
    pub(crate) const fn new(store: Store) -> Self {
        Self {
            state: State::Idle(store),
        }
    }

    fn start(&mut self, report: impl Fn(Ended) + Send + Sync + 'static) {
        let report = Report(Arc::new(report));
        let State::Idle(store) = std::mem::replace(&mut self.state, State::Over) else {
            return;
        };
        let started = match store.durability() {
            Durability::Memory => start_inline(store, report.clone()),
            Durability::Disk => start_queued(store, &report),
        };
        match started {
            Ok(state) => self.state = state,
            Err(error) => report.tell(Err(no_thread(&error))),
        }
    }

    /// Has the right one write next: a thread what is large, the driver what is not once the thread is done.
    fn choose_writer(&mut self, write: &StoreWrite) -> Result<(), String> {
        let is_large = bytes_of(write) > INLINE_BYTES_MAX;
        let changes = match &self.state {
            State::Inline(..) => is_large,
            State::Large(queued, ..) => !is_large && queued.is_idle(),
            _ => false,
        };
        if changes {
            let state = std::mem::replace(&mut self.state, State::Over);
            self.state = state.with_other_writer()?;
        }
        Ok(())
    }
}

impl State {
    fn with_other_writer(self) -> Result<Self, String> {
        match self {
            Self::Inline(store, settling, report) => {
                let queued = Queued::start(store, report.clone().into_fn());
                let queued = queued.map_err(|error| no_thread(&error))?;
                Ok(Self::Large(queued, settling, report))
            }
            Self::Large(queued, settling, report) => match queued.end() {
                Some(store) => Ok(Self::Inline(store, settling, report)),
                None => Err("a write failed before".to_owned()),
            },
            other => Ok(other),
        }
    }
}

impl Report {
    fn tell(&self, ended: Ended) {
        (self.0)(ended);
    }

    fn into_fn(self) -> impl Fn(Ended) + Send + 'static {
        move |ended| self.tell(ended)
    }
}

fn no_thread(error: &io::Error) -> String {
    format!("cannot start a thread for the disk: {error}")
}

fn start_inline(store: Store, report: Report) -> io::Result<State> {
    let settles = report.clone().into_fn();
    let settling = Settling::start(store.keeper(), SETTLE_INTERVAL_MEMORY, settles)?;
    Ok(State::Inline(store, settling, report))
}

fn start_queued(store: Store, report: &Report) -> io::Result<State> {
    let settles = report.clone().into_fn();
    let settling = Settling::start(store.keeper(), SETTLE_INTERVAL_DISK, settles)?;
    let queued = Queued::start(store, report.clone().into_fn())?;
    Ok(State::Queued(queued, settling))
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
        self.choose_writer(&write)?;
        match &mut self.state {
            State::Inline(store, ..) => match store.write(&write) {
                Ok(()) => Ok(Written::Already),
                Err(error) => Err(error.to_string()),
            },
            State::Large(queued, ..) | State::Queued(queued, _) => {
                queued.push(write).map(|()| Written::Later)
            }
            State::Idle(_) | State::Over => Err("the store is not open for writing".to_owned()),
        }
    }

    fn end(&mut self) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Idle(store) => close(store),
            State::Inline(store, settling, _) => {
                settling.stop();
                close(store);
            }
            State::Large(queued, settling, _) | State::Queued(queued, settling) => {
                settling.stop();
                if let Some(store) = queued.end() {
                    close(store);
                }
            }
            State::Over => {}
        }
    }
}

#[cfg(test)]
mod tests;
