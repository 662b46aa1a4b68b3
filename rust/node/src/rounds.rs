//! When what is relayed goes out.
//!
//! What a packet takes of the processor hardly depends on how much is in it, and every datagram goes to everyone: with the players grow
//! both the number of datagrams and that of the packets for each. So where many play, what comes close upon one another shares
//! packets. The first datagram goes out as it comes and begins a round; what comes before its end is held until then, goes out all
//! together and begins the next. What comes now and then is never held, and nor is anything where few play.

use synced_protocol::time::Micros;

use crate::config::{ROUND_BYTES_MAX, ROUND_PLAYERS_MIN, ROUND_TIME_PER_PLAYER};

#[derive(Debug, Default)]
pub(crate) struct Rounds {
    ends_at: Micros,
    /// Of all datagrams that are held, each counted once.
    held_bytes: usize,
}

impl Rounds {
    /// Whether a datagram that comes now goes out by itself.
    pub(crate) fn takes_at_once(&self, now: Micros) -> bool {
        self.held_bytes == 0 && self.ends_at <= now
    }

    /// A datagram is held.
    pub(crate) const fn hold(&mut self, bytes: usize) {
        self.held_bytes += bytes;
        if self.held_bytes >= ROUND_BYTES_MAX {
            self.ends_at = Micros::ZERO;
        }
    }

    /// When what is held is to go out; `None` while there is nothing.
    pub(crate) fn ends_at(&self) -> Option<Micros> {
        (self.held_bytes > 0).then_some(self.ends_at)
    }

    /// Everything goes out now, to so many players.
    pub(crate) const fn begin(&mut self, now: Micros, players: usize) {
        let length = if players < ROUND_PLAYERS_MIN {
            0
        } else {
            ROUND_TIME_PER_PLAYER.0 * players as u64
        };
        self.ends_at = Micros(now.0 + length);
        self.held_bytes = 0;
    }
}
