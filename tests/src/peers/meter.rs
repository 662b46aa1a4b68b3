//! What work costs: processor time of a process or a thread, and how busy the machine was meanwhile.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use crate::{
    Failure, Outcome,
    stalls::{Stall, Stalls},
};

/// Stalls shorter than this are not noted.
const STALL_MIN: Duration = Duration::from_millis(1);

/// Processor time that a process or thread has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct CpuTime(pub Duration);

impl CpuTime {
    /// Of all threads that a process has now.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of_process(process: u32) -> Outcome<Self> {
        let folder = PathBuf::from(format!("/proc/{process}/task"));
        let failed = || Failure::of(format!("the threads of process {process}"));
        let mut sum = Duration::ZERO;
        for thread in fs::read_dir(&folder).map_err(failed())? {
            // A thread may end meanwhile.
            sum += run_time(&thread.map_err(failed())?.path()).unwrap_or_default();
        }
        Ok(Self(sum))
    }

    /// Of one thread of this process.
    ///
    /// # Errors
    /// When there is no such thread.
    pub fn of_thread(thread: u32) -> Outcome<Self> {
        run_time(&PathBuf::from(format!("/proc/self/task/{thread}")))
            .map(Self)
            .map_err(Failure::of(format!("thread {thread}")))
    }

    /// Of the calling thread.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn of_this_thread() -> Outcome<Self> {
        run_time(Path::new("/proc/thread-self"))
            .map(Self)
            .map_err(Failure::of("the processor time of a thread"))
    }

    /// The share of one core since an earlier look, in percent.
    #[must_use]
    pub fn percent_since(self, earlier: Self, span: Duration) -> f64 {
        100.0 * self.0.saturating_sub(earlier.0).as_secs_f64() / span.as_secs_f64()
    }
}

/// What the scheduler has given a task (`proc_pid_schedstat(5)`).
fn run_time(task: &Path) -> io::Result<Duration> {
    let text = fs::read_to_string(task.join("schedstat"))?;
    let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
    nanos
        .map(Duration::from_nanos)
        .ok_or_else(|| io::Error::other(format!("no schedstat: {text}")))
}

/// Watches the machine while something is measured.
#[derive(Debug)]
pub struct Watch {
    stalls: Stalls,
    clocks: Duration,
    began: Instant,
}

/// What the machine did besides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surroundings {
    /// How many threads wanted to run at once in the last minute, on average; not a number where the system does not tell.
    pub load: f64,
    /// The longest that an idle thread was kept waiting, in milliseconds.
    pub stall_ms_max: f64,
    /// By how much the clock of the stamps was set meanwhile, against one that cannot be set, in milliseconds.
    pub clock_set_ms: f64,
}

impl Watch {
    /// Begins.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            stalls: Stalls::watch(STALL_MIN),
            clocks: unix_time(),
            began: Instant::now(),
        }
    }

    /// Ends, and tells.
    #[must_use]
    pub fn end(self) -> Surroundings {
        let (monotonic, unix) = (
            self.began.elapsed(),
            unix_time().saturating_sub(self.clocks),
        );
        let longest = self.stalls.end().into_iter().max_by_key(|stall| stall.late);
        let longest = longest.map_or(Duration::ZERO, |Stall { late, .. }| late);
        Surroundings {
            load: load(),
            stall_ms_max: 1e3 * longest.as_secs_f64(),
            clock_set_ms: 1e3 * (unix.as_secs_f64() - monotonic.as_secs_f64()).abs(),
        }
    }
}

fn unix_time() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = text.split(' ').next().and_then(|word| word.parse().ok());
    minute.unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use std::{process::Command, thread};

    use super::*;
    use crate::{folder, process::Process};

    #[test]
    fn a_thread_that_works_has_had_processor_time() {
        let look = || CpuTime::of_this_thread().unwrap();
        let before = look();
        let mut sum = 0_u64;
        while look() == before {
            sum = std::hint::black_box(sum + 1);
        }
        let after = look();
        assert!(after > before);
        let span = after.0 - before.0;
        assert!((after.percent_since(before, span) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_process_that_works_has_had_processor_time() {
        let log = folder::fresh("meter-busy").unwrap().join("log");
        let script = ["-c", "while :; do :; done"];
        let busy = Process::spawn("busy", Command::new("sh").args(script), &log).unwrap();
        let look = || CpuTime::of_process(busy.id()).unwrap();
        let before = look();
        while look() == before {
            thread::yield_now();
        }
        assert!(look() > before);
    }

    #[test]
    fn no_process_has_no_processor_time() {
        assert!(CpuTime::of_process(u32::MAX).is_err());
    }
}
