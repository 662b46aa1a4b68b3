//! A real `synced serve` on real sockets, met by players without an engine: those who behave, and those who do not.

mod adversaries;
mod live_sizes;
mod packets;
mod pair;
mod raw;
mod scripted;
