//! Who looks at a device's hand.

use glam::{Quat, Vec3};
use godot::{classes::Node3D, prelude::*};

/// Where the eyes of somebody are who stands.
const STANDING: Transform3D = Transform3D::new(Basis::IDENTITY, Vector3::new(0.0, 1.6, 0.0));

/// Where a viewer is, in the space that the hand moves in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer {
    pub position: Vec3,
    pub orientation: Quat,
}

impl Viewer {
    /// Of the hand whose root is given: the camera, or somebody who stands where the hand's space begins.
    pub(crate) fn of(root: &Gd<Node3D>) -> Self {
        let viewport = root.get_viewport();
        let camera = viewport.and_then(|viewport| viewport.get_camera_3d());
        let place = camera.map_or(STANDING, |camera| {
            let parent = root.get_parent_node_3d();
            let space = parent.map_or(Transform3D::IDENTITY, |parent| {
                parent.get_global_transform()
            });
            space.affine_inverse() * camera.get_global_transform()
        });
        let Vector3 { x, y, z } = place.origin;
        let turn = place.basis.orthonormalized().get_quaternion();
        Self {
            position: Vec3::new(x, y, z),
            orientation: Quat::from_xyzw(turn.x, turn.y, turn.z, turn.w),
        }
    }
}
