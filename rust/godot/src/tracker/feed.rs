//! How this player's samples get into their rings.

use godot::{
    classes::{Node, Node3D},
    prelude::*,
};
use synced_client::TrackerFeed;
use synced_protocol::input::InputFrame;
use synced_transport::clock;

use super::{
    DeviceEvent, TrackerSource, TrackerTarget,
    capture::Capture,
    device::{DeviceHand, Side, Viewer},
    openxr::{self, HandPose, Subscription},
    outlets::{History, Outlets, rings},
    root,
    synthetic::Synthetic,
    trace::Trace,
    xr::Follower,
};

/// Who takes this player's samples.
#[derive(Debug, Default)]
pub(super) enum Feed {
    /// Nobody: the node is another player's, or in no session.
    #[default]
    Off,
    /// The main thread takes one each frame, where Godot's tracker is or, if it may be, where the root is.
    EachFrame {
        follower: Follower,
        may_follow_root: bool,
        outlets: Outlets,
    },
    /// The main thread takes one for each event of a device.
    EachEvent(Box<DeviceHand>, Outlets),
    /// A thread of this controller's own takes them.
    Thread(Capture),
    /// The thread on the OpenXR session takes them.
    OpenXr(Follower, Subscription),
}

/// A feed, and the other ends of its rings.
pub(super) struct Started {
    pub feed: Feed,
    pub network: TrackerFeed,
    pub history: History,
}

/// Where a root belongs.
#[derive(Debug)]
pub(super) enum Shown {
    /// Where it is.
    There,
    /// At the newest sample.
    AtNewest,
    At(InputFrame),
}

impl Feed {
    /// # Errors
    /// What is wrong with the trace.
    pub(super) fn start(
        target: TrackerTarget,
        source: &TrackerSource,
        root: &Gd<Node>,
    ) -> Result<Started, String> {
        let (outlets, network, history) = rings();
        let feed = match source {
            TrackerSource::Auto | TrackerSource::Xr => {
                let may_follow_root = *source == TrackerSource::Auto;
                return Ok(follow(Follower::new(target, root), may_follow_root));
            }
            TrackerSource::Gamepad => {
                Self::EachEvent(Box::new(DeviceHand::gamepad(side(target))), outlets)
            }
            TrackerSource::Mouse => {
                Self::EachEvent(Box::new(DeviceHand::mouse(side(target))), outlets)
            }
            TrackerSource::Synthetic => {
                Self::Thread(Capture::start(Synthetic::new(target), outlets)?)
            }
            TrackerSource::Trace(path) => {
                Self::Thread(Capture::start(Trace::open(path)?, outlets)?)
            }
        };
        Ok(Started {
            feed,
            network,
            history,
        })
    }

    /// Whether a better source has come, or the present one gone: it has to be started anew.
    pub(super) fn is_outdated(&self) -> bool {
        match self {
            Self::OpenXr(_, subscription) => !subscription.is_alive(),
            Self::EachFrame { follower, .. } => offered(follower).is_some(),
            Self::Off | Self::EachEvent(..) | Self::Thread(_) => false,
        }
    }

    /// Once a frame: takes the samples where no thread does.
    pub(super) fn frame(
        &mut self,
        root: &Gd<Node>,
        events: &[DeviceEvent],
        latest: &InputFrame,
    ) -> Shown {
        match self {
            Self::Off => Shown::There,
            Self::EachFrame {
                follower,
                may_follow_root,
                outlets,
            } => {
                let from_xr = follower.sample(clock::now());
                let moving = root.clone().try_cast::<Node3D>().ok();
                let moving = moving.filter(|_| *may_follow_root);
                let from_root = || moving.map(|root| root::sample(&root, latest, clock::now()));
                if let Some(sample) = from_xr.or_else(from_root) {
                    outlets.sample(sample);
                }
                follower.shown(from_xr)
            }
            Self::EachEvent(hand, outlets) => {
                if let Ok(root) = root.clone().try_cast::<Node3D>() {
                    hand.frame(events, Viewer::of(&root), clock::now(), |sample| {
                        outlets.sample(sample);
                    });
                }
                Shown::AtNewest
            }
            Self::Thread(capture) => {
                capture.meter.look();
                Shown::AtNewest
            }
            Self::OpenXr(follower, subscription) => {
                let from_xr = follower.sample(clock::now());
                if let Some(sample) = &from_xr {
                    subscription.set_controls(sample.controls);
                }
                follower.shown(from_xr)
            }
        }
    }

    /// Samples that the thread has left out that is this controller's own.
    pub(super) fn skipped(&self) -> u64 {
        match self {
            Self::Thread(capture) => capture.meter.skipped(),
            _ => 0,
        }
    }

    /// What is counted of the thread that is this controller's own.
    pub(super) fn thread_report(&self) -> Option<serde_json::Value> {
        match self {
            Self::Thread(capture) => Some(capture.meter.report("thread")),
            _ => None,
        }
    }
}

/// From the OpenXR session while it can be sampled, else once a frame.
fn follow(follower: Follower, may_follow_root: bool) -> Started {
    if let Some(pose) = offered(&follower) {
        let (outlets, network, history) = rings();
        if let Some(subscription) = Subscription::new(follower.target, pose, outlets) {
            return Started {
                feed: Feed::OpenXr(follower, subscription),
                network,
                history,
            };
        }
    }
    let (outlets, network, history) = rings();
    let feed = Feed::EachFrame {
        follower,
        may_follow_root,
        outlets,
    };
    Started {
        feed,
        network,
        history,
    }
}

/// The pose of the controller that the OpenXR session offers, of those that the root can be at.
fn offered(follower: &Follower) -> Option<HandPose> {
    let mut poses = follower.hand_poses.iter().copied();
    poses.find(|pose| openxr::offers(follower.target, *pose))
}

const fn side(target: TrackerTarget) -> Side {
    match target {
        TrackerTarget::LeftHand => Side::Left,
        TrackerTarget::RightHand | TrackerTarget::Head => Side::Right,
    }
}
