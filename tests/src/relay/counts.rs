//! What passes through a relay, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use synced_bench::IP_UDP_HEADER_BYTES;

/// What one side sent through a relay, whether it arrived or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Packets.
    pub packets: u64,
    /// Their bytes, with the headers of IP and UDP.
    pub bytes: u64,
    /// How many of the packets were lost.
    pub lost: u64,
    /// The bytes of the largest packet so far, headers too.
    pub largest_bytes: u64,
}

impl Counts {
    /// What was sent since an earlier count; the largest packet is that of all times.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            packets: self.packets - earlier.packets,
            bytes: self.bytes - earlier.bytes,
            lost: self.lost - earlier.lost,
            largest_bytes: self.largest_bytes,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    packets: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
    largest_bytes: AtomicU64,
}

impl Counters {
    pub(super) fn count(&self, payload_bytes: usize, is_lost: bool) {
        let bytes = payload_bytes as u64 + IP_UDP_HEADER_BYTES;
        self.packets.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.lost.fetch_add(is_lost.into(), Ordering::Relaxed);
        self.largest_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Counts {
        Counts {
            packets: self.packets.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            largest_bytes: self.largest_bytes.load(Ordering::Relaxed),
        }
    }
}
