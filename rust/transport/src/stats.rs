//! What an endpoint counts.

use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use serde::{Deserialize, Serialize};
use tokio::time;

use crate::limits::STATS_INTERVAL;

/// Counters of one endpoint over all of its connections, which any thread may read at any time without a lock.
///
/// What QUIC counts is added every [`STATS_INTERVAL`](crate::limits::STATS_INTERVAL) and when a connection ends.
#[derive(Debug, Default)]
pub struct TransportStats {
    connections: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    udp_sent: AtomicU64,
    udp_received: AtomicU64,
    packets_sent: AtomicU64,
    packets_lost: AtomicU64,
    datagrams_sent: AtomicU64,
    datagrams_received: AtomicU64,
    datagrams_dropped: AtomicU64,
    refused: AtomicU64,
    round_trip_us: AtomicU64,
}

/// The values of [`TransportStats`] at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TransportCounters {
    /// Connections that are open now.
    pub connections: u64,
    /// Bytes of UDP payload sent.
    pub bytes_sent: u64,
    /// Bytes of UDP payload received.
    pub bytes_received: u64,
    /// UDP datagrams sent, whatever they carry: each is an IP packet.
    pub udp_sent: u64,
    /// UDP datagrams received.
    pub udp_received: u64,
    /// QUIC packets sent.
    pub packets_sent: u64,
    /// QUIC packets sent and found lost.
    pub packets_lost: u64,
    /// Datagrams of the live lane sent.
    pub datagrams_sent: u64,
    /// Datagrams of the live lane received.
    pub datagrams_received: u64,
    /// Datagrams that were not sent, since newer ones or a limit took their place.
    pub datagrams_dropped: u64,
    /// Connection attempts that were refused or came to nothing, where this side was the one to accept them.
    pub refused: u64,
    /// The round trip in microseconds of the connection that was looked at last: on a client, of the only one.
    pub round_trip_us: u64,
}

impl TransportStats {
    /// The values now; each is exact, together they may be a moment apart.
    #[must_use]
    pub fn counters(&self) -> TransportCounters {
        TransportCounters {
            connections: self.connections.load(Relaxed),
            bytes_sent: self.bytes_sent.load(Relaxed),
            bytes_received: self.bytes_received.load(Relaxed),
            udp_sent: self.udp_sent.load(Relaxed),
            udp_received: self.udp_received.load(Relaxed),
            packets_sent: self.packets_sent.load(Relaxed),
            packets_lost: self.packets_lost.load(Relaxed),
            datagrams_sent: self.datagrams_sent.load(Relaxed),
            datagrams_received: self.datagrams_received.load(Relaxed),
            datagrams_dropped: self.datagrams_dropped.load(Relaxed),
            refused: self.refused.load(Relaxed),
            round_trip_us: self.round_trip_us.load(Relaxed),
        }
    }

    pub(crate) fn set_connections(&self, open: usize) {
        self.connections.store(open as u64, Relaxed);
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_dropped_datagram(&self) {
        self.datagrams_dropped.fetch_add(1, Relaxed);
    }
}

/// Adds what a connection counts to its endpoint's counters, now and then while `conversation` lasts and once after it.
pub(crate) async fn sampled<R>(
    connection: &quinn::Connection,
    totals: &TransportStats,
    conversation: impl Future<Output = R>,
) -> R {
    let mut sampler = Sampler::default();
    let mut ticks = time::interval(STATS_INTERVAL);
    let mut conversation = pin!(conversation);
    let result = loop {
        tokio::select! {
            biased;
            result = &mut conversation => break result,
            _ = ticks.tick() => sampler.sample(connection, totals),
        }
    };
    sampler.sample(connection, totals);
    result
}

/// Adds what one connection has counted since the last look to its endpoint's counters.
#[derive(Debug, Default)]
struct Sampler {
    before: quinn::ConnectionStats,
}

impl Sampler {
    fn sample(&mut self, connection: &quinn::Connection, totals: &TransportStats) {
        let (now, before) = (connection.stats(), &self.before);
        for (total, now, before) in [
            (&totals.bytes_sent, now.udp_tx.bytes, before.udp_tx.bytes),
            (
                &totals.bytes_received,
                now.udp_rx.bytes,
                before.udp_rx.bytes,
            ),
            (
                &totals.udp_sent,
                now.udp_tx.datagrams,
                before.udp_tx.datagrams,
            ),
            (
                &totals.udp_received,
                now.udp_rx.datagrams,
                before.udp_rx.datagrams,
            ),
            (
                &totals.packets_sent,
                now.path.sent_packets,
                before.path.sent_packets,
            ),
            (
                &totals.packets_lost,
                now.path.lost_packets,
                before.path.lost_packets,
            ),
            (
                &totals.datagrams_sent,
                now.frame_tx.datagram,
                before.frame_tx.datagram,
            ),
            (
                &totals.datagrams_received,
                now.frame_rx.datagram,
                before.frame_rx.datagram,
            ),
        ] {
            total.fetch_add(now.saturating_sub(before), Relaxed);
        }
        let round_trip_us = u64::try_from(now.path.rtt.as_micros()).unwrap_or(u64::MAX);
        totals.round_trip_us.store(round_trip_us, Relaxed);
        self.before = now;
    }
}
