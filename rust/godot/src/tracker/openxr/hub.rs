//! The main thread's half: knows when Godot's session can be sampled, and ends the sampling before anything that it uses is
//! gone.
//!
//! ```text
//! actions synced ----> [ready] -- first subscription --> [thread runs]
//!    ^                    |                                   |
//!    |                    +------ stop (join, free spaces) <--+-- trackers removed, session stopping, lost, destroyed
//!    +-- new session <-- [latched: the runtime failed]
//! ```
//! Godot frees its actions in `OpenXRInterface.uninitialize()` without a word to extensions, but it removes its trackers
//! before: that is the moment to stop.

use std::{cell::RefCell, sync::atomic::Ordering::Relaxed};

use godot::{
    classes::{OpenXrApiExtension, XrServer},
    prelude::*,
};
use openxr_sys::{self as xr, Handle};
use serde_json::json;
use synced_protocol::input::Controls;

use super::{
    channel::Channel,
    functions::{Enabled, Functions},
    mapping::{Change, Mapping},
    spaces::{HandPose, Spaces},
    thread::{Command, MAX_CHANNELS, Thread},
};
use crate::tracker::{TrackerTarget, monotonic, outlets::Outlets, report::Meter, xr::pose_of};

thread_local! {
    static HUB: RefCell<Hub> = RefCell::default();
}

/// Runs `f` on the main thread's half. Nothing in `f` runs a script.
pub(super) fn with<R>(f: impl FnOnce(&mut Hub) -> R) -> R {
    HUB.with_borrow_mut(f)
}

/// What the game is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    Started,
    Lost(String),
}

#[derive(Default)]
pub(super) struct Hub {
    api: Option<Gd<OpenXrApiExtension>>,
    /// Whether some tracker has asked: nothing is made in the runtime before.
    is_wanted: bool,
    /// Whether nothing starts again before another session: this one cannot be sampled.
    is_latched: bool,
    /// Whether the runtime is gone without a word to Godot, whose trackers stand still.
    is_lost: bool,
    /// Whether the game is about to end.
    is_closed: bool,
    session: Option<Session>,
    last_id: u64,
    news: Vec<News>,
}

/// What was made in the runtime's session. The order of the fields is that of their end: no thread outlives the spaces.
struct Session {
    thread: Option<Thread>,
    meter: Option<Meter>,
    ending: Vec<Thread>,
    spaces: Spaces,
    functions: Functions,
    channels: Vec<u64>,
    mapping: Mapping,
}

impl Hub {
    pub(super) fn session_created(&mut self) {
        self.stop("another session was created");
        self.is_latched = false;
        self.is_lost = false;
    }

    /// Once a frame while the session runs, after Godot has synced its actions.
    pub(super) fn synced(&mut self, api: Gd<OpenXrApiExtension>, enabled: Enabled) {
        let api = self.api.insert(api);
        match &mut self.session {
            Some(session) => session.follow(api),
            None if self.is_wanted && !self.is_latched && !self.is_closed => {
                match Session::new(api, enabled) {
                    Ok(session) => self.session = Some(session),
                    Err(fault) => {
                        self.is_latched = true;
                        godot_warn!("Controllers are not sampled at 1 kHz: {fault}.");
                    }
                }
            }
            None => {}
        }
    }

    /// The runtime moves the places that follow the player. The stage is none of them, and then the mapping tells.
    pub(super) fn recentered(&mut self) {
        if let Some(session) = &mut self.session
            && session.spaces.base_type == xr::ReferenceSpaceType::LOCAL
            && let Some(thread) = &mut session.thread
        {
            thread.tell(Command::Jump);
        }
    }

    /// Waits for the thread, and frees what was made in the session.
    pub(super) fn stop(&mut self, reason: &str) {
        self.api = None;
        let was_running = self
            .session
            .take()
            .is_some_and(|session| session.thread.is_some());
        if was_running {
            self.news.push(News::Lost(reason.to_owned()));
        }
    }

    /// Stops for good.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.stop("the game ends");
        self.news.clear();
    }

    /// Once a frame: sees whether the thread has found the runtime gone.
    pub(super) fn look_after(&mut self) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.ending.retain(|thread| !thread.is_finished());
        session.rest();
        if let Some(meter) = &mut session.meter {
            meter.look();
        }
        if session.thread.as_ref().is_some_and(Thread::is_finished) {
            let fault = session.thread.as_mut().and_then(Thread::join);
            self.is_latched = true;
            self.is_lost = true;
            self.stop(fault.as_deref().unwrap_or("the capture thread has ended"));
        }
    }

    pub(super) const fn is_lost(&self) -> bool {
        self.is_lost
    }

    pub(super) fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Whether a controller's pose can be sampled now.
    pub(super) fn offers(&mut self, target: TrackerTarget, pose: HandPose) -> bool {
        self.is_wanted = true;
        self.session.as_ref().is_some_and(|session| {
            session.channels.len() < MAX_CHANNELS && session.spaces.of(target, pose).is_some()
        })
    }

    /// Begins to sample a controller. Gives its number; nothing if that cannot be.
    pub(super) fn add(
        &mut self,
        target: TrackerTarget,
        pose: HandPose,
        outlets: Outlets,
    ) -> Option<u64> {
        let session = self.session.as_mut()?;
        let handles = session.spaces.of(target, pose)?;
        if session.thread.is_none() {
            match session.start(self.api.as_ref()?) {
                Ok(()) => self.news.push(News::Started),
                Err(fault) => {
                    self.is_latched = true;
                    self.stop(&fault);
                    return None;
                }
            }
        }
        let session = self.session.as_mut()?;
        self.last_id += 1;
        let channel = Box::new(Channel::new(self.last_id, handles, outlets));
        let is_told = session.thread.as_mut()?.tell(Command::Add(channel));
        session.channels.extend(is_told.then_some(self.last_id));
        is_told.then_some(self.last_id)
    }

    pub(super) fn has(&self, id: u64) -> bool {
        let session = self.session.as_ref();
        session.is_some_and(|session| session.channels.contains(&id))
    }

    /// Ends the sampling of a controller.
    pub(super) fn remove(&mut self, id: u64) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.channels.retain(|channel| *channel != id);
        if let Some(thread) = &mut session.thread {
            thread.tell(Command::Remove(id));
        }
    }

    pub(super) fn controls(&mut self, id: u64, controls: Controls) -> bool {
        let thread = self.session.as_mut().and_then(|it| it.thread.as_mut());
        thread.is_some_and(|thread| thread.tell(Command::Controls(id, controls)))
    }

    pub(super) fn skipped(&self) -> u64 {
        let meter = self
            .session
            .as_ref()
            .and_then(|session| session.meter.as_ref());
        meter.map_or(0, Meter::skipped)
    }

    /// What the running thread counts.
    pub(super) fn report(&self) -> Option<serde_json::Value> {
        let session = self.session.as_ref()?;
        let counters = &session.thread.as_ref()?.runtime;
        let mut report = session.meter.as_ref()?.report("openxr");
        report["locate_since_start"] = json!(counters.locates.counts().summary());
        report["failures"] = json!(counters.failures.load(Relaxed));
        Some(report)
    }
}

impl Session {
    fn new(api: &mut Gd<OpenXrApiExtension>, enabled: Enabled) -> Result<Self, String> {
        let functions = Functions::load(api, enabled)?;
        let spaces = Spaces::new(functions, api).map_err(|fault| fault.to_string())?;
        Ok(Self {
            thread: None,
            meter: None,
            ending: Vec::new(),
            spaces,
            functions,
            channels: Vec::new(),
            mapping: Mapping::default(),
        })
    }

    fn start(&mut self, api: &Gd<OpenXrApiExtension>) -> Result<(), String> {
        let thread = Thread::start(self.functions, self.spaces.base)?;
        self.meter = Some(Meter::new(thread.counters.clone()));
        self.thread = Some(thread);
        self.mapping = Mapping::default();
        self.follow(api);
        Ok(())
    }

    /// Without a controller to sample the thread ends, and is not waited for.
    fn rest(&mut self) {
        if self.channels.is_empty()
            && let Some(thread) = self.thread.take()
        {
            thread.stop();
            self.ending.push(thread);
        }
    }

    /// Follows Godot's play space, reference frame and scale.
    fn follow(&mut self, api: &Gd<OpenXrApiExtension>) {
        let Some(thread) = &mut self.thread else {
            return;
        };
        let Some(mapping) = mapping_now(self.functions, self.spaces.base, api) else {
            return;
        };
        let change = mapping.change_from(&self.mapping);
        let is_jump = change == Change::Jump;
        // What finds no room shows as a change in the next frame again.
        if change != Change::None && thread.tell(Command::Map { mapping, is_jump }) {
            self.mapping = mapping;
        }
    }
}

fn mapping_now(
    functions: Functions,
    base: xr::Space,
    api: &Gd<OpenXrApiExtension>,
) -> Option<Mapping> {
    let play = xr::Space::from_raw(api.get_play_space());
    if play == xr::Space::NULL {
        return None;
    }
    let time = functions.time_of(monotonic::now()).ok()?;
    let in_play_space = functions.locate_one(base, play, time).ok()?.pose?;
    let server = XrServer::singleton();
    let scale = server.get_world_scale() as f32;
    Some(Mapping::new(
        in_play_space,
        scale,
        pose_of(server.get_reference_frame()),
    ))
}
