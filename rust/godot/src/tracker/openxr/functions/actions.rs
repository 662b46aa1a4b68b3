//! Buttons and axes, as they were when actions were synced last.

use std::ptr;

use godot::{classes::OpenXrApiExtension, obj::Gd};
use openxr_sys::{self as xr, pfn};

use super::{Functions, check, find};

#[derive(Clone, Copy)]
pub(super) struct ActionFunctions {
    boolean: pfn::GetActionStateBoolean,
    float: pfn::GetActionStateFloat,
    vector: pfn::GetActionStateVector2f,
}

impl ActionFunctions {
    pub(super) fn load(api: &Gd<OpenXrApiExtension>) -> Result<Self, String> {
        Ok(Self {
            boolean: find!(api, "xrGetActionStateBoolean", pfn::GetActionStateBoolean)?,
            float: find!(api, "xrGetActionStateFloat", pfn::GetActionStateFloat)?,
            vector: find!(api, "xrGetActionStateVector2f", pfn::GetActionStateVector2f)?,
        })
    }
}

impl Functions {
    /// Not pressed if the runtime does not say.
    pub(in crate::tracker::openxr) fn is_down(&self, action: xr::Action, hand: xr::Path) -> bool {
        let mut state = xr::ActionStateBoolean {
            ty: xr::ActionStateBoolean::TYPE,
            next: ptr::null_mut(),
            current_state: xr::FALSE,
            changed_since_last_sync: xr::FALSE,
            last_change_time: xr::Time::from_nanos(0),
            is_active: xr::FALSE,
        };
        let info = state_of(action, hand);
        // SAFETY: session and action live, and the structures are whole.
        let result =
            unsafe { (self.actions.boolean)(self.session, &raw const info, &raw mut state) };
        check(result).is_ok() && state.is_active.into() && state.current_state.into()
    }

    /// From 0 to 1; zero if the runtime does not say.
    pub(in crate::tracker::openxr) fn axis(&self, action: xr::Action, hand: xr::Path) -> f32 {
        let mut state = xr::ActionStateFloat {
            ty: xr::ActionStateFloat::TYPE,
            next: ptr::null_mut(),
            current_state: 0.0,
            changed_since_last_sync: xr::FALSE,
            last_change_time: xr::Time::from_nanos(0),
            is_active: xr::FALSE,
        };
        let info = state_of(action, hand);
        // SAFETY: session and action live, and the structures are whole.
        let result = unsafe { (self.actions.float)(self.session, &raw const info, &raw mut state) };
        let is_told = check(result).is_ok() && state.is_active.into();
        if is_told { state.current_state } else { 0.0 }
    }

    /// From -1 to 1 each; zero if the runtime does not say.
    pub(in crate::tracker::openxr) fn stick(&self, action: xr::Action, hand: xr::Path) -> [f32; 2] {
        let mut state = xr::ActionStateVector2f {
            ty: xr::ActionStateVector2f::TYPE,
            next: ptr::null_mut(),
            current_state: xr::Vector2f::default(),
            changed_since_last_sync: xr::FALSE,
            last_change_time: xr::Time::from_nanos(0),
            is_active: xr::FALSE,
        };
        let info = state_of(action, hand);
        // SAFETY: session and action live, and the structures are whole.
        let result =
            unsafe { (self.actions.vector)(self.session, &raw const info, &raw mut state) };
        let is_told = check(result).is_ok() && state.is_active.into();
        let xr::Vector2f { x, y } = state.current_state;
        if is_told { [x, y] } else { [0.0; 2] }
    }
}

fn state_of(action: xr::Action, hand: xr::Path) -> xr::ActionStateGetInfo {
    xr::ActionStateGetInfo {
        ty: xr::ActionStateGetInfo::TYPE,
        next: ptr::null(),
        action,
        subaction_path: hand,
    }
}
