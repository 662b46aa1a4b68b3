//! The velocity that a hand gives to what it lets go.

use godot::{
    classes::{Node3D, PhysicsServer3D, RigidBody3D},
    prelude::*,
};
use synced_client::playout::{FittedVelocity, fit_velocity};
use synced_protocol::{input::InputFrame, time::Micros};

use super::{
    hold::Hold,
    past::{vec3, vector3},
};

/// What a body gets when it is let go, in the world.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Throw {
    /// Of its centre of mass, in metres a second.
    pub linear: Vector3,
    /// In radians a second.
    pub angular: Vector3,
}

/// The throw of a hold that ends now. `samples` are the hand's last, in the space that it hangs in; without them its last
/// frames have to do.
pub(crate) fn of(hold: &Hold, samples: &[InputFrame], window: Micros, scale: f32) -> Throw {
    let hand = hold.hand_place().origin;
    let motion = match fit_velocity(samples, window) {
        Some(own) => carried(hold, own, window),
        None => hold.hand_past.motion(window),
    };
    let lever = vec3(centre_of_mass(&hold.root) - hand);
    let linear = motion.linear + motion.angular.cross(lever);
    Throw {
        linear: vector3(linear * scale),
        angular: vector3(motion.angular),
    }
}

/// A hand's motion as the world sees it: what the hand hangs in may walk and turn meanwhile.
fn carried(hold: &Hold, own: FittedVelocity, window: Micros) -> FittedVelocity {
    let carrier = hold.parent_past.motion(window);
    let parent = hold.parent_place();
    let lever = vec3(hold.hand_place().origin - parent.origin);
    let turn = parent.basis.orthonormalized();
    let linear = vec3(parent.basis * vector3(own.linear));
    FittedVelocity {
        linear: linear + carrier.linear + carrier.angular.cross(lever),
        angular: vec3(turn * vector3(own.angular)) + carrier.angular,
    }
}

/// In the world. What is no body has its origin for one.
fn centre_of_mass(root: &Gd<Node3D>) -> Vector3 {
    let place = root.get_global_transform();
    let body = root.clone().try_cast::<RigidBody3D>().ok();
    let state =
        body.and_then(|body| PhysicsServer3D::singleton().body_get_direct_state(body.get_rid()));
    state.map_or(place.origin, |state| {
        place * state.get_center_of_mass_local()
    })
}
