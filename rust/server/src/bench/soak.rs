//! A long time: what every process holds all along, and whether that grows.

use std::{iter, time::Duration};

use serde::Serialize;
use synced_bench::crowd::{Part, Progress};
use synced_protocol::time::Micros;

use super::{
    crowd::Parts,
    growth::{Curve, Trend},
    looks::Look,
};

/// How often memory is sampled, unless that were more often than [`SAMPLES_MAX`].
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// How many samples are kept of each process: a soak of a day takes no more room than one of two hours.
const SAMPLES_MAX: u32 = 7_200;
/// How often a line tells how it goes.
const TELL_INTERVAL: Micros = Micros::from_secs(60);
/// By how much the memory of a process may rise in the second half, by the least-squares line: what an allocator keeps for later
/// comes to less. What servers keep of the past on purpose (log, newest frames, the database's cache: some 40 MB) must be full by
/// then, which it is once some 60 MB were written.
const GROWTH_BYTES_MAX: f64 = 4.0 * 1024.0 * 1024.0;
/// And by which share of what it holds, where that is more.
const GROWTH_SHARE_MAX: f64 = 0.05;

/// The samples so far.
pub(super) struct Soak {
    span: Duration,
    began_at: Option<Micros>,
    samples_at: Micros,
    tells_at: Micros,
    curves: Vec<Curve>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SoakFigures {
    pub(super) span_s: f64,
    pub(super) processes: Vec<ProcessFigures>,
}

/// The memory of one process.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ProcessFigures {
    #[serde(flatten)]
    pub(super) curve: Curve,
    /// `None` where it was too short to tell.
    pub(super) trend: Option<Trend>,
    /// By how much it may rise in the second half.
    pub(super) growth_bytes_max: f64,
}

impl Soak {
    pub(super) const fn new(span: Duration) -> Self {
        Self {
            span,
            began_at: None,
            samples_at: Micros::ZERO,
            tells_at: Micros::ZERO,
            curves: Vec::new(),
        }
    }

    /// Takes samples, and tells how it goes, when either is due and it counts.
    pub(super) fn look(&mut self, now: Micros, servers: Option<&Look>, parts: &Parts) {
        let progress = parts.progress();
        if progress.part != Part::Counted {
            return;
        }
        let began_at = *self.began_at.get_or_insert(now);
        if now >= self.samples_at {
            self.samples_at = now + self.interval();
            let at_s = now.since(began_at).as_secs_f64();
            for (name, bytes) in held(servers, parts) {
                self.sample(name, at_s, bytes);
            }
        }
        if now >= self.tells_at {
            self.tells_at = now + TELL_INTERVAL;
            eprintln!("{}", self.line(now.since(began_at), servers, &progress));
        }
    }

    pub(super) fn end(self) -> SoakFigures {
        let processes = self.curves.into_iter().map(ProcessFigures::of);
        SoakFigures {
            span_s: self.span.as_secs_f64(),
            processes: processes.collect(),
        }
    }

    fn interval(&self) -> Micros {
        let interval = (self.span / SAMPLES_MAX).max(SAMPLE_INTERVAL);
        Micros(interval.as_micros() as u64)
    }

    fn sample(&mut self, name: String, at_s: f64, bytes: u64) {
        let known = self.curves.iter().position(|curve| curve.name == name);
        let place = known.unwrap_or(self.curves.len());
        if known.is_none() {
            self.curves.push(Curve::new(name));
        }
        self.curves[place].samples.push((at_s, bytes));
    }

    fn line(&self, since: Micros, servers: Option<&Look>, progress: &Progress) -> String {
        let servers = servers.into_iter().flat_map(|look| {
            let held = look.resident_bytes();
            held.map(|(server, bytes)| {
                let leads = if server == look.leader() {
                    " leads"
                } else {
                    ""
                };
                format!("{server}{leads} {:.1}", megabytes(bytes as f64))
            })
        });
        let players = format!("players {:.1}", megabytes(progress.resident_bytes as f64));
        let held: Vec<_> = servers.chain(iter::once(players)).collect();
        format!(
            "{:.0} of {:.0} min: {} confirmed operations seen, {} live ones; MB: {}; {}",
            since.as_secs_f64() / 60.0,
            self.span.as_secs_f64() / 60.0,
            progress.confirmed_seen,
            progress.live_seen,
            held.join(", "),
            progress.broken
        )
    }
}

/// What each process holds, by its name, where the system tells.
fn held(servers: Option<&Look>, parts: &Parts) -> Vec<(String, u64)> {
    let servers = servers.into_iter().flat_map(Look::resident_bytes);
    let servers = servers.map(|(server, bytes)| (server.to_string(), bytes));
    let parts = parts.each().enumerate();
    let parts =
        parts.map(|(number, part)| (format!("players {}", number + 1), part.resident_bytes));
    servers
        .chain(parts)
        .filter(|(_, bytes)| *bytes > 0)
        .collect()
}

impl SoakFigures {
    /// Which process grows, if one does.
    pub(super) fn fault(&self) -> Option<String> {
        let grown = self.processes.iter().find(|process| !process.is_flat())?;
        let trend = grown.trend?;
        Some(format!(
            "the memory of {} grows: by {:.1} MB in the second half of {:.0} min, and {:.1} MB may be noise",
            grown.curve.name,
            megabytes(trend.growth_bytes),
            self.span_s / 60.0,
            megabytes(grown.growth_bytes_max)
        ))
    }
}

impl ProcessFigures {
    fn of(curve: Curve) -> Self {
        let trend = curve.trend();
        let share = trend.map_or(0.0, |trend| trend.mean_bytes * GROWTH_SHARE_MAX);
        Self {
            curve,
            trend,
            growth_bytes_max: GROWTH_BYTES_MAX.max(share),
        }
    }

    pub(super) fn is_flat(&self) -> bool {
        self.trend
            .is_none_or(|trend| trend.growth_bytes <= self.growth_bytes_max)
    }
}

pub(super) fn megabytes(bytes: f64) -> f64 {
    bytes / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two processes over 200 s.
    fn soak(bytes: impl Fn(f64) -> f64) -> SoakFigures {
        let mut soak = Soak::new(Duration::from_secs(200));
        for second in 0..=200 {
            let at_s = f64::from(second);
            soak.sample("server 1".to_owned(), at_s, 50_000_000);
            soak.sample("players 1".to_owned(), at_s, bytes(at_s) as u64);
        }
        soak.end()
    }

    #[test]
    fn memory_that_grows_is_a_fault_that_names_whose_and_by_how_much() {
        assert_eq!(soak(|_| 2e7).fault(), None);
        let fault = soak(|at_s| 2e7 + 1e5 * at_s).fault().unwrap();
        assert!(fault.contains("players 1 grows: by 10.0 MB"), "{fault}");
    }

    #[test]
    fn what_is_made_once_and_what_is_little_beside_all_is_no_growth() {
        assert_eq!(soak(|at_s| 2e7 + 1e6 * at_s.min(90.0)).fault(), None);
        assert_eq!(soak(|at_s| 2e8 + 8e4 * at_s).fault(), None);
    }

    #[test]
    fn a_soak_of_a_day_keeps_as_many_samples_as_one_of_two_hours() {
        let interval = |hours: u64| Soak::new(Duration::from_secs(hours * 3_600)).interval();
        assert_eq!(interval(1), Micros::from_secs(1));
        assert_eq!(interval(2), Micros::from_secs(1));
        assert_eq!(interval(24), Micros::from_secs(12));
    }
}
