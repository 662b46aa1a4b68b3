//! Batches of hands that move: what they take, how exact they are, and that they cost no allocation.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

mod motion;
mod page;
mod precision;
mod size;
mod steady;
