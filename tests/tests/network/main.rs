//! A real `synced serve` on real sockets, met by players without an engine: those who behave, and those who do not.

mod adversaries;
mod live_sizes;
mod packets;
mod pair;
mod raw;
mod scripted;

use synced_protocol::message::JoinKey;

/// The key of a player who is alone in having this name.
fn key_of(name: &str) -> JoinKey {
    let mut key = [0; 16];
    let letters = key.iter_mut().zip(name.bytes());
    letters.for_each(|(byte, letter)| *byte = letter);
    JoinKey(key)
}
