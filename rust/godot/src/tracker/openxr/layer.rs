//! The library as an OpenXR API layer, for buttons and axes at 1 kHz.
//!
//! They change only when actions are synced, which Godot does once a frame, and of its action sets it shows nothing. So,
//! where the project wants it, the library puts itself between Godot and the runtime before Godot makes its instance: it
//! remembers what Godot has synced last, and the capture thread repeats that.
//!
//! ```text
//! Godot -> xrSyncActions -> layer: remembers -> runtime
//! capture thread ---------> layer: repeats ---> runtime
//! ```

#![allow(unsafe_code)]

use std::{
    ffi::{CStr, c_char},
    sync::{Mutex, MutexGuard, PoisonError},
};

use openxr_sys::{self as xr, Handle, pfn};

/// How the loader calls the layer.
pub(super) const NAME: &str = "XR_APILAYER_SYNCED_actions";

/// Action sets that one sync may name: Godot makes one, and a project seldom adds another.
const MAX_SETS: usize = 16;

/// What stands below the layer, and what Godot asked of it last.
struct Below {
    get_instance_proc_addr: pfn::GetInstanceProcAddr,
    sync_actions: Option<pfn::SyncActions>,
    synced: Option<Synced>,
}

#[derive(Clone, Copy)]
struct Synced {
    session: xr::Session,
    sets: [xr::ActiveActionSet; MAX_SETS],
    count: usize,
}

/// Held for as long as it takes to copy it, never during a call.
static BELOW: Mutex<Option<Below>> = Mutex::new(None);

fn below() -> MutexGuard<'static, Option<Below>> {
    BELOW.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether there is a sync of this session to repeat.
pub(super) fn can_repeat(session: xr::Session) -> bool {
    let below = below();
    let synced = below.as_ref().and_then(|below| below.synced);
    synced.is_some_and(|synced| synced.session == session)
}

/// Syncs what Godot has synced last, if that is this session's. Never waits: while Godot syncs itself there is nothing to do.
pub(super) fn repeat(session: xr::Session) {
    let Ok(below) = BELOW.try_lock() else {
        return;
    };
    let Some((function, synced)) = below.as_ref().and_then(|it| it.sync_actions.zip(it.synced))
    else {
        return;
    };
    drop(below);
    if synced.session == session {
        let info = synced.info();
        // SAFETY: the capture thread ends before Godot frees the action sets of a session, or the session itself.
        let _ = unsafe { function(session, &raw const info) };
    }
}

impl Synced {
    /// `None` for what is more than Godot asks for: it passes through and is not repeated.
    ///
    /// # Safety
    /// `info` is whole, as the specification has it for `xrSyncActions`.
    unsafe fn read(session: xr::Session, info: *const xr::ActionsSyncInfo) -> Option<Self> {
        // SAFETY: the caller vouches for the structure and for the array that it names.
        let given = unsafe {
            let info = info.as_ref()?;
            let count = info.count_active_action_sets as usize;
            if count == 0 || count > MAX_SETS || !info.next.is_null() {
                return None;
            }
            std::slice::from_raw_parts(info.active_action_sets, count)
        };
        let mut sets = [xr::ActiveActionSet {
            action_set: xr::ActionSet::NULL,
            subaction_path: xr::Path::default(),
        }; MAX_SETS];
        sets[..given.len()].copy_from_slice(given);
        Some(Self {
            session,
            sets,
            count: given.len(),
        })
    }

    fn info(&self) -> xr::ActionsSyncInfo {
        xr::ActionsSyncInfo {
            ty: xr::ActionsSyncInfo::TYPE,
            next: std::ptr::null(),
            count_active_action_sets: self.count as u32,
            active_action_sets: self.sets.as_ptr(),
        }
    }
}

/// What the loader calls first: says how to go on.
///
/// # Safety
/// Called by an OpenXR loader, with structures as its interface has them.
#[unsafe(no_mangle)]
unsafe extern "system" fn xrNegotiateLoaderApiLayerInterface(
    loader: *const xr::NegotiateLoaderInfo,
    _layer: *const c_char,
    request: *mut xr::NegotiateApiLayerRequest,
) -> xr::Result {
    // SAFETY: the loader passes both structures, or null.
    let (Some(loader), Some(request)) = (unsafe { loader.as_ref() }, unsafe { request.as_mut() })
    else {
        return xr::Result::ERROR_INITIALIZATION_FAILED;
    };
    let is_known = loader.struct_type == xr::NegotiateLoaderInfo::TYPE
        && request.struct_type == xr::NegotiateApiLayerRequest::TYPE
        && (loader.min_interface_version..=loader.max_interface_version)
            .contains(&xr::NegotiateApiLayerRequest::VERSION);
    if !is_known {
        return xr::Result::ERROR_INITIALIZATION_FAILED;
    }
    request.layer_interface_version = xr::NegotiateApiLayerRequest::VERSION;
    request.layer_api_version = xr::Version::new(1, 0, 0);
    request.get_instance_proc_addr = Some(get_instance_proc_addr);
    request.create_api_layer_instance = Some(create_api_layer_instance);
    xr::Result::SUCCESS
}

/// # Safety
/// Called by an OpenXR loader, with structures as its interface has them.
unsafe extern "system" fn create_api_layer_instance(
    info: *const xr::InstanceCreateInfo,
    layer: *const xr::ApiLayerCreateInfo,
    instance: *mut xr::Instance,
) -> xr::Result {
    // SAFETY: the loader passes the structure and, in it, what stands below this layer.
    let Some((layer, next)) = (unsafe {
        let layer = layer.as_ref();
        layer.and_then(|layer| Some((layer, layer.next_info.as_ref()?)))
    }) else {
        return xr::Result::ERROR_INITIALIZATION_FAILED;
    };
    let (Some(get), Some(create)) = (
        next.next_get_instance_proc_addr,
        next.next_create_api_layer_instance,
    ) else {
        return xr::Result::ERROR_INITIALIZATION_FAILED;
    };
    let passed_on = xr::ApiLayerCreateInfo {
        next_info: next.next,
        ..*layer
    };
    // SAFETY: all is as the loader gave it, but for the layer taken off the chain.
    let result = unsafe { create(info, &raw const passed_on, instance) };
    if result == xr::Result::SUCCESS {
        // SAFETY: the call has put an instance there.
        let sync_actions = unsafe { find(get, *instance, c"xrSyncActions") };
        *below() = Some(Below {
            get_instance_proc_addr: get,
            // SAFETY: the function of this name is of this type.
            sync_actions: sync_actions.map(|function| unsafe {
                std::mem::transmute::<pfn::VoidFunction, pfn::SyncActions>(function)
            }),
            synced: None,
        });
    }
    result
}

/// # Safety
/// Called by an OpenXR loader; `name` ends with a zero, and `function` is a place for the answer.
unsafe extern "system" fn get_instance_proc_addr(
    instance: xr::Instance,
    name: *const c_char,
    function: *mut Option<pfn::VoidFunction>,
) -> xr::Result {
    let Some(next) = below().as_ref().map(|below| below.get_instance_proc_addr) else {
        return xr::Result::ERROR_HANDLE_INVALID;
    };
    // SAFETY: passed on as it came.
    let result = unsafe { next(instance, name, function) };
    // SAFETY: the caller vouches for the name and for the place.
    unsafe {
        if result == xr::Result::SUCCESS && CStr::from_ptr(name) == c"xrSyncActions" {
            *function = Some(std::mem::transmute::<pfn::SyncActions, pfn::VoidFunction>(
                sync_actions,
            ));
        }
    }
    result
}

/// # Safety
/// As the specification has it for `xrSyncActions`.
unsafe extern "system" fn sync_actions(
    session: xr::Session,
    info: *const xr::ActionsSyncInfo,
) -> xr::Result {
    // SAFETY: the caller vouches for the structure.
    let synced = unsafe { Synced::read(session, info) };
    let function = {
        let mut below = below();
        let Some(below) = below.as_mut() else {
            return xr::Result::ERROR_HANDLE_INVALID;
        };
        below.synced = synced;
        below.sync_actions
    };
    match function {
        // SAFETY: passed on as it came.
        Some(function) => unsafe { function(session, info) },
        None => xr::Result::ERROR_FUNCTION_UNSUPPORTED,
    }
}

/// # Safety
/// `get` is of a live instance.
unsafe fn find(
    get: pfn::GetInstanceProcAddr,
    instance: xr::Instance,
    name: &CStr,
) -> Option<pfn::VoidFunction> {
    let mut function = None;
    // SAFETY: the caller vouches for the instance; the name ends with a zero.
    let result = unsafe { get(instance, name.as_ptr(), &raw mut function) };
    (result == xr::Result::SUCCESS)
        .then_some(function)
        .flatten()
}
