//! What goes on beside the writes, and for which none of them waits: a store is settled, and synced from time to time.

use std::{
    io,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

use synced_storage::{StorageError, Store, Syncer};

use super::{Ended, Report};

/// How often the disk is to take what the system has, under a durability that does not wait for it. It bounds what is gone for good
/// where all machines go down at once.
const SYNC_INTERVAL: Duration = Duration::from_millis(100);

/// By how many steps the thread that settles makes way for others: to a tenth of another's share where there is not enough for all, so
/// that players are served first, and the journals are emptied in the end.
#[cfg(target_os = "linux")]
const SETTLE_NICENESS: i32 = 10;

/// The threads that do so, until the store is gone, they are stopped or one fails, which is reported.
#[derive(Debug)]
pub(super) struct Background {
    settling: JoinHandle<()>,
    syncing: Option<Syncing>,
}

impl Background {
    /// Settles the store.
    pub(super) fn settling(store: &mut Store, report: Report) -> io::Result<Self> {
        let keeper = store.take_keeper();
        let run = move || {
            make_way();
            if let Some(Err(error)) = keeper.map(synced_storage::Keeper::run) {
                tell(&report, &error);
            }
        };
        let thread = thread::Builder::new().name("settle".to_owned());
        Ok(Self {
            settling: thread.spawn(run)?,
            syncing: None,
        })
    }

    /// Settles and syncs it.
    pub(super) fn settling_and_syncing(store: &mut Store, report: Report) -> io::Result<Self> {
        let syncing = Syncing::start(store.syncer(), report.clone())?;
        Ok(Self {
            syncing: Some(syncing),
            ..Self::settling(store, report)?
        })
    }

    /// To be called when the store is gone: waits for its threads, which end then.
    pub(super) fn end(self) {
        // They have no way to panic; were there one, closing the store would have said what is wrong.
        let _ = self.settling.join();
        if let Some(syncing) = self.syncing {
            drop(syncing.stop);
            let _ = syncing.thread.join();
        }
    }
}

#[derive(Debug)]
struct Syncing {
    /// Nothing is sent; that it is gone ends the thread.
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Syncing {
    fn start(syncer: Syncer, report: Report) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            while stopped.recv_timeout(SYNC_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = syncer.sync() {
                    return tell(&report, &error);
                }
            }
        };
        let thread = thread::Builder::new().name("sync".to_owned());
        let thread = thread.spawn(run)?;
        Ok(Self { stop, thread })
    }
}

fn tell(report: &Report, error: &StorageError) {
    report.tell(Ended::Err(error.to_string()));
}

/// Lets every other thread of the machine go first, if the system allows it; else it takes its share.
fn make_way() {
    // On Linux that is about the calling thread alone.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(SETTLE_NICENESS);
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[test]
    fn the_thread_that_settles_makes_way_and_no_other_does() {
        const LAST: i32 = 19;
        let own = niceness();
        let made_way = thread::spawn(|| {
            make_way();
            niceness()
        });
        assert_eq!(made_way.join().unwrap(), (own + SETTLE_NICENESS).min(LAST));
        assert_eq!(niceness(), own);
    }
}
