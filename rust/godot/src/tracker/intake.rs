//! Where a controller's samples go on the main thread.

use synced_protocol::input::InputFrame;

use super::{Recording, track::Track};

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
    /// Takes in a sample of this player.
    pub(super) fn take(&mut self, sample: InputFrame) {
        self.track.insert(sample);
        self.latest = sample;
        if let Some(recording) = &mut self.recording {
            recording.push(sample);
        }
    }

    /// Some samples found no room on their way here.
    pub(super) fn missed(&mut self) {
        if let Some(recording) = &mut self.recording {
            recording.lost_samples();
        }
    }
}
