//! Whether a history of overlapping calls could have happened one at a time (Herlihy and Wing, 1990).
//!
//! [`check`] searches for an order of the calls that respects real time and the model: the algorithm of Wing and Gong with the
//! memory of Lowe (2017), which remembers which calls are placed in which state and never tries that twice. Histories of
//! objects that do not touch each other are checked apart, since together they are linearizable exactly if each is.

mod checker;
mod recorder;
mod register;

pub use checker::{Call, Model, Verdict, check};
pub use recorder::{Histories, Recorder};
pub use register::{Answer, Ask, Register, Version};
