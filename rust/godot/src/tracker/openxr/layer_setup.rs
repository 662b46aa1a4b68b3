//! Makes the loader take the library for an API layer, where the project wants it.

#![allow(unsafe_code)]

use std::{
    ffi::{CStr, OsString},
    fs, io,
    path::{Path, PathBuf},
};

use godot::{classes::ProjectSettings, obj::Singleton, prelude::*};
use serde_json::json;

use super::layer;

/// Whether buttons and axes are sampled at 1 kHz as well. Costs one more call of the runtime at each sample, and the capture
/// thread syncs actions between Godot's own syncs.
const SETTING: &str = "synced_node/openxr/actions_at_1khz";

/// Shows the setting in the project settings' window.
pub(crate) fn add_setting() {
    let mut settings = ProjectSettings::singleton();
    if !settings.has_setting(SETTING) {
        settings.set_setting(SETTING, &false.to_variant());
    }
    settings.set_initial_value(SETTING, &false.to_variant());
    settings.set_as_basic(SETTING, false);
    settings.set_restart_if_changed(SETTING, true);
}

/// Before Godot makes its instance. What goes wrong leaves buttons and axes at Godot's own rate.
pub(super) fn set_up() {
    let wanted = ProjectSettings::singleton().get_setting(SETTING);
    if !wanted.try_to::<bool>().unwrap_or(false) {
        return;
    }
    if let Err(fault) = install() {
        godot_warn!("Buttons and axes are not sampled at 1 kHz: {fault}.");
    }
}

fn install() -> io::Result<()> {
    let library =
        own_path().ok_or_else(|| io::Error::other("the library's own place is not known"))?;
    let folder = ProjectSettings::singleton().globalize_path("user://synced_node/openxr");
    let folder = PathBuf::from(folder.to_string());
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("layer.json"), manifest(&library))?;
    // SAFETY: Godot starts, and is about to read these itself on this thread. What other threads it has read no environment.
    unsafe {
        prepend("XR_API_LAYER_PATH", folder.as_os_str().to_owned());
        prepend("XR_ENABLE_API_LAYERS", layer::NAME.into());
    }
    Ok(())
}

fn manifest(library: &Path) -> String {
    json!({
        "file_format_version": "1.0.0",
        "api_layer": {
            "name": layer::NAME,
            "library_path": library,
            "api_version": "1.0",
            "implementation_version": "1",
            "description": "Repeats the syncing of actions, for buttons and axes at 1 kHz",
        },
    })
    .to_string()
}

/// # Safety
/// No other thread reads the environment meanwhile.
unsafe fn prepend(name: &str, mut value: OsString) {
    if let Some(given) = std::env::var_os(name).filter(|given| !given.is_empty()) {
        value.push(if cfg!(windows) { ";" } else { ":" });
        value.push(given);
    }
    // SAFETY: the caller vouches for it.
    unsafe { std::env::set_var(name, value) };
}

/// Where this library lies.
#[cfg(unix)]
fn own_path() -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    static HERE: u8 = 0;
    let mut info = libc::Dl_info {
        dli_fname: std::ptr::null(),
        dli_fbase: std::ptr::null_mut(),
        dli_sname: std::ptr::null(),
        dli_saddr: std::ptr::null_mut(),
    };
    // SAFETY: the address is one of this library, and the structure is filled in by the call.
    let name = unsafe {
        let found = libc::dladdr((&raw const HERE).cast(), &raw mut info) != 0;
        (found && !info.dli_fname.is_null()).then(|| CStr::from_ptr(info.dli_fname))
    }?;
    let path = PathBuf::from(OsString::from_vec(name.to_bytes().to_vec()));
    fs::canonicalize(path).ok()
}

#[cfg(not(unix))]
fn own_path() -> Option<PathBuf> {
    None
}
