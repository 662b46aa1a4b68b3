//! Servers of a cluster and their players over a network in memory, in virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub
)]

mod chaos;
mod disk;
mod net;
mod player;
#[path = "../common/words.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod words;

mod failover;
mod hearing;
mod hostile;
mod lease;
mod members;
mod rejections;
mod requests;
mod restart;
mod server;
mod standby;
mod time;
mod wall;
mod wires;

use synced_protocol::message::Game;

fn game() -> Game {
    Game {
        name: "cups".to_owned(),
        version: "1.0".to_owned(),
    }
}
