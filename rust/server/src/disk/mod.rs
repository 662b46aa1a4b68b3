//! The disk of a server of a cluster, as the driver uses it: it never waits for an `fsync` in the driver's thread, and not for another
//! thread either.
//!
//! Where a write counts once the system has it, the driver hands it over itself, which takes microseconds; but for a large one, like a
//! snapshot, which a thread writes with all that comes before it is done. So it does with all that comes while the disk is too slow to
//! settle what was written. Where a write counts once the disk has it, a thread writes always, as many at once as wait. In both another
//! thread settles the store from time to time, and where writes do not wait for the disk one more has it take what was written.

mod background;
mod queued;
mod writing;

use std::{fmt, io, sync::Arc};

use synced_protocol::store::{Durability, StoreWrite, WriteId};
use synced_storage::Store;
use synced_transport::{Disk, DiskReports, Written};

use self::{background::Background, writing::Writing};

/// What became of writes: all up to one are as durable as they asked to be, or one failed and no other is tried.
type Ended = Result<WriteId, String>;

/// Where that is told.
#[derive(Clone)]
struct Report(Arc<dyn Fn(Ended) + Send + Sync>);

impl Report {
    fn tell(&self, ended: Ended) {
        (self.0)(ended);
    }
}

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
    Begun(Writing, Background),
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
        match begin(store, &report) {
            Ok(state) => self.state = state,
            Err(error) => {
                report.tell(Err(format!("cannot start a thread for the disk: {error}")));
            }
        }
    }
}

fn begin(mut store: Store, report: &Report) -> io::Result<State> {
    let background = match store.durability() {
        Durability::Memory => Background::settling_and_syncing(&mut store, report.clone())?,
        Durability::Disk => Background::settling(&mut store, report.clone())?,
    };
    let writing = Writing::start(store, report.clone())?;
    Ok(State::Begun(writing, background))
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
            State::Begun(writing, _) => writing.write(write),
            State::Idle(_) | State::Over => Err("the store is not open for writing".to_owned()),
        }
    }

    fn end(&mut self) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Idle(store) => close(store),
            State::Begun(writing, background) => {
                if let Some(store) = writing.end() {
                    close(store);
                }
                background.end();
            }
            State::Over => {}
        }
    }
}

#[cfg(test)]
mod tests;
