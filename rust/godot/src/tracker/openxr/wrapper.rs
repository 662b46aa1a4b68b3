//! What Godot's OpenXR module calls.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use godot::{
    classes::{IOpenXrExtensionWrapper, OpenXrExtensionWrapper, ProjectSettings, XrServer},
    obj::{NewAlloc, Singleton},
    prelude::*,
};

use super::{
    functions::{Enabled, TIME_EXTENSION},
    hub, layer_setup,
};
use crate::tracker::TrackerTarget;

const HANDS_EXTENSION: &str = "XR_EXT_hand_tracking";
/// The project's setting by which Godot asks for the hands, too.
const HANDS_SETTING: &str = "xr/openxr/extensions/hand_tracking";

/// Godot writes here whether the instance has the extension.
static HAS_TIME: AtomicBool = AtomicBool::new(false);
static HAS_HANDS: AtomicBool = AtomicBool::new(false);

/// Follows the life of the session that Godot opens. Godot frees it.
#[derive(GodotClass)]
#[class(tool, init, internal, base = OpenXrExtensionWrapper)]
pub(crate) struct SyncedOpenXrExtension {
    base: Base<OpenXrExtensionWrapper>,
}

/// Makes Godot call it. Has to be before Godot makes its instance, and so before there are servers.
pub(crate) fn register() {
    // As a script would: the checks of a typed call in a debug build ask Godot's ClassDB, which is not there yet.
    let wrapper = SyncedOpenXrExtension::new_alloc().to_variant();
    wrapper.call("register_extension_wrapper", &[]);
}

#[godot_api]
impl SyncedOpenXrExtension {
    /// The actions of a removed tracker are freed right after.
    #[func(gd_self)]
    fn on_tracker_removed(_this: Gd<Self>, tracker_name: StringName, _kind: i64) {
        if TrackerTarget::parse(&tracker_name.to_string()).is_some() {
            hub::with(|hub| hub.stop("the XR interface was uninitialized"));
        }
    }

    #[func(gd_self)]
    fn on_pose_recentered(_this: Gd<Self>) {
        hub::with(hub::Hub::recentered);
    }

    fn listen(&self, mut to: Gd<Object>, signal: &str, method: &str) {
        let handler = self.to_gd().callable(method);
        if !to.is_connected(signal, &handler) {
            to.connect(signal, &handler);
        }
    }
}

#[godot_api]
impl IOpenXrExtensionWrapper for SyncedOpenXrExtension {
    fn get_requested_extensions(&mut self, _xr_version: u64) -> AnyDictionary {
        let mut wanted = VarDictionary::new();
        wanted.set(TIME_EXTENSION, address_of(&HAS_TIME));
        let has_setting = ProjectSettings::singleton().get_setting(HANDS_SETTING);
        if has_setting.try_to::<bool>().unwrap_or(false) {
            wanted.set(HANDS_EXTENSION, address_of(&HAS_HANDS));
        }
        wanted.upcast_any_dictionary()
    }

    fn on_before_instance_created(&mut self) {
        layer_setup::set_up();
    }

    fn on_session_created(&mut self, _session: u64) {
        hub::with(hub::Hub::session_created);
    }

    // The first session is created while Godot starts and has no servers to show yet; this comes later.
    fn on_state_ready(&mut self) {
        let server = XrServer::singleton();
        self.listen(
            server.clone().upcast(),
            "tracker_removed",
            "on_tracker_removed",
        );
        if let Some(interface) = server.find_interface("OpenXR") {
            self.listen(interface.upcast(), "pose_recentered", "on_pose_recentered");
        }
    }

    fn on_sync_actions(&mut self) {
        let Some(api) = self.base().get_openxr_api() else {
            return;
        };
        let enabled = Enabled {
            time: HAS_TIME.load(Relaxed),
            hands: HAS_HANDS.load(Relaxed),
        };
        hub::with(|hub| hub.synced(api, enabled));
    }

    fn on_state_stopping(&mut self) {
        hub::with(|hub| hub.stop("the OpenXR session is stopping"));
    }

    fn on_state_loss_pending(&mut self) {
        hub::with(|hub| hub.stop("the OpenXR session is about to be lost"));
    }

    fn on_state_exiting(&mut self) {
        hub::with(|hub| hub.stop("the OpenXR session is over"));
    }

    fn on_session_destroyed(&mut self) {
        hub::with(|hub| hub.stop("the OpenXR session was destroyed"));
    }

    fn on_instance_destroyed(&mut self) {
        hub::with(|hub| hub.stop("the OpenXR instance was destroyed"));
    }
}

fn address_of(flag: &'static AtomicBool) -> i64 {
    (flag.as_ptr() as usize as u64).cast_signed()
}
