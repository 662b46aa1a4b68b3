//! Recording the controller of a `SyncedNode`.

use std::fs::File;

use godot::{classes::ProjectSettings, global::Error, prelude::*};

use super::{SyncedNode, with_core};
use crate::{
    report,
    tracker::{Recorded, Recording, Tracker},
};

#[godot_api(secondary)]
impl SyncedNode {
    /// Records every sample of this player's controller from now on into a trace, which [member trace_file] can play
    /// again. A file of that name is replaced. Nothing waits for the disk; [signal recording_stopped] follows when the
    /// file is closed. A trace holds ten minutes at 1 kHz.
    ///
    /// Returns [constant ERR_UNCONFIGURED] without a [member tracker], [constant ERR_BUSY] while a recording of this node
    /// goes on or is still being written, [constant ERR_FILE_CANT_WRITE] when the file cannot be made.
    #[func(gd_self)]
    fn start_recording(this: Gd<Self>, path: GString) -> Error {
        match this
            .bind()
            .with_tracker(|tracker| tracker.recording().is_some())
        {
            None => return Error::ERR_UNCONFIGURED,
            Some(true) => return Error::ERR_BUSY,
            Some(false) => {}
        }
        let file = ProjectSettings::singleton()
            .globalize_path(&path)
            .to_string();
        let recording =
            File::create(file).and_then(|file| Recording::start(path.to_string(), file));
        match recording {
            Ok(recording) => {
                this.bind()
                    .with_tracker(|tracker| tracker.record(recording));
                Error::OK
            }
            Err(fault) => {
                report::error(&this, &format!("start_recording(\"{path}\"): {fault}"));
                Error::ERR_FILE_CANT_WRITE
            }
        }
    }

    /// Ends the recording. What was captured so far is still written; [signal recording_stopped] follows.
    #[func]
    fn stop_recording(&self) {
        self.with_tracker(|tracker| {
            if let Some(recording) = tracker.recording() {
                recording.end();
            }
        });
    }

    /// Whether samples are recorded.
    #[func]
    fn is_recording(&self) -> bool {
        self.with_tracker(|tracker| {
            tracker
                .recording()
                .is_some_and(|recording| recording.is_open())
        })
        .unwrap_or_default()
    }

    /// Tells what became of a recording.
    pub(crate) fn recorded(this: &Gd<Self>, recorded: &Recorded) {
        let Recorded { path, fault } = recorded;
        if !this.is_instance_valid() {
            return;
        }
        if !fault.is_empty() {
            report::error(
                this,
                &format!("the recording \"{path}\" is not complete: {fault}"),
            );
        }
        let mut signal = this.signals().recording_stopped();
        signal.emit(&GString::from(path), &GString::from(fault));
    }

    fn with_tracker<R>(&self, f: impl FnOnce(&mut Tracker) -> R) -> Option<R> {
        let id = self.id()?;
        with_core(|core| core.locals.get_mut(&id)?.tracker.as_mut().map(f))
    }
}
