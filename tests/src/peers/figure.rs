//! What is measured, and how its repetitions lie.

use std::fmt;

use serde::Serialize;

/// A quantity, with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Bytes of IP packets to one client, headers included, for each update of one object that it saw.
    BytesPerUpdate,
    /// Updates of one object that a client saw, a second.
    UpdatesPerSecond,
    /// What the process that moves or serves has of one core.
    ServerCpu,
    /// What the process of one client has of one core.
    ClientCpu,
    /// What all clients together, in one process, have of one core.
    AllClientsCpu,
    /// From a change to the end of the frame that shows it, or to its arrival where there are no frames: the middle one.
    LatencyP50,
    /// The same, of 95 in 100 at most.
    LatencyP95,
    /// The same, of 99 in 100 at most.
    LatencyP99,
    /// How old what a frame shows is: the middle one.
    AgeP50,
    /// The same, of 99 in 100 at most.
    AgeP99,
    /// From one time that an object is shown elsewhere to the next, of 99 in 100 at most.
    GapP99,
    /// How far from where it was a constant lag before an object is shown, of 99 in 100 at most, with the best such lag.
    ErrorP99,
    /// That lag.
    Lag,
    /// Frames of a client.
    FramesPerSecond,
}

impl Figure {
    /// All of them, in their order.
    pub const ALL: [Self; 14] = [
        Self::BytesPerUpdate,
        Self::UpdatesPerSecond,
        Self::ServerCpu,
        Self::ClientCpu,
        Self::AllClientsCpu,
        Self::LatencyP50,
        Self::LatencyP95,
        Self::LatencyP99,
        Self::AgeP50,
        Self::AgeP99,
        Self::GapP99,
        Self::ErrorP99,
        Self::Lag,
        Self::FramesPerSecond,
    ];

    /// The one with this name in CSV.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.name() == name)
    }

    /// In CSV.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.texts().0
    }

    /// Of its values.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        self.texts().1
    }

    /// At the head of a column.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.texts().2
    }

    const fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::BytesPerUpdate => ("ip_bytes_per_update", "B", "IP bytes an update"),
            Self::UpdatesPerSecond => ("updates_per_second", "1/s", "updates/s"),
            Self::ServerCpu => ("server_cpu", "%", "server CPU %"),
            Self::ClientCpu => ("client_cpu", "%", "client CPU %"),
            Self::AllClientsCpu => ("all_clients_cpu", "%", "all clients CPU %"),
            Self::LatencyP50 => ("latency_p50", "ms", "latency p50 ms"),
            Self::LatencyP95 => ("latency_p95", "ms", "p95 ms"),
            Self::LatencyP99 => ("latency_p99", "ms", "p99 ms"),
            Self::AgeP50 => ("age_p50", "ms", "shown age p50 ms"),
            Self::AgeP99 => ("age_p99", "ms", "age p99 ms"),
            Self::GapP99 => ("gap_p99", "ms", "gap p99 ms"),
            Self::ErrorP99 => ("error_p99", "mm", "error p99 mm"),
            Self::Lag => ("lag", "ms", "at lag ms"),
            Self::FramesPerSecond => ("frames_per_second", "1/s", "frames/s"),
        }
    }
}

/// The middle of several repetitions, and what they lie between.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one; of an even number, the lower of the two.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// How many there are.
    pub repetitions: usize,
}

impl Spread {
    /// Of these values; not numbers without any.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        Self {
            median: at(last / 2),
            min: at(0),
            max: at(last),
            repetitions: values.len(),
        }
    }
}

/// The median, and where there are several, the least and the greatest.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.median.abs() {
            ..10.0 => 2,
            10.0..100.0 => 1,
            _ => 0,
        };
        write!(f, "{:.digits$}", self.median)?;
        if self.repetitions > 1 {
            write!(f, " ({:.digits$} to {:.digits$})", self.min, self.max)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_by_their_names() {
        for figure in Figure::ALL {
            assert_eq!(Figure::named(figure.name()), Some(figure));
        }
        assert_eq!(Figure::named("latency"), None);
    }

    #[test]
    fn a_spread_has_the_middle_and_both_ends() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!((spread.median, spread.min, spread.max), (2.0, 1.0, 3.0));
        assert_eq!(spread.to_string(), "2.00 (1.00 to 3.00)");
        assert_eq!(Spread::of([120.4]).to_string(), "120");
        assert!(Spread::of([]).median.is_nan());
    }
}
