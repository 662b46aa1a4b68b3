//! Many runs, on as many cores as there are.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use synced_protocol::time::Micros;

use crate::{
    plan::{Plan, SystemKind},
    plant::Plant,
    report::{Report, Summary},
    run::{Settings, run},
    system::{engine::Engine, node::Whole},
    trace::Trace,
};

/// Which runs to make.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The first seed.
    pub first: u64,
    /// How many seeds.
    pub count: u64,
    /// No run begins after this time.
    pub budget: Option<Duration>,
    /// How many at once.
    pub threads: usize,
    /// How long faults go on in each.
    pub time: Micros,
    /// A mistake that is made on purpose.
    pub plant: Option<Plant>,
    /// Whether to go on after a promise was broken.
    pub goes_on: bool,
}

/// Runs whatever the plan says once.
pub fn run_plan(settings: Settings, trace: Option<Trace>) -> (Report, Option<Trace>) {
    let plant = settings.plant;
    match settings.plan.cluster.system {
        SystemKind::Engine => run(Engine { plant }, settings, trace),
        SystemKind::Node => run(Whole { plant }, settings, trace),
    }
}

/// Makes all runs of a batch, and calls `each` after each.
pub fn run_batch(plan: &Plan, batch: &Batch, each: impl Fn(&Report) + Sync) -> Summary {
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let summary = Mutex::new(Summary::default());
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let is_late = batch.budget.is_some_and(|budget| began.elapsed() >= budget);
            if place >= batch.count || is_late {
                return;
            }
            let (report, _) = run_plan(batch.settings(plan, place), None);
            each(&report);
            if report.violation.is_some() && !batch.goes_on {
                next.store(batch.count, Ordering::Relaxed);
            }
            let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
            summary.add(report);
        }
    };
    thread::scope(|scope| {
        for _ in 0..batch.threads.max(1) {
            scope.spawn(work);
        }
    });
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Batch {
    fn settings(&self, plan: &Plan, place: u64) -> Settings {
        Settings {
            seed: self.first + place,
            plan: plan.clone(),
            time: self.time,
            plant: self.plant,
        }
    }
}
