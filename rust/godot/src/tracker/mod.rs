//! A controller that a node follows: this player's, captured and streamed, or another's, played out.

mod capture;
mod checks;
mod device;
mod feed;
mod histogram;
mod intake;
mod joints;
mod monotonic;
pub(crate) mod openxr;
mod outlets;
mod pacing;
mod report;
mod root;
mod sampling;
mod synthetic;
mod trace;
mod track;
mod xr;

use godot::{classes::Node, prelude::*};
use synced_client::TrackerFeed;
use synced_protocol::{
    input::{HandJoints, InputFrame, JOINTS, Pose, Precision},
    time::Micros,
};
use synced_transport::clock;

pub(crate) use checks::Settings;
pub(crate) use device::{DeviceEvent, Events};
pub(crate) use sampling::Sampling;
pub(crate) use trace::{Recorded, Recording};

use feed::{Feed, Shown};
use intake::Intake;
use outlets::History;

/// What counts as the last samples: more than any throw looks back.
const RECENT: Micros = Micros::from_secs(1);

/// Which controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrackerTarget {
    LeftHand,
    RightHand,
    Head,
}

impl TrackerTarget {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "left_hand" => Some(Self::LeftHand),
            "right_hand" => Some(Self::RightHand),
            "head" => Some(Self::Head),
            _ => None,
        }
    }

    /// The tracker's name in Godot's XRServer.
    pub(crate) const fn xr_name(self) -> &'static str {
        match self {
            Self::LeftHand => "left_hand",
            Self::RightHand => "right_hand",
            Self::Head => "head",
        }
    }
}

/// Where a controller's samples come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TrackerSource {
    /// The XR runtime's trackers while they are there, else the root's own movement, once a frame.
    Auto,
    /// The XR runtime's trackers: at 1 kHz from an OpenXR session, once a frame from any other.
    Xr,
    /// A made-up trajectory, at 1 kHz.
    Synthetic,
    /// A recorded trajectory, at the pace of its recording.
    Trace(String),
    /// The sticks and buttons of a gamepad, event by event.
    Gamepad,
    /// The mouse, event by event.
    Mouse,
}

impl TrackerSource {
    /// The source by its number in the inspector.
    pub(crate) fn from_number(number: i64, trace_file: &GString) -> Self {
        match number {
            1 => Self::Xr,
            2 => Self::Synthetic,
            3 => Self::Trace(trace_file.to_string()),
            4 => Self::Gamepad,
            5 => Self::Mouse,
            _ => Self::Auto,
        }
    }
}

/// Ends all capture threads, for good. For the end of the game: the library must not be unloaded before.
pub(crate) fn shut_down() {
    openxr::close();
    capture::join_all();
}

/// A node's controller.
#[derive(Debug)]
pub(crate) struct Tracker {
    target: TrackerTarget,
    source: TrackerSource,
    precision: Precision,
    feed: Feed,
    /// This player's samples on their way to the main thread.
    history: Option<History>,
    seen: Intake,
    /// Whether the samples go to the session.
    is_streaming: bool,
}

/// What becomes of this player's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feeding {
    /// There are none.
    Off,
    /// They move the root here.
    Local,
    /// They go to the session, too.
    Streamed,
}

impl Tracker {
    pub(crate) fn new(target: TrackerTarget, source: TrackerSource, precision: Precision) -> Self {
        Self {
            target,
            source,
            precision,
            feed: Feed::Off,
            history: None,
            seen: Intake::default(),
            is_streaming: false,
        }
    }

    /// Whether it is a hand's.
    pub(crate) const fn is_hand(&self) -> bool {
        !matches!(self.target, TrackerTarget::Head)
    }

    /// Which devices' events it wants: of any, and of the mouse.
    pub(crate) const fn wants_events(&self) -> (bool, bool) {
        match &self.feed {
            Feed::EachEvent(hand, _) => (true, hand.is_mouse()),
            _ => (false, false),
        }
    }

    /// How firm the grip is, from 0 to 1.
    pub(crate) const fn grip(&self) -> f32 {
        self.seen.latest.controls.grip
    }

    /// This player's last samples, the newest last.
    pub(crate) fn recent(&self) -> impl Iterator<Item = &InputFrame> {
        self.seen.track.recent(RECENT)
    }

    pub(crate) fn feeding(&self) -> Feeding {
        match self.feed {
            Feed::Off => Feeding::Off,
            _ if self.is_streaming => Feeding::Streamed,
            _ => Feeding::Local,
        }
    }

    pub(crate) fn is_feeding(&self) -> bool {
        !matches!(self.feed, Feed::Off)
    }

    /// Whether a better source has come, or the present one gone: it has to be started anew.
    pub(crate) fn is_outdated(&self) -> bool {
        self.feed.is_outdated()
    }

    /// Starts to capture, or goes on from another source. The samples come out of the feed that is returned, stamped in
    /// local time.
    ///
    /// # Errors
    /// What is wrong with the trace.
    pub(crate) fn start(
        &mut self,
        root: &Gd<Node>,
        is_streaming: bool,
    ) -> Result<TrackerFeed, String> {
        if !self.is_feeding() {
            self.seen.track.clear();
        }
        self.is_streaming = is_streaming;
        let started = Feed::start(self.target, &self.source, root)?;
        self.feed = started.feed;
        self.history = Some(started.history);
        Ok(TrackerFeed {
            precision: self.precision,
            ..started.network
        })
    }

    /// Stops to capture.
    pub(crate) fn stop(&mut self) {
        self.feed = Feed::Off;
        self.history = None;
        self.seen.track.clear();
    }

    /// Once a frame: takes in this player's samples, and says where the root belongs if it does not move by itself.
    pub(crate) fn capture_frame(
        &mut self,
        root: &Gd<Node>,
        events: &[DeviceEvent],
    ) -> Option<InputFrame> {
        let shown = self.feed.frame(root, events, &self.seen.latest);
        if let Some(history) = &mut self.history {
            self.seen.take(history);
        }
        match shown {
            Shown::There => None,
            Shown::AtNewest => Some(self.seen.latest),
            Shown::At(sample) => Some(sample),
        }
    }

    /// What is counted of this player's samples, under its name in Godot's XRServer; nothing while none are taken.
    pub(crate) fn report(&self) -> Option<(String, serde_json::Value)> {
        let report = report::of_controller(&self.history.as_ref()?.counters);
        Some((self.target.xr_name().to_owned(), report))
    }

    /// What is counted of the thread that is this controller's own.
    pub(crate) fn thread_report(&self) -> Option<serde_json::Value> {
        self.feed.thread_report()
    }

    /// Begins to record this player's samples.
    pub(crate) fn record(&mut self, recording: Recording) {
        self.seen.recording = Some(recording);
    }

    /// The recording under way, or about to be written.
    pub(crate) const fn recording(&mut self) -> Option<&mut Recording> {
        self.seen.recording.as_mut()
    }

    /// What became of a recording that is over.
    pub(crate) fn take_recorded(&mut self) -> Option<Recorded> {
        let recorded = self.seen.recording.as_mut()?.poll()?;
        self.seen.recording = None;
        Some(recorded)
    }

    /// Forgets another player's samples: the node has another owner, or its coordinates mean something else now.
    pub(crate) fn forget_remote(&mut self) {
        if !self.is_feeding() {
            self.seen.track.clear();
        }
    }

    /// Takes in a sample of another player.
    pub(crate) fn received(&mut self, frame: InputFrame) {
        if !self.is_feeding() {
            self.seen.track.insert(frame);
        }
    }

    /// Takes in the aim pose of another player's controller, from its grip pose.
    pub(crate) fn received_aim(&mut self, aim: Pose) {
        if !self.is_feeding() {
            self.seen.track.set_aim(aim);
        }
    }

    /// Takes in the joints of another player's hand.
    pub(crate) fn received_joints(&mut self, joints: &HandJoints) {
        if !self.is_feeding() {
            self.seen.track.insert_joints(joints);
        }
    }

    /// The other player's controller at a session time, which never goes back.
    pub(crate) fn remote_at(&mut self, shown_at: Micros) -> Option<InputFrame> {
        self.seen.latest = self.seen.track.show(shown_at)?;
        Some(self.seen.latest)
    }

    /// Whether the controller jumped since the last call: up to a session time.
    pub(crate) fn take_jump(&mut self, shown_at: Micros, clock_offset_us: i64) -> bool {
        let until = self.track_time(shown_at, clock_offset_us);
        self.seen.track.take_jump(until)
    }

    /// The controller at a session time, if that is not before all that is known.
    pub(crate) fn sample_at(&self, at: Micros, clock_offset_us: i64) -> Option<InputFrame> {
        let frame = self
            .seen
            .track
            .sample_at(self.track_time(at, clock_offset_us))?;
        Some(InputFrame {
            sampled_at: at,
            ..frame
        })
    }

    /// The samples from one session time to another, both included.
    pub(crate) fn range(
        &self,
        from: Micros,
        to: Micros,
        clock_offset_us: i64,
    ) -> impl Iterator<Item = InputFrame> {
        let [from, to] = [from, to].map(|at| self.track_time(at, clock_offset_us));
        let back = self.offset_us(clock_offset_us);
        self.seen
            .track
            .range(from, to)
            .map(move |frame| InputFrame {
                sampled_at: frame.sampled_at.shifted(back),
                ..*frame
            })
    }

    /// The sample shown last.
    pub(crate) const fn latest(&self) -> &InputFrame {
        &self.seen.latest
    }

    /// The aim pose, from the grip pose.
    pub(crate) const fn aim(&self) -> Option<Pose> {
        self.seen.track.aim()
    }

    /// The joints of the hand at a session time.
    pub(crate) fn joints_at(&self, at: Micros, clock_offset_us: i64) -> Option<[Pose; JOINTS]> {
        self.seen
            .track
            .joints()
            .sample_at(self.track_time(at, clock_offset_us))
    }

    /// How this player's controller is sampled; none for another's.
    pub(crate) fn sampling(&self) -> Option<Sampling> {
        self.is_feeding()
            .then(|| Sampling::of(&self.seen.track, clock::now()))
    }

    /// How full the ring to the network is, from 0 to 1.
    pub(crate) fn ring_level(&self) -> f64 {
        self.history.as_ref().map_or(0.0, History::network_level)
    }

    /// Samples left out by the thread that is this controller's own.
    pub(crate) fn skipped(&self) -> u64 {
        self.feed.skipped()
    }

    /// A session time in the time of the track.
    const fn track_time(&self, at: Micros, clock_offset_us: i64) -> Micros {
        at.shifted(self.offset_us(clock_offset_us).saturating_neg())
    }

    /// What to add to the track's times to get session time.
    const fn offset_us(&self, clock_offset_us: i64) -> i64 {
        match self.feed {
            Feed::Off => 0,
            _ => clock_offset_us,
        }
    }
}
