//! Two hands that two players share by `SyncedNode`, beside the same motion shared by Godot's own
//! `MultiplayerSynchronizer`, over the same bad network: how far from the truth is what is shown?
//!
//! Both ways get the same motion and the same network. Where they differ, Godot's own is favoured: it goes over one bad
//! network, `SyncedNode` over two, one on each side of its server; its sender is at the true pose in each frame; and it is
//! judged with the constant lag that is best for it, number by number, while `SyncedNode` is judged at the session time
//! that it claims to show.

mod errors;
mod frames;
mod measurement;
pub mod report;
mod stage;
mod truth;

pub use errors::{Errors, best_errors, errors_at};
pub use frames::{Frame, PAUSE_MSEC_MAX, Shown, longest_pause_msec};
pub use measurement::{BuiltIn, Load, Measurement, Synced, Wire};
pub use stage::{Stage, recorded, round};
pub use truth::Truth;

/// Which of [`Frame::hands`] is which.
pub const HANDS: [&str; 2] = ["Left", "Right"];

/// How `SyncedNode` is set up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuning {
    /// What it is called in tables.
    pub name: &'static str,
    /// `SyncedSession.batch_interval_msec`.
    pub batch_interval_msec: u32,
    /// `SyncedSession.tracker_redundancy`.
    pub redundancy: u32,
    /// `SyncedNode.tracker_precision`.
    pub precision: u32,
    /// `SyncedSession.playout_delay_min_msec`.
    pub playout_delay_min_msec: u32,
}

impl Tuning {
    /// What a game gets that sets nothing.
    pub const DEFAULT: Self = Self {
        name: "defaults",
        batch_interval_msec: 4,
        redundancy: 2,
        precision: 1,
        playout_delay_min_msec: 10,
    };
    /// No more bytes than Godot's own takes for the same hands. Two datagrams lost in a row are waited for.
    pub const THRIFTY: Self = Self {
        name: "thrifty",
        batch_interval_msec: 33,
        redundancy: 3,
        precision: 2,
        playout_delay_min_msec: 110,
    };
}
