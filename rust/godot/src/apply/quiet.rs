//! Updates that run no script, so that many are taken in at one go: they are what comes a thousand times a second.

use synced_client::update::Update;
use synced_protocol::{id::NodeId, time::Micros};

use crate::{core::Core, local::PropertyState, tracker::Tracker};

/// Takes in the update if it is a quiet one, else gives it back.
pub(super) fn take(core: &mut Core, update: Update, now: Micros) -> Option<Update> {
    match update {
        Update::Clock(estimate) => core.clock = estimate,
        Update::Servers(servers) => core.servers.all = servers,
        Update::Stats(stats) => core.client_stats = Some(stats),
        Update::Input { node, frame } => {
            if let Some(tracker) = tracker(core, node) {
                tracker.received(frame);
            }
        }
        Update::Aim { node, aim } => {
            if let Some(tracker) = tracker(core, node) {
                tracker.received_aim(aim);
            }
        }
        Update::Joints { node, joints } => {
            if let Some(tracker) = tracker(core, node) {
                tracker.received_joints(&joints);
            }
        }
        Update::PlayoutDelay { player, delay } => core.timelines.recommend(player, delay),
        Update::LiveValue {
            node,
            property,
            stamp,
            value,
        } => {
            let me = core.me;
            let local = core.locals.get_mut(&node);
            let bound = local
                .filter(|local| local.follows_stream(me))
                .and_then(|local| local.bound.as_mut());
            let property =
                bound.and_then(|bound| bound.properties.get_mut(usize::from(property.0)));
            if let Some(PropertyState::Live(live)) = property.map(|property| &mut property.state) {
                live.received(stamp, value);
            }
        }
        Update::CommitEnd(end) => {
            core.commit_applied(&end, now);
            return end.own.map(|_| Update::CommitEnd(end));
        }
        loud => return Some(loud),
    }
    None
}

fn tracker(core: &mut Core, node: NodeId) -> Option<&mut Tracker> {
    let local = core.locals.get_mut(&node)?;
    local.tracker.as_mut().filter(|_| local.wants_live)
}
