//! Controllers at 1 kHz, from the OpenXR session that Godot itself has opened.
//!
//! ```text
//! Godot's OpenXR module -> wrapper -> hub (main thread) --orders--> thread -> channel -> rings -> network
//!                                      ^                              |                    \---> main thread
//!                                      +-- tracker: subscribe         +-- functions of the runtime
//! ```

mod actions;
mod channel;
mod convert;
mod functions;
mod hub;
mod layer;
mod layer_setup;
mod mapping;
mod motion;
mod spaces;
mod thread;
mod wrapper;

use synced_protocol::input::Controls;

pub(crate) use hub::News;
pub(crate) use layer_setup::add_setting;
pub(crate) use spaces::HandPose;
pub(crate) use wrapper::register;

use super::{TrackerTarget, monotonic::Nanos, outlets::Outlets};

/// A controller that is being sampled, until dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    id: u64,
    /// What the thread was told last.
    controls: Controls,
}

impl Subscription {
    /// Begins to sample a controller into its rings.
    pub(crate) fn new(target: TrackerTarget, pose: HandPose, outlets: Outlets) -> Option<Self> {
        let id = hub::with(|hub| hub.add(target, pose, outlets))?;
        Some(Self {
            id,
            controls: Controls::default(),
        })
    }

    /// Whether it is still sampled: not any more once the session is gone.
    pub(crate) fn is_alive(&self) -> bool {
        hub::with(|hub| hub.has(self.id))
    }

    /// What the samples from now on carry.
    pub(crate) fn set_controls(&mut self, controls: Controls) {
        if self.controls != controls && hub::with(|hub| hub.controls(self.id, controls)) {
            self.controls = controls;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        hub::with(|hub| hub.remove(self.id));
    }
}

/// Whether a controller's pose can be sampled now.
pub(crate) fn offers(target: TrackerTarget, pose: HandPose) -> bool {
    hub::with(|hub| hub.offers(target, pose))
}

/// Whether the runtime is gone without a word to Godot, whose trackers stand still.
pub(crate) fn is_lost() -> bool {
    hub::with(|hub| hub.is_lost())
}

/// Once a frame: what has happened to the sampling since.
pub(crate) fn news() -> Vec<News> {
    hub::with(|hub| {
        hub.look_after();
        hub.take_news()
    })
}

/// Ends all sampling for good, and waits for it.
pub(crate) fn close() {
    hub::with(hub::Hub::close);
}

/// What the running thread counts.
pub(crate) fn report() -> Option<serde_json::Value> {
    hub::with(|hub| hub.report())
}

/// Samples that the running thread has left out.
pub(crate) fn skipped() -> u64 {
    hub::with(|hub| hub.skipped())
}
