//! Updates that run no script, so that many are taken in at one go: they are what comes a thousand times a second.

use synced_client::update::Update;

use crate::{core::Core, local::PropertyState};

/// Takes in the update if it is a quiet one, else gives it back.
pub(super) fn take(core: &mut Core, update: Update) -> Option<Update> {
    match update {
        Update::Clock(estimate) => core.clock = estimate,
        Update::Stats(stats) => core.client_stats = Some(stats),
        Update::Input { node, frame } => {
            let local = core.locals.get_mut(&node);
            if let Some(tracker) = local.and_then(|local| local.tracker.as_mut()) {
                tracker.received(frame);
            }
        }
        Update::LiveValue {
            node,
            property,
            stamp,
            value,
        } => {
            let me = core.me;
            let local = core.locals.get_mut(&node);
            let bound = local
                .filter(|local| !local.is_held_by(me))
                .and_then(|local| local.bound.as_mut());
            let property =
                bound.and_then(|bound| bound.properties.get_mut(usize::from(property.0)));
            if let Some(PropertyState::Live(live)) = property.map(|property| &mut property.state) {
                live.received(stamp, value);
            }
        }
        Update::Aim { .. } | Update::Joints { .. } | Update::PlayoutDelay { .. } => {}
        loud => return Some(loud),
    }
    None
}
