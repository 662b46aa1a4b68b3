//! Whether something grows.

use serde::Serialize;
use synced_bench::slope;

/// Values over time.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Curve {
    /// Whose.
    pub(super) name: String,
    /// Seconds since the first, and bytes.
    pub(super) samples: Vec<(f64, u64)>,
}

/// How a curve goes on in its second half, when what is made once has been made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Trend {
    /// The slope of the least-squares line.
    pub(super) bytes_per_s: f64,
    /// By how much that line rises in the second half.
    pub(super) growth_bytes: f64,
    /// The mean in the second half.
    pub(super) mean_bytes: f64,
}

impl Curve {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            samples: Vec::new(),
        }
    }

    /// `None` for fewer than two samples in the second half.
    pub(super) fn trend(&self) -> Option<Trend> {
        let (first, last) = (self.samples.first()?.0, self.samples.last()?.0);
        let half = f64::midpoint(first, last);
        let second = self.samples.iter().filter(|(at_s, _)| *at_s >= half);
        let points: Vec<_> = second.map(|(at_s, bytes)| (*at_s, *bytes as f64)).collect();
        let bytes_per_s = slope(&points)?;
        let sum: f64 = points.iter().map(|point| point.1).sum();
        Some(Trend {
            bytes_per_s,
            growth_bytes: bytes_per_s * (last - half),
            mean_bytes: sum / points.len() as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(bytes: impl Fn(u32) -> f64) -> Curve {
        let samples = (0..=100).map(|second| (f64::from(second), bytes(second) as u64));
        Curve {
            name: String::new(),
            samples: samples.collect(),
        }
    }

    #[test]
    fn a_line_has_its_own_slope_and_what_was_before_the_second_half_does_not_count() {
        let trend = curve(|second| {
            if second < 50 {
                f64::from(second) * 1e6
            } else {
                5e7 + f64::from(second) * 10.0
            }
        })
        .trend()
        .unwrap();
        assert!((trend.bytes_per_s - 10.0).abs() < 1e-6);
        assert!((trend.growth_bytes - 500.0).abs() < 1e-3);
        assert!((trend.mean_bytes - 50_000_750.0).abs() < 1.0);
    }

    #[test]
    fn what_goes_up_and_down_five_times_grows_by_less_than_a_fifth_of_that() {
        let saw = curve(|second| 1e6 + f64::from(second % 10) * 1e5);
        let trend = saw.trend().unwrap();
        assert!(trend.growth_bytes.abs() < 9e5 / 5.0, "{trend:?}");
    }

    #[test]
    fn too_few_samples_tell_nothing() {
        let mut curve = Curve::new("x".to_owned());
        assert_eq!(curve.trend(), None);
        curve.samples.push((1.0, 5));
        assert_eq!(curve.trend(), None);
        curve.samples.push((2.0, 5));
        curve.samples.push((3.0, 5));
        assert_eq!(curve.trend().unwrap().bytes_per_s, 0.0);
    }
}
