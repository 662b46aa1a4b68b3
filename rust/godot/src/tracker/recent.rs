//! This player's last samples, for what is computed from them on the main thread.

use std::collections::VecDeque;

use synced_protocol::input::InputFrame;

/// Samples that are kept: more than any throw looks back, at 1 kHz.
const SAMPLES: usize = 1_024;

/// The last samples, in the order of their times.
#[derive(Debug, Default)]
pub(super) struct Recent {
    samples: VecDeque<InputFrame>,
}

impl Recent {
    pub(super) fn push(&mut self, sample: InputFrame) {
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    pub(super) fn newest(&self) -> Option<InputFrame> {
        self.samples.back().copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &InputFrame> {
        self.samples.iter()
    }

    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }
}
