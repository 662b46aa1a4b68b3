//! The session's performance monitors, in the game and in the editor's debugger.

use godot::{
    classes::{Performance, performance::MonitorType},
    obj::Singleton,
    prelude::*,
};
use synced_client::stats::{ClientStats, LiveStats};
use synced_protocol::time::Micros;

use crate::{
    classes::with_core,
    core::Core,
    tracker::{Sampling, Tracker, openxr},
};

/// One curve of the debugger. What it shows is only looked up when somebody reads it.
#[derive(Debug)]
struct Monitor {
    /// Its group stands before the `/`.
    name: &'static str,
    kind: MonitorType,
    /// Never negative; times in seconds, parts of a whole from 0 to 1.
    read: fn(&mut Core) -> f64,
}

const fn monitor(name: &'static str, kind: MonitorType, read: fn(&mut Core) -> f64) -> Monitor {
    Monitor { name, kind, read }
}

/// In the order in which the debugger lists them.
const MONITORS: [Monitor; 18] = [
    monitor("synced_node/capture_hz", MonitorType::QUANTITY, |core| {
        slowest(core).map_or(0.0, |sampling| sampling.hz)
    }),
    monitor(
        "synced_node/capture_interval_p99",
        MonitorType::TIME,
        |core| slowest(core).map_or(0.0, |sampling| sampling.interval_p99.as_secs_f64()),
    ),
    monitor(
        "synced_node/capture_skipped",
        MonitorType::QUANTITY,
        |core| (openxr::skipped() + trackers(core).map(Tracker::skipped).sum::<u64>()) as f64,
    ),
    monitor(
        "synced_node/capture_ring",
        MonitorType::PERCENTAGE,
        |core| trackers(core).map(Tracker::ring_level).fold(0.0, f64::max),
    ),
    monitor(
        "synced_node/bits_per_sample",
        MonitorType::QUANTITY,
        |core| live(core).bits_per_sample as f64,
    ),
    monitor(
        "synced_node/bits_per_captured_sample",
        MonitorType::QUANTITY,
        |core| live(core).bits_per_captured_sample as f64,
    ),
    monitor("synced_node/redundancy", MonitorType::QUANTITY, |core| {
        live(core).redundancy as f64
    }),
    monitor("synced_node/loss_up", MonitorType::PERCENTAGE, |core| {
        live(core).up_loss as f64 / LOSS_WHOLE
    }),
    monitor("synced_node/loss_down", MonitorType::PERCENTAGE, |core| {
        live(core).down_loss as f64 / LOSS_WHOLE
    }),
    monitor("synced_node/playout_delay", MonitorType::TIME, |core| {
        core.timelines.delay_max().as_secs_f64()
    }),
    monitor("synced_node/playout_jitter", MonitorType::TIME, |core| {
        Micros(live(core).jitter_us_max).as_secs_f64()
    }),
    monitor("synced_node/playout_late", MonitorType::PERCENTAGE, late),
    monitor("synced_node/frame_time", MonitorType::TIME, |core| {
        core.frame_stats.take_longest().as_secs_f64()
    }),
    monitor("synced_node/updates", MonitorType::QUANTITY, |core| {
        core.frame_stats.take_updates() as f64
    }),
    monitor("synced_node/apply_latency", MonitorType::TIME, |core| {
        Micros(core.frame_stats.apply_summary().p50_us).as_secs_f64()
    }),
    monitor("synced_node/leader_term", MonitorType::QUANTITY, |core| {
        core.servers.term.0 as f64
    }),
    monitor(
        "synced_node/servers_watched",
        MonitorType::QUANTITY,
        |core| client(core, |stats| stats.servers.watched) as f64,
    ),
    monitor("synced_node/failover_time", MonitorType::TIME, |core| {
        Micros(client(core, |stats| stats.failover.max_us)).as_secs_f64()
    }),
];

/// What a loss is told in parts of.
const LOSS_WHOLE: f64 = 10_000.0;

/// Adds those that are not there yet.
pub(crate) fn add() {
    let mut performance = Performance::singleton();
    for Monitor { name, kind, read } in MONITORS {
        if !performance.has_custom_monitor(name) {
            let callable = Callable::from_fn(name, move |_| with_core(read));
            performance
                .add_custom_monitor_ex(name, &callable)
                .type_(kind)
                .done();
        }
    }
}

/// Removes all: they must not be called once the library is gone.
pub(crate) fn remove() {
    let mut performance = Performance::singleton();
    for Monitor { name, .. } in MONITORS {
        if performance.has_custom_monitor(name) {
            performance.remove_custom_monitor(name);
        }
    }
}

fn trackers(core: &Core) -> impl Iterator<Item = &Tracker> {
    core.locals
        .values()
        .filter_map(|local| local.tracker.as_ref())
}

/// How this player's slowest controller is sampled.
fn slowest(core: &Core) -> Option<Sampling> {
    let samplings = trackers(core).filter_map(Tracker::sampling);
    samplings.min_by(|a, b| a.hz.total_cmp(&b.hz))
}

fn live(core: &Core) -> LiveStats {
    client(core, |stats| stats.live)
}

fn client<T: Default>(core: &Core, read: impl FnOnce(&ClientStats) -> T) -> T {
    let stats = core.client_stats.as_deref();
    stats.map_or_else(T::default, read)
}

/// Of other players' samples, those that came after newer ones.
fn late(core: &mut Core) -> f64 {
    let Some(stats) = &core.client_stats else {
        return 0.0;
    };
    let counters = &stats.counters;
    counters.samples_late as f64 / counters.samples_received.max(1) as f64
}
