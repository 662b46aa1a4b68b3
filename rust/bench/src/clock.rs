//! One clock for all processes of a machine: players in several of them tell each other when they did what.

use synced_protocol::time::Micros;
use synced_transport::clock;

/// By how much the machine's time is ahead of this process's, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MachineClock {
    ahead_us: i64,
}

impl MachineClock {
    /// Reads both clocks together, as well as the scheduler lets it: the closest of several readings counts.
    pub(crate) fn read() -> Self {
        let reading = || {
            let before = clock::now();
            let machine = clock::unix_now();
            let after = clock::now();
            (after.since(before), machine.offset_from(before))
        };
        let readings = (0..READINGS).map(|_| reading());
        let closest = readings.min_by_key(|(took, _)| *took);
        Self {
            ahead_us: closest.map_or(0, |(_, ahead_us)| ahead_us),
        }
    }

    /// Machine time now.
    pub(crate) fn now(self) -> Micros {
        self.at(clock::now())
    }

    /// Machine time at a local time.
    pub(crate) const fn at(self, local: Micros) -> Micros {
        local.shifted(self.ahead_us)
    }
}

const READINGS: usize = 8;
