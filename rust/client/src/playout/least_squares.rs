//! The slope of noisy values at their newest.
//!
//! The values are fitted by Legendre polynomials on the time from the oldest (0) to the newest (1). Those are nearly orthogonal
//! here, so that the highest can be made smaller by itself where it is but noise.

use glam::DVec3;

/// The most polynomials: up to the cubic.
const TERMS_MAX: usize = 4;
/// For each of them but one there must be so many values, or they follow the noise.
const VALUES_PER_TERM: usize = 2;
/// How much more than noise by itself makes the highest must be, before any of it is believed.
const CAUTION: f64 = 3.0;
/// The slopes of the polynomials at 1.
const SLOPES: [f64; TERMS_MAX] = [0.0, 2.0, 6.0, 12.0];

/// Weighted normal equations.
#[derive(Debug)]
pub(super) struct LeastSquares {
    count: usize,
    terms: usize,
    longest: f64,
    matrix: [[f64; TERMS_MAX]; TERMS_MAX],
    right: [DVec3; TERMS_MAX],
    squares: f64,
    weight: f64,
}

impl LeastSquares {
    /// For so many values, the oldest of which has this age.
    pub(super) fn new(count: usize, longest: f64) -> Self {
        let least = count.min(2);
        Self {
            count,
            terms: count.div_ceil(VALUES_PER_TERM).clamp(least, TERMS_MAX),
            longest,
            matrix: [[0.0; TERMS_MAX]; TERMS_MAX],
            right: [DVec3::ZERO; TERMS_MAX],
            squares: 0.0,
            weight: 0.0,
        }
    }

    pub(super) fn add(&mut self, age: f64, weight: f64, value: DVec3) {
        let basis = legendre(1.0 - age / self.longest);
        for row in 0..self.terms {
            for column in 0..self.terms {
                self.matrix[row][column] += weight * basis[row] * basis[column];
            }
            self.right[row] += weight * basis[row] * value;
        }
        self.squares += weight * value.length_squared();
        self.weight += weight;
    }

    /// The slope at age 0, in values a second; `None` of fewer than two values.
    pub(super) fn velocity(&self) -> Option<DVec3> {
        if self.terms < 2 || self.weight <= 0.0 {
            return None;
        }
        let mut found = self.solve();
        if self.terms == TERMS_MAX {
            found[TERMS_MAX - 1] *= self.share_above_noise(&found);
        }
        let slopes = found.iter().zip(SLOPES);
        let slope: DVec3 = slopes.map(|(part, slope)| *part * slope).sum();
        Some(slope / self.longest)
    }

    /// Gauss's elimination without pivots: the matrix is positive definite, since no two values have one age.
    fn solve(&self) -> [DVec3; TERMS_MAX] {
        let (mut matrix, mut right) = (self.matrix, self.right);
        for pivot in 0..self.terms {
            for row in pivot + 1..self.terms {
                let factor = matrix[row][pivot] / matrix[pivot][pivot];
                let (above, below) = matrix.split_at_mut(row);
                for (cell, from) in below[0].iter_mut().zip(above[pivot]) {
                    *cell -= factor * from;
                }
                let from = right[pivot];
                right[row] -= factor * from;
            }
        }
        let mut found = [DVec3::ZERO; TERMS_MAX];
        for row in (0..self.terms).rev() {
            let known: DVec3 = (row + 1..self.terms)
                .map(|column| matrix[row][column] * found[column])
                .sum();
            found[row] = (right[row] - known) / matrix[row][row];
        }
        found
    }

    /// How much of the highest polynomial is not noise (after James and Stein, 1961): all of it where it is far above what the
    /// noise that the residuals show would make of it by itself, nothing where it is not.
    fn share_above_noise(&self, found: &[DVec3; TERMS_MAX]) -> f64 {
        let explained: f64 = found
            .iter()
            .zip(&self.right)
            .map(|(part, right)| part.dot(*right))
            .sum();
        let freedom = (self.count - self.terms) as f64;
        let mean_square = (self.squares - explained).max(0.0) / (3.0 * self.weight);
        let noise = mean_square * self.count as f64 / freedom;
        // Of N values on an even grid the k-th coefficient has the variance (2k + 1) / N of theirs, on each of three axes.
        let highest = (2 * TERMS_MAX - 1) as f64;
        let from_noise = 3.0 * noise * highest / self.count as f64;
        (1.0 - CAUTION * from_noise / found[TERMS_MAX - 1].length_squared()).max(0.0)
    }
}

/// The first Legendre polynomials, shifted to 0 to 1.
fn legendre(u: f64) -> [f64; TERMS_MAX] {
    let (u2, u3) = (u * u, u * u * u);
    [
        1.0,
        2.0 * u - 1.0,
        6.0 * u2 - 6.0 * u + 1.0,
        20.0 * u3 - 30.0 * u2 + 12.0 * u - 1.0,
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cubic_without_noise_is_found_whenever_its_values_were_taken(
            mut ages in prop::collection::btree_set(0..60_000_u32, 12..60), parts in prop::array::uniform4(-5.0_f64..5.0),
        ) {
            ages.insert(0);
            let oldest = f64::from(*ages.last().unwrap()) * 1e-6;
            prop_assume!(oldest > 0.02);
            let mut fit = LeastSquares::new(ages.len(), oldest);
            let mut younger = 0.0;
            let ages: Vec<_> = ages.into_iter().map(|age| f64::from(age) * 1e-6).collect();
            for (place, age) in ages.iter().enumerate() {
                let older = ages.get(place + 1).unwrap_or(age);
                let t = -age / oldest;
                let value = parts[0] + parts[1] * t + parts[2] * t * t + parts[3] * t * t * t;
                fit.add(*age, older - younger, DVec3::splat(value));
                younger = *age;
            }
            let found = fit.velocity().unwrap().x * oldest;
            prop_assert!((found - parts[1]).abs() < 1e-3, "{found} for {}", parts[1]);
        }
    }

    #[test]
    fn one_value_has_no_slope() {
        let mut fit = LeastSquares::new(1, 0.0);
        fit.add(0.0, 0.0, DVec3::ONE);
        assert_eq!(fit.velocity(), None);
    }
}
