//! Where a controller's samples go on the main thread.

use synced_protocol::input::InputFrame;

use super::{Recording, outlets::History, track::Track};

/// What is kept of a controller's samples.
#[derive(Debug, Default)]
pub(super) struct Intake {
    /// What this player's controller did while it is captured, in local time; else what the owner's did, in session time.
    pub track: Track,
    /// The sample shown last, this player's or another's.
    pub latest: InputFrame,
    /// This player's samples on their way to a file.
    pub recording: Option<Recording>,
}

impl Intake {
    /// Takes in this player's samples since the frame before.
    pub(super) fn take(&mut self, history: &mut History) {
        for sample in history.drain() {
            self.track.insert(sample);
            self.latest = sample;
            if let Some(recording) = &mut self.recording {
                recording.push(sample);
            }
        }
        if history.take_missed() > 0
            && let Some(recording) = &mut self.recording
        {
            recording.lost_samples();
        }
        if let Some(aim) = history.newest_aim() {
            self.track.set_aim(aim);
        }
        for joints in history.drain_joints() {
            self.track.insert_joints(&joints);
        }
    }
}
