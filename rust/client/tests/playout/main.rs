//! What is shown of controllers, against the truth.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod between_players;
mod fit;
mod motion;
mod scene;
mod smoother;
mod trajectory;
