//! Where the engine enters the library.

#![allow(unsafe_code)]

use godot::{init::InitStage, obj::Singleton, prelude::*};

use crate::classes::SyncedSession;

struct SyncedNodeExtension;

// SAFETY: the library is made for the API that gdext checks when it is loaded, and it has no other entry point.
#[gdextension]
unsafe impl ExtensionLibrary for SyncedNodeExtension {
    fn on_stage_deinit(stage: InitStage) {
        if stage == InitStage::MainLoop {
            SyncedSession::shut_down(SyncedSession::singleton());
        }
    }
}
