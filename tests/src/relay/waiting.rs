//! Packets that are on their way.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::POLL;

/// Packets, each with the time at which it arrives.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    packets: Mutex<BinaryHeap<Reverse<Packet>>>,
    changed: Condvar,
}

/// By its time, and then in the order in which they were sent.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    arrives_at: Instant,
    number: u64,
    bytes: Vec<u8>,
}

impl Waiting {
    pub(super) fn put(&self, arrives_at: Instant, number: u64, bytes: &[u8]) {
        let packet = Packet {
            arrives_at,
            number,
            bytes: bytes.to_vec(),
        };
        self.lock().push(Reverse(packet));
        self.changed.notify_one();
    }

    /// Waits for a packet that has arrived, but not for ever.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        let packets = self.lock();
        let wait = packets.peek().map_or(POLL, |Reverse(next)| {
            next.arrives_at.saturating_duration_since(Instant::now())
        });
        let mut packets = if wait.is_zero() {
            packets
        } else {
            let waited = self.changed.wait_timeout(packets, wait.min(POLL));
            waited.unwrap_or_else(PoisonError::into_inner).0
        };
        let is_there = |next: &Packet| next.arrives_at <= Instant::now();
        let has_arrived = packets.peek().is_some_and(|Reverse(next)| is_there(next));
        let arrived = has_arrived.then(|| packets.pop()).flatten();
        arrived.map(|Reverse(packet)| packet.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Packet>>> {
        self.packets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn packets_come_out_by_their_times_and_none_before_its_own() {
        let (waiting, now) = (Waiting::default(), Instant::now());
        let times = [20, 5, 5, 0].map(|msec| now + Duration::from_millis(msec));
        for (number, at) in (0..).zip(times) {
            waiting.put(at, number, &[number as u8]);
        }
        let mut order = Vec::new();
        while order.len() < 4 {
            if let Some(bytes) = waiting.take() {
                assert!(times[usize::from(bytes[0])] <= Instant::now());
                order.extend(bytes);
            }
        }
        assert_eq!(order, [3, 1, 2, 0]);
    }
}
