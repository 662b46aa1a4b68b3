//! The joints of tracked hands, where the runtime offers them.

use std::ptr;

use godot::{classes::OpenXrApiExtension, obj::Gd};
use openxr_sys::{self as xr, Handle, pfn};
use synced_protocol::input::{JOINTS, Pose};

use super::{super::convert, Functions, check, find};

#[derive(Clone, Copy)]
pub(super) struct HandFunctions {
    create: pfn::CreateHandTrackerEXT,
    destroy: pfn::DestroyHandTrackerEXT,
    locate: pfn::LocateHandJointsEXT,
}

impl HandFunctions {
    pub(super) fn load(api: &Gd<OpenXrApiExtension>) -> Result<Self, String> {
        Ok(Self {
            create: find!(api, "xrCreateHandTrackerEXT", pfn::CreateHandTrackerEXT)?,
            destroy: find!(api, "xrDestroyHandTrackerEXT", pfn::DestroyHandTrackerEXT)?,
            locate: find!(api, "xrLocateHandJointsEXT", pfn::LocateHandJointsEXT)?,
        })
    }
}

impl Functions {
    /// `None` if the runtime tracks no hands.
    pub(in crate::tracker::openxr) fn hand_tracker(
        &self,
        hand: xr::HandEXT,
    ) -> Option<xr::HandTrackerEXT> {
        let info = xr::HandTrackerCreateInfoEXT {
            ty: xr::HandTrackerCreateInfoEXT::TYPE,
            next: ptr::null(),
            hand,
            hand_joint_set: xr::HandJointSetEXT::DEFAULT,
        };
        let mut tracker = xr::HandTrackerEXT::NULL;
        let create = self.hands?.create;
        // SAFETY: the session lives, and the structure is whole.
        check(unsafe { create(self.session, &raw const info, &raw mut tracker) }).ok()?;
        Some(tracker)
    }

    pub(in crate::tracker::openxr) fn destroy_hand_tracker(&self, tracker: xr::HandTrackerEXT) {
        if let Some(hands) = self.hands {
            // SAFETY: the caller owns the tracker, and no thread uses it any more.
            let _ = unsafe { (hands.destroy)(tracker) };
        }
    }

    /// The joints with their radii, or `None` while not all are known.
    pub(in crate::tracker::openxr) fn joints(
        &self,
        tracker: xr::HandTrackerEXT,
        base: xr::Space,
        time: xr::Time,
    ) -> Option<[(Pose, f32); JOINTS]> {
        let info = xr::HandJointsLocateInfoEXT {
            ty: xr::HandJointsLocateInfoEXT::TYPE,
            next: ptr::null(),
            base_space: base,
            time,
        };
        let mut places = [xr::HandJointLocationEXT {
            location_flags: xr::SpaceLocationFlags::EMPTY,
            pose: convert::IDENTITY,
            radius: 0.0,
        }; JOINTS];
        let mut locations = xr::HandJointLocationsEXT {
            ty: xr::HandJointLocationsEXT::TYPE,
            next: ptr::null_mut(),
            is_active: xr::FALSE,
            joint_count: JOINTS as u32,
            joint_locations: places.as_mut_ptr(),
        };
        let locate = self.hands?.locate;
        // SAFETY: the tracker and the space live, and the array has room for the joints of the default set.
        check(unsafe { locate(tracker, &raw const info, &raw mut locations) }).ok()?;
        let is_known = |place: &xr::HandJointLocationEXT| convert::is_known(place.location_flags);
        let all = bool::from(locations.is_active) && places.iter().all(is_known);
        all.then(|| places.map(|place| (convert::pose(place.pose), place.radius)))
    }
}
