//! How cost grows.

use synced_bench::slope;

/// The exponent `s` of the power law `y = c * x^s` that lies closest to the points, by least squares of the logarithms: 1 where twice
/// as much costs twice as much. `None` where fewer than two values of x are positive with a positive y.
#[must_use]
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let positive = points.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0);
    let logs: Vec<_> = positive.map(|(x, y)| (x.ln(), y.ln())).collect();
    slope(&logs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponent_of(points: &[(f64, f64)]) -> f64 {
        exponent(points).unwrap()
    }

    #[test]
    fn a_power_law_has_its_exponent_and_noise_around_it_has_nearly_the_same() {
        let squares = [1.0, 10.0, 100.0].map(|x: f64| (x, 3.0 * x * x));
        assert!((exponent_of(&squares) - 2.0).abs() < 1e-9);
        let constant = [(1.0, 7.0), (1000.0, 7.0)];
        assert!(exponent_of(&constant).abs() < 1e-9);
        let noisy = [(1.0, 1.1), (10.0, 9.0), (100.0, 110.0)];
        assert!((exponent_of(&noisy) - 1.0).abs() < 0.05);
    }

    #[test]
    fn one_step_alone_has_none() {
        assert_eq!(exponent(&[(10.0, 5.0), (10.0, 6.0)]), None);
        assert_eq!(exponent(&[(0.0, 5.0), (10.0, 6.0)]), None);
        assert_eq!(exponent(&[]), None);
    }
}
