//! Controllers on file: recorded sample by sample, and played again.
//!
//! A trace is text, one sample a line, times growing. What stands in a line, and in which units, is told by the page
//! `addons/synced_node/docs/trace_format.md`.

mod line;
mod playback;
mod recording;
mod writer;

pub(super) use playback::Trace;
pub(crate) use recording::{Recorded, Recording};

/// The most samples of a trace: ten minutes at 1 kHz.
const SAMPLES_MAX: usize = 600_000;
/// The most bytes of a sample's line, its end included.
const LINE_BYTES_MAX: usize = 384;
/// The most bytes of a trace that is recorded.
const BYTES_MAX: usize = 256 * 1024 * 1024;
/// What a trace begins with.
const HEADER: &str = "# synced_node trace 1
# time_us px py pz qx qy qz qw vx vy vz wx wy wz buttons trigger grip stick_x stick_y is_jump
";

const _: () = assert!(HEADER.len() + SAMPLES_MAX * LINE_BYTES_MAX <= BYTES_MAX);
