//! Which threads of this process belong together, by when they were started.

use std::{collections::BTreeSet, fs, time::Duration};

use crate::{Failure, Outcome, peers::meter::CpuTime};

const TASKS: &str = "/proc/self/task";

/// The threads that there are at some moment.
#[derive(Debug)]
pub(super) struct Mark(BTreeSet<u32>);

/// Some threads.
#[derive(Debug, Default)]
pub(super) struct Threads(BTreeSet<u32>);

impl Mark {
    pub(super) fn now() -> Outcome<Self> {
        all().map(Self)
    }

    /// Those that were started after this moment.
    pub(super) fn since(&self) -> Outcome<Threads> {
        let now = all()?;
        Ok(Threads(now.difference(&self.0).copied().collect()))
    }
}

impl Threads {
    /// These, and those that were started after a moment.
    pub(super) fn and_those_since(mut self, mark: &Mark) -> Outcome<Self> {
        self.0.extend(mark.since()?.0);
        Ok(self)
    }

    /// What all of them have had of the processor. Those that have ended count no more.
    pub(super) fn cpu_time(&self) -> Outcome<CpuTime> {
        let mut sum = Duration::ZERO;
        for thread in &self.0 {
            sum += CpuTime::of_thread(*thread).map_or(Duration::ZERO, |time| time.0);
        }
        Ok(CpuTime(sum))
    }
}

fn all() -> Outcome<BTreeSet<u32>> {
    let failed = || Failure::of("the threads of this process");
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(TASKS).map_err(failed())? {
        let name = entry.map_err(failed())?.file_name();
        all.extend(name.to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn a_thread_belongs_to_those_since_a_moment_before_it_and_its_time_counts() {
        let stop = AtomicBool::new(false);
        let mark = Mark::now().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
            let threads = mark.since().unwrap();
            while threads.cpu_time().unwrap() < CpuTime(Duration::from_millis(1)) {
                thread::yield_now();
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
