//! The functions of the runtime that capture calls, found through the instance that Godot made.
//!
//! All `unsafe` of the sampling stands here and below. What the methods ask of their caller is one thing: a handle is not used any more
//! once its session is destroyed. `spaces` and `hub` see to that.

#![allow(unsafe_code)]

mod actions;
mod hands;
mod time;

use std::ptr;

use godot::{classes::OpenXrApiExtension, obj::Gd};
use openxr_sys::{self as xr, Handle, pfn};

use super::convert::{self, Located};
use actions::ActionFunctions;
use hands::HandFunctions;

/// The most spaces that are located at once.
pub(super) const MAX_LOCATED: usize = 16;

/// The functions of one instance, and the session that they are called for.
#[derive(Clone, Copy)]
pub(super) struct Functions {
    instance: xr::Instance,
    session: xr::Session,
    string_to_path: pfn::StringToPath,
    create_action_space: pfn::CreateActionSpace,
    create_reference_space: pfn::CreateReferenceSpace,
    destroy_space: pfn::DestroySpace,
    locate_space: pfn::LocateSpace,
    locate_spaces: Option<pfn::LocateSpaces>,
    time_of: TimeOf,
    hands: Option<HandFunctions>,
    actions: ActionFunctions,
}

#[cfg(unix)]
type TimeOf = pfn::ConvertTimespecTimeToTimeKHR;
#[cfg(windows)]
type TimeOf = pfn::ConvertWin32PerformanceCounterToTimeKHR;

/// The extension that gives the runtime's time of a moment of the system's clock.
#[cfg(unix)]
pub(super) const TIME_EXTENSION: &str = "XR_KHR_convert_timespec_time";
#[cfg(windows)]
pub(super) const TIME_EXTENSION: &str = "XR_KHR_win32_convert_performance_counter_time";

#[cfg(unix)]
const TIME_FUNCTION: &str = "xrConvertTimespecTimeToTimeKHR";
#[cfg(windows)]
const TIME_FUNCTION: &str = "xrConvertWin32PerformanceCounterToTimeKHR";

/// Which of the optional extensions the instance was made with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Enabled {
    pub time: bool,
    pub hands: bool,
}

/// A call that the runtime refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault(xr::Result);

impl Fault {
    /// Whether no later call can succeed either.
    pub(super) const fn is_final(self) -> bool {
        matches!(
            self.0,
            xr::Result::ERROR_SESSION_LOST
                | xr::Result::ERROR_INSTANCE_LOST
                | xr::Result::ERROR_RUNTIME_FAILURE
                | xr::Result::ERROR_RUNTIME_UNAVAILABLE
                | xr::Result::ERROR_HANDLE_INVALID
        )
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "XR_{:?}", self.0)
    }
}

fn check(result: xr::Result) -> Result<(), Fault> {
    if result.into_raw() < 0 {
        return Err(Fault(result));
    }
    Ok(())
}

/// Looks a function up. Godot reports one that is not there, so only those that have to be are asked for.
macro_rules! find {
    ($api:expr, $name:expr, $kind:ty) => {{
        let address = $api.get_instance_proc_addr($name) as usize;
        // SAFETY: the runtime gives for this name null, which is `None`, or a function of this type.
        unsafe { std::mem::transmute::<usize, Option<$kind>>(address) }
            .ok_or_else(|| format!("the runtime has no {}", $name))
    }};
}
use find;

impl Functions {
    /// Of the instance and the session that Godot has now.
    ///
    /// # Errors
    /// Names what the runtime lacks.
    pub(super) fn load(api: &Gd<OpenXrApiExtension>, enabled: Enabled) -> Result<Self, String> {
        if !enabled.time {
            return Err(format!("the runtime has no {TIME_EXTENSION}"));
        }
        Ok(Self {
            instance: xr::Instance::from_raw(api.get_instance()),
            session: xr::Session::from_raw(api.get_session()),
            string_to_path: find!(api, "xrStringToPath", pfn::StringToPath)?,
            create_action_space: find!(api, "xrCreateActionSpace", pfn::CreateActionSpace)?,
            create_reference_space: find!(
                api,
                "xrCreateReferenceSpace",
                pfn::CreateReferenceSpace
            )?,
            destroy_space: find!(api, "xrDestroySpace", pfn::DestroySpace)?,
            locate_space: find!(api, "xrLocateSpace", pfn::LocateSpace)?,
            locate_spaces: if has_locate_spaces(api) {
                find!(api, "xrLocateSpaces", pfn::LocateSpaces).ok()
            } else {
                None
            },
            time_of: find!(api, TIME_FUNCTION, TimeOf)?,
            actions: ActionFunctions::load(api)?,
            hands: if enabled.hands {
                HandFunctions::load(api).ok()
            } else {
                None
            },
        })
    }

    /// Whether any number of spaces costs one call.
    pub(super) const fn locates_at_once(&self) -> bool {
        self.locate_spaces.is_some()
    }

    pub(super) fn path(&self, name: &std::ffi::CStr) -> Result<xr::Path, Fault> {
        let mut path = xr::Path::default();
        // SAFETY: the instance lives as long as the session; the name ends with a zero.
        check(unsafe { (self.string_to_path)(self.instance, name.as_ptr(), &raw mut path) })?;
        Ok(path)
    }

    pub(super) fn action_space(
        &self,
        action: xr::Action,
        hand: xr::Path,
    ) -> Result<xr::Space, Fault> {
        let info = xr::ActionSpaceCreateInfo {
            ty: xr::ActionSpaceCreateInfo::TYPE,
            next: ptr::null(),
            action,
            subaction_path: hand,
            pose_in_action_space: convert::IDENTITY,
        };
        let mut space = xr::Space::NULL;
        // SAFETY: the session lives, and the structure is whole.
        check(unsafe {
            (self.create_action_space)(self.session, &raw const info, &raw mut space)
        })?;
        Ok(space)
    }

    pub(super) fn reference_space(
        &self,
        reference_space_type: xr::ReferenceSpaceType,
    ) -> Result<xr::Space, Fault> {
        let info = xr::ReferenceSpaceCreateInfo {
            ty: xr::ReferenceSpaceCreateInfo::TYPE,
            next: ptr::null(),
            reference_space_type,
            pose_in_reference_space: convert::IDENTITY,
        };
        let mut space = xr::Space::NULL;
        // SAFETY: the session lives, and the structure is whole.
        check(unsafe {
            (self.create_reference_space)(self.session, &raw const info, &raw mut space)
        })?;
        Ok(space)
    }

    /// What fails here fails because the session is gone, and the space with it.
    pub(super) fn destroy_space(&self, space: xr::Space) {
        // SAFETY: the caller owns the space, and no thread uses it any more.
        let _ = unsafe { (self.destroy_space)(space) };
    }

    /// Where spaces are in another at a time, in their order. One call of the runtime does it where the runtime can: with a
    /// service in another process each call costs a round trip.
    pub(super) fn locate(
        &self,
        spaces: &[xr::Space],
        base: xr::Space,
        time: xr::Time,
        found: &mut [Located; MAX_LOCATED],
    ) -> Result<(), Fault> {
        debug_assert!(spaces.len() <= MAX_LOCATED);
        match self.locate_spaces {
            Some(function) if spaces.len() > 1 => {
                self.locate_all(function, spaces, base, time, found)
            }
            _ => {
                for (space, found) in spaces.iter().zip(found) {
                    *found = self.locate_one(*space, base, time)?;
                }
                Ok(())
            }
        }
    }

    pub(super) fn locate_one(
        &self,
        space: xr::Space,
        base: xr::Space,
        time: xr::Time,
    ) -> Result<Located, Fault> {
        let mut velocity = xr::SpaceVelocity {
            ty: xr::SpaceVelocity::TYPE,
            next: ptr::null_mut(),
            velocity_flags: xr::SpaceVelocityFlags::EMPTY,
            linear_velocity: xr::Vector3f::default(),
            angular_velocity: xr::Vector3f::default(),
        };
        let mut location = xr::SpaceLocation {
            ty: xr::SpaceLocation::TYPE,
            next: (&raw mut velocity).cast(),
            location_flags: xr::SpaceLocationFlags::EMPTY,
            pose: convert::IDENTITY,
        };
        // SAFETY: both spaces live, and the chain of structures lies on the stack until the call returns.
        check(unsafe { (self.locate_space)(space, base, time, &raw mut location) })?;
        Ok(Located::new(
            location.location_flags,
            location.pose,
            velocity.velocity_flags,
            velocity.linear_velocity,
            velocity.angular_velocity,
        ))
    }

    fn locate_all(
        &self,
        function: pfn::LocateSpaces,
        spaces: &[xr::Space],
        base: xr::Space,
        time: xr::Time,
        found: &mut [Located; MAX_LOCATED],
    ) -> Result<(), Fault> {
        let count = spaces.len().min(MAX_LOCATED) as u32;
        let mut moving = [xr::SpaceVelocityData::default(); MAX_LOCATED];
        let mut velocities = xr::SpaceVelocities {
            ty: xr::SpaceVelocities::TYPE,
            next: ptr::null_mut(),
            velocity_count: count,
            velocities: moving.as_mut_ptr(),
        };
        let mut places = [xr::SpaceLocationData::default(); MAX_LOCATED];
        let mut locations = xr::SpaceLocations {
            ty: xr::SpaceLocations::TYPE,
            next: (&raw mut velocities).cast(),
            location_count: count,
            locations: places.as_mut_ptr(),
        };
        let info = xr::SpacesLocateInfo {
            ty: xr::SpacesLocateInfo::TYPE,
            next: ptr::null(),
            base_space: base,
            time,
            space_count: count,
            spaces: spaces.as_ptr(),
        };
        // SAFETY: all spaces live, and no count is past the end of its array. The structures stay until the call returns.
        check(unsafe { function(self.session, &raw const info, &raw mut locations) })?;
        for (found, (place, moving)) in found.iter_mut().zip(places.iter().zip(&moving)) {
            *found = Located::new(
                place.location_flags,
                place.pose,
                moving.velocity_flags,
                moving.linear_velocity,
                moving.angular_velocity,
            );
        }
        Ok(())
    }

    pub(super) const fn session(&self) -> xr::Session {
        self.session
    }
}

/// Locating many spaces at once came with OpenXR 1.1.
fn has_locate_spaces(api: &Gd<OpenXrApiExtension>) -> bool {
    api.get_openxr_version() >= xr::Version::new(1, 1, 0).into_raw()
}
