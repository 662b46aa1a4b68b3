//! The runtime's time of a moment of the system's clock.

use openxr_sys as xr;

use super::{super::Nanos, Fault, Functions, check};

#[cfg(unix)]
impl Functions {
    /// The runtime's name for a moment.
    pub(in crate::tracker::openxr) fn time_of(&self, moment: Nanos) -> Result<xr::Time, Fault> {
        let moment = libc::timespec {
            tv_sec: (moment.0 / 1_000_000_000).cast_signed() as libc::time_t,
            tv_nsec: (moment.0 % 1_000_000_000).cast_signed() as libc::c_long,
        };
        let mut time = xr::Time::from_nanos(0);
        // SAFETY: the instance lives as long as the session.
        check(unsafe { (self.time_of)(self.instance, &raw const moment, &raw mut time) })?;
        Ok(time)
    }
}

#[cfg(windows)]
impl Functions {
    /// The runtime's name for a moment that is just now: the counter that it converts is read afresh.
    pub(in crate::tracker::openxr) fn time_of(&self, _now: Nanos) -> Result<xr::Time, Fault> {
        #[link(name = "kernel32")]
        unsafe extern "system" {
            fn QueryPerformanceCounter(count: *mut i64) -> i32;
        }
        let mut count = 0;
        let mut time = xr::Time::from_nanos(0);
        // SAFETY: the counter's place is on the stack; the call cannot fail on any Windows that Godot runs on.
        let _ = unsafe { QueryPerformanceCounter(&raw mut count) };
        // SAFETY: the instance lives as long as the session.
        check(unsafe { (self.time_of)(self.instance, &raw const count, &raw mut time) })?;
        Ok(time)
    }
}
