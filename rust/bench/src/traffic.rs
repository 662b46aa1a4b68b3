//! What went over sockets.

use std::ops::{AddAssign, Sub};

use serde::{Deserialize, Serialize};
use synced_transport::TransportCounters;

/// What an IPv4 header without options and a UDP header take, in bytes: what each datagram costs a network beyond its payload.
pub const IP_UDP_HEADER_BYTES: u64 = 20 + 8;

/// How much a socket, or several together, have carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Bytes of UDP payload sent.
    pub bytes_sent: u64,
    /// Bytes of UDP payload received.
    pub bytes_received: u64,
    /// UDP datagrams sent.
    pub datagrams_sent: u64,
    /// UDP datagrams received.
    pub datagrams_received: u64,
}

/// The same, a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// Bytes of UDP payload sent.
    pub bytes_sent_per_s: f64,
    /// Bytes of UDP payload received.
    pub bytes_received_per_s: f64,
    /// UDP datagrams sent.
    pub datagrams_sent_per_s: f64,
    /// UDP datagrams received.
    pub datagrams_received_per_s: f64,
    /// Bytes sent with the headers of UDP and IP, [`IP_UDP_HEADER_BYTES`] for each datagram.
    pub ip_bytes_sent_per_s: f64,
    /// Bytes received with these headers.
    pub ip_bytes_received_per_s: f64,
}

impl Traffic {
    /// What was carried in a span of so many seconds, a second; nothing in none.
    #[must_use]
    pub fn rates(&self, span_s: f64) -> Rates {
        let rate = |count: u64| {
            if span_s > 0.0 {
                count as f64 / span_s
            } else {
                0.0
            }
        };
        let with_headers = |bytes, datagrams| rate(bytes + datagrams * IP_UDP_HEADER_BYTES);
        Rates {
            bytes_sent_per_s: rate(self.bytes_sent),
            bytes_received_per_s: rate(self.bytes_received),
            datagrams_sent_per_s: rate(self.datagrams_sent),
            datagrams_received_per_s: rate(self.datagrams_received),
            ip_bytes_sent_per_s: with_headers(self.bytes_sent, self.datagrams_sent),
            ip_bytes_received_per_s: with_headers(self.bytes_received, self.datagrams_received),
        }
    }
}

impl From<TransportCounters> for Traffic {
    fn from(counters: TransportCounters) -> Self {
        Self {
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
            datagrams_sent: counters.udp_sent,
            datagrams_received: counters.udp_received,
        }
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.datagrams_sent += other.datagrams_sent;
        self.datagrams_received += other.datagrams_received;
    }
}

/// What came since. A socket that was made anew has counted less: that gives nothing.
impl Sub for Traffic {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            bytes_sent: self.bytes_sent.saturating_sub(before.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(before.bytes_received),
            datagrams_sent: self.datagrams_sent.saturating_sub(before.datagrams_sent),
            datagrams_received: self
                .datagrams_received
                .saturating_sub(before.datagrams_received),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Traffic = Traffic {
        bytes_sent: 100,
        bytes_received: 200,
        datagrams_sent: 1,
        datagrams_received: 2,
    };

    #[test]
    fn a_rate_is_what_came_since_over_the_time_and_each_datagram_has_its_headers() {
        let mut now = BEFORE;
        now += Traffic {
            bytes_sent: 2_000,
            bytes_received: 4_000,
            datagrams_sent: 20,
            datagrams_received: 40,
        };
        let rates = (now - BEFORE).rates(2.0);
        let told = [
            rates.bytes_sent_per_s,
            rates.bytes_received_per_s,
            rates.datagrams_sent_per_s,
            rates.datagrams_received_per_s,
            rates.ip_bytes_sent_per_s,
            rates.ip_bytes_received_per_s,
        ];
        let expected = [1_000.0, 2_000.0, 10.0, 20.0, 1_280.0, 2_560.0];
        assert!(
            told.iter()
                .zip(expected)
                .all(|(told, expected)| (told - expected).abs() < 1e-9),
            "{told:?}"
        );
    }

    #[test]
    fn no_time_and_counters_that_began_anew_give_no_rate() {
        assert_eq!((Traffic::default() - BEFORE).rates(1.0), BEFORE.rates(0.0));
    }
}
