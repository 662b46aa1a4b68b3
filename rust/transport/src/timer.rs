//! Waking up on time: where the system can, to some ten microseconds; the runtime's own timers are good to a millisecond.

use synced_protocol::time::Micros;

use crate::{clock, error::TransportError};

/// Sleeps until a local time.
#[derive(Debug)]
pub(crate) struct Timer(imp::Timer);

impl Timer {
    /// Must be called within a runtime.
    pub(crate) fn new() -> Result<Self, TransportError> {
        imp::Timer::new()
            .map(Self)
            .map_err(|error| TransportError::system("a timer", error))
    }

    /// Returns at local time `at` or soon after it, never before. May be cancelled.
    pub(crate) async fn until(&mut self, at: Micros) {
        while clock::now() < at {
            if clock::is_simulated() {
                tokio::time::sleep_until(clock::instant(at)).await;
            } else {
                self.0.sleep(at).await;
            }
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use std::{io, os::fd::OwnedFd};

    use rustix::{
        io::read,
        time::{
            Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
            timerfd_settime,
        },
    };
    use synced_protocol::time::Micros;
    use tokio::{
        io::{Interest, unix::AsyncFd},
        time::Instant,
    };

    use crate::clock;

    const NEVER: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };

    #[derive(Debug)]
    pub(super) struct Timer {
        expiry: AsyncFd<OwnedFd>,
        armed: Option<Micros>,
    }

    impl Timer {
        #[expect(
            deprecated,
            reason = "what took its place is unsafe since not every type keeps its descriptor open; an OwnedFd does"
        )]
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Ok(Self {
                expiry: AsyncFd::with_interest(fd, Interest::READABLE)?,
                armed: None,
            })
        }

        /// Returns at `at`, or for no reason.
        pub(super) async fn sleep(&mut self, at: Micros) {
            if self.armed != Some(at) && self.arm(at).is_err() {
                // Nothing but a defect of the system; late is better than never.
                return tokio::time::sleep_until(clock::instant(at)).await;
            }
            if let Ok(mut ready) = self.expiry.readable().await {
                self.armed = None;
                let _ = read(self.expiry.get_ref(), &mut [0_u8; 8]);
                ready.clear_ready();
            }
        }

        fn arm(&mut self, at: Micros) -> io::Result<()> {
            let left = clock::instant(at).saturating_duration_since(Instant::now());
            // A time of zero would disarm it.
            let left = left.max(std::time::Duration::from_nanos(1));
            let times = Itimerspec {
                it_interval: NEVER,
                it_value: Timespec {
                    tv_sec: left.as_secs().cast_signed(),
                    tv_nsec: left.subsec_nanos().into(),
                },
            };
            timerfd_settime(self.expiry.get_ref(), TimerfdTimerFlags::empty(), &times)?;
            self.armed = Some(at);
            Ok(())
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod imp {
    use std::io;

    use synced_protocol::time::Micros;

    use crate::clock;

    #[derive(Debug)]
    pub(super) struct Timer;

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn sleep(&mut self, at: Micros) {
            tokio::time::sleep_until(clock::instant(at)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle;

    #[test]
    fn a_sleep_ends_at_its_time_and_not_before_also_after_one_that_was_given_up() {
        let runtime = handle::runtime().unwrap();
        runtime.block_on(async {
            let mut timer = Timer::new().unwrap();
            for (far, near) in [(50_000, 2_000), (300, 3_000), (900, 900), (1, 500)] {
                let now = clock::now();
                tokio::select! {
                    biased;
                    () = timer.until(now + Micros(far)) => {}
                    () = tokio::time::sleep(std::time::Duration::from_millis(1)) => {}
                }
                let at = clock::now() + Micros(near);
                timer.until(at).await;
                assert!(clock::now() >= at);
            }
        });
    }

    #[test]
    fn a_time_that_has_passed_ends_at_once_and_the_farthest_never() {
        let runtime = handle::runtime().unwrap();
        runtime.block_on(async {
            let mut timer = Timer::new().unwrap();
            timer.until(Micros::ZERO).await;
            tokio::select! {
                biased;
                () = timer.until(Micros(u64::MAX)) => panic!("the end of time"),
                () = tokio::time::sleep(std::time::Duration::from_millis(2)) => {}
            }
        });
    }
}
