//! Where the engine enters the library.

#![allow(unsafe_code)]

use godot::{
    init::{InitLevel, InitStage},
    obj::Singleton,
    prelude::*,
};

use crate::{classes::SyncedSession, tracker::openxr};

struct SyncedNodeExtension;

// SAFETY: the library is made for the API that gdext checks when it is loaded, and it has no other entry point.
#[gdextension]
unsafe impl ExtensionLibrary for SyncedNodeExtension {
    // Godot asks its extensions what OpenXR has to offer before there are servers.
    fn min_level() -> InitLevel {
        InitLevel::Core
    }

    fn on_stage_init(stage: InitStage) {
        // The editor opens no session, and reloads the library.
        if stage == InitStage::Core && !godot::init::is_editor_hint() {
            openxr::register();
        }
        if stage == InitStage::Scene {
            openxr::add_setting();
        }
    }

    fn on_stage_deinit(stage: InitStage) {
        if stage == InitStage::MainLoop {
            SyncedSession::shut_down(SyncedSession::singleton());
        }
    }
}
