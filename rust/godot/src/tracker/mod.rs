//! A controller that a node follows: this player's, captured and streamed, or another's, played out.

mod capture;
mod device;
mod recent;
mod root;
mod synthetic;
mod trace;
mod xr;

use glam::{Quat, Vec3};
use godot::{
    classes::{Node, Node3D},
    prelude::*,
};
use rtrb::{Consumer, Producer, RingBuffer};
use synced_client::playout::Trajectory;
use synced_protocol::{
    input::{Controls, InputFrame},
    time::Micros,
};
use synced_transport::clock;

pub(crate) use capture::join_all;
pub(crate) use device::{DeviceEvent, Events};
pub(crate) use trace::{Recorded, Recording};

use capture::Capture;
use device::{DeviceHand, Side, Viewer};
use recent::Recent;

/// Samples that the ring between capture and network holds: a quarter of a second at 1 kHz.
const RING_SAMPLES: usize = 256;

/// Where the eyes of somebody are who stands.
const STANDING: Transform3D = Transform3D::new(Basis::IDENTITY, Vector3::new(0.0, 1.6, 0.0));

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
    /// The XR runtime's trackers while they are there, else the root's own movement; once a frame.
    Auto,
    /// The XR runtime's trackers; once a frame.
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

/// A node's controller.
#[derive(Debug)]
pub(crate) struct Tracker {
    target: TrackerTarget,
    source: TrackerSource,
    feed: Feed,
    /// What another player streams.
    remote: Trajectory,
    /// The sample shown last, this player's or another's.
    latest: InputFrame,
    /// This player's last samples.
    recent: Recent,
    recording: Option<Recording>,
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

/// How this player's samples get into the ring.
#[derive(Debug, Default)]
enum Feed {
    /// They do not: the node is another player's, or in no session.
    #[default]
    Off,
    /// The main thread takes one each frame.
    EachFrame(Producer<InputFrame>),
    /// The main thread takes one for each event of a device.
    EachEvent(Box<DeviceHand>, Producer<InputFrame>),
    /// A thread takes them.
    Thread(Capture),
}

impl Tracker {
    pub(crate) fn new(target: TrackerTarget, source: TrackerSource) -> Self {
        Self {
            target,
            source,
            feed: Feed::Off,
            remote: Trajectory::new(),
            latest: InputFrame::default(),
            recent: Recent::default(),
            recording: None,
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

    const fn side(&self) -> Side {
        match self.target {
            TrackerTarget::LeftHand => Side::Left,
            TrackerTarget::RightHand | TrackerTarget::Head => Side::Right,
        }
    }

    /// How firm the grip is, from 0 to 1.
    pub(crate) const fn grip(&self) -> f32 {
        self.latest.controls.grip
    }

    /// This player's last samples, the newest last.
    pub(crate) fn recent(&self) -> impl Iterator<Item = &InputFrame> {
        self.recent.iter()
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

    /// Starts to capture. The samples come out of the ring that is returned, stamped in local time.
    ///
    /// # Errors
    /// What is wrong with the trace.
    pub(crate) fn start(&mut self, is_streaming: bool) -> Result<Consumer<InputFrame>, String> {
        self.is_streaming = is_streaming;
        let (producer, consumer) = RingBuffer::new(RING_SAMPLES);
        self.feed = match &self.source {
            TrackerSource::Auto | TrackerSource::Xr => Feed::EachFrame(producer),
            TrackerSource::Gamepad => {
                Feed::EachEvent(Box::new(DeviceHand::gamepad(self.side())), producer)
            }
            TrackerSource::Mouse => {
                Feed::EachEvent(Box::new(DeviceHand::mouse(self.side())), producer)
            }
            TrackerSource::Synthetic => Feed::Thread(Capture::start(
                synthetic::Synthetic::new(self.target),
                producer,
            )?),
            TrackerSource::Trace(path) => {
                Feed::Thread(Capture::start(trace::Trace::open(path)?, producer)?)
            }
        };
        Ok(consumer)
    }

    /// Stops to capture.
    pub(crate) fn stop(&mut self) {
        self.feed = Feed::Off;
        self.recent.clear();
        self.remote.clear();
    }

    /// Once a frame: takes a sample where the main thread is the source, and says where the root belongs if it does not
    /// move by itself.
    pub(crate) fn capture_frame(
        &mut self,
        root: &Gd<Node>,
        events: &[DeviceEvent],
    ) -> Option<InputFrame> {
        match &mut self.feed {
            Feed::Off => None,
            Feed::EachFrame(producer) => {
                let root = root.clone().try_cast::<Node3D>().ok()?;
                let from_xr = xr::sample(self.target, clock::now());
                let moves_root = from_xr.is_some();
                let sample = match (from_xr, &self.source) {
                    (Some(sample), _) => sample,
                    (None, TrackerSource::Auto) => root::sample(&root, &self.latest, clock::now()),
                    (None, _) => return None,
                };
                self.latest = sample;
                self.recent.push(sample);
                if let Some(recording) = &mut self.recording {
                    recording.push(sample);
                }
                // A full ring means that the network thread is behind: it has newer samples than this one to send soon.
                let _ = producer.push(sample);
                moves_root.then_some(sample)
            }
            Feed::EachEvent(hand, producer) => {
                let root = root.clone().try_cast::<Node3D>().ok()?;
                let mut recording = self.recording.as_mut();
                hand.frame(events, viewer(&root), clock::now(), |sample| {
                    self.latest = sample;
                    self.recent.push(sample);
                    if let Some(recording) = &mut recording {
                        recording.push(sample);
                    }
                    let _ = producer.push(sample);
                });
                Some(self.latest)
            }
            Feed::Thread(capture) => {
                let mut recording = self.recording.as_mut();
                capture.drain(|sample| {
                    self.recent.push(sample);
                    if let Some(recording) = &mut recording {
                        recording.push(sample);
                    }
                });
                if let Some(recording) = recording.filter(|_| capture.take_unseen() > 0) {
                    recording.lost_samples();
                }
                self.latest = self.recent.newest().unwrap_or(self.latest);
                Some(self.latest)
            }
        }
    }

    /// Begins to record this player's samples.
    pub(crate) fn record(&mut self, recording: Recording) {
        self.recording = Some(recording);
    }

    /// The recording under way, or about to be written.
    pub(crate) const fn recording(&mut self) -> Option<&mut Recording> {
        self.recording.as_mut()
    }

    /// What became of a recording that is over.
    pub(crate) fn take_recorded(&mut self) -> Option<Recorded> {
        let recorded = self.recording.as_mut()?.poll()?;
        self.recording = None;
        Some(recorded)
    }

    /// Forgets another player's samples: the node has another owner, or its coordinates mean something else now.
    pub(crate) fn forget_remote(&mut self) {
        self.remote.clear();
    }

    /// Takes in a sample of another player.
    pub(crate) fn received(&mut self, frame: InputFrame) {
        self.remote.insert(frame);
    }

    /// The other player's controller at a session time.
    pub(crate) fn remote_at(&mut self, shown_at: Micros) -> Option<InputFrame> {
        self.latest = self.remote.sample_at(shown_at)?;
        Some(self.latest)
    }

    /// Buttons and axes, as GDScript sees them.
    pub(crate) fn controls(&self) -> VarDictionary {
        let Controls {
            buttons,
            trigger,
            grip,
            stick: [x, y],
        } = self.latest.controls;
        vdict! {
            "buttons" => i64::from(buttons),
            "trigger" => trigger,
            "grip" => grip,
            "stick" => Vector2::new(x, y),
        }
    }
}

/// Who looks at a device's hand: the camera, or somebody who stands where the hand's space begins.
fn viewer(root: &Gd<Node3D>) -> Viewer {
    let parent = root.get_parent_node_3d();
    let space = parent.map_or(Transform3D::IDENTITY, |parent| {
        parent.get_global_transform()
    });
    let camera = root
        .get_viewport()
        .and_then(|viewport| viewport.get_camera_3d());
    let place = camera.map_or(STANDING, |camera| {
        space.affine_inverse() * camera.get_global_transform()
    });
    let Vector3 { x, y, z } = place.origin;
    let turn = place.basis.orthonormalized().get_quaternion();
    Viewer {
        position: Vec3::new(x, y, z),
        orientation: Quat::from_xyzw(turn.x, turn.y, turn.z, turn.w),
    }
}
