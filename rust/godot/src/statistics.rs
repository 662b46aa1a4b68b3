//! What the session measured, as GDScript reads it.

use godot::prelude::*;
use serde_json::json;
use synced_client::stats::ClientStats;
use synced_protocol::stage::Summary;

use crate::{
    core::Core,
    tracker::{Tracker, openxr},
};

/// `client` (stages and counters of the network side), `frame` (the main thread's work), `capture` (the sampling of this player's
/// controllers), `transport` (bytes and losses).
pub(crate) fn dictionary(core: &Core) -> VarDictionary {
    let mut all = VarDictionary::new();
    if let Some(stats) = &core.client_stats {
        all.set("client", &client(stats));
    }
    all.set("frame", &frame(core));
    all.set("capture", &from_json(&capture(core)));
    if let Some(link) = &core.link {
        let counters = link.transport_stats().counters();
        all.set(
            "transport",
            &from_json(&serde_json::to_value(counters).unwrap_or_default()),
        );
    }
    all
}

fn client(stats: &ClientStats) -> Variant {
    from_json(&serde_json::to_value(stats).unwrap_or_default())
}

fn frame(core: &Core) -> VarDictionary {
    let stats = &core.frame_stats;
    let count = |number: u64| number.cast_signed();
    vdict! {
        "apply" => &summary(&stats.apply_summary()),
        "time" => &summary(&stats.frame_summary()),
        "updates" => count(stats.updates),
        "frames" => count(stats.frames),
        "frames_over_budget" => count(stats.frames_over_budget),
        "allocations" => count(stats.allocations),
        "nodes" => core.locals.len() as i64,
    }
}

/// The thread on the OpenXR session, or else one that samples a single controller; and each controller's samples.
fn capture(core: &Core) -> serde_json::Value {
    let trackers = || {
        core.locals
            .values()
            .filter_map(|local| local.tracker.as_ref())
    };
    let thread = openxr::report().or_else(|| trackers().find_map(Tracker::thread_report));
    let mut report = thread.unwrap_or_else(|| json!({ "source": "frame" }));
    report["trackers"] = trackers().filter_map(Tracker::report).collect();
    report
}

fn summary(summary: &Summary) -> Variant {
    from_json(&serde_json::to_value(summary).unwrap_or_default())
}

fn from_json(json: &serde_json::Value) -> Variant {
    match json {
        serde_json::Value::Null => Variant::nil(),
        serde_json::Value::Bool(value) => value.to_variant(),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => integer.to_variant(),
            (None, Some(bits)) => bits.cast_signed().to_variant(),
            (None, None) => number.as_f64().unwrap_or(0.0).to_variant(),
        },
        serde_json::Value::String(text) => GString::from(text).to_variant(),
        serde_json::Value::Array(items) => items
            .iter()
            .map(from_json)
            .collect::<VarArray>()
            .to_variant(),
        serde_json::Value::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (GString::from(key).to_variant(), from_json(value)));
            entries.collect::<VarDictionary>().to_variant()
        }
    }
}
