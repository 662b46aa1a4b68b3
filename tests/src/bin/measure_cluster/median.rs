//! The middle of several repetitions, and how far they lie apart.

use std::fmt;

/// Values of one figure, one for each repetition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spread(Vec<f64>);

impl FromIterator<f64> for Spread {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }
}

impl Spread {
    pub(crate) fn add(&mut self, value: f64) {
        let place = self.0.partition_point(|other| *other < value);
        self.0.insert(place, value);
    }

    /// The value below which a part of them lies; not a number without any.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let place = (part * last as f64).round() as usize;
        self.0.get(place).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn count_above(&self, bound: f64) -> usize {
        self.0.len() - self.0.partition_point(|value| *value <= bound)
    }

    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }
}

/// The median, and the least and the greatest of them.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, median, most] = [0.0, 0.5, 1.0].map(|part| self.quantile(part));
        let digits = if median < 100.0 { 3 } else { 0 };
        write!(f, "{median:.digits$} ({least:.digits$} to {most:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let mut spread = Spread::from_iter([3.0, 1.0]);
        spread.add(2.0);
        assert_eq!(
            [0.0, 0.5, 1.0].map(|part| spread.quantile(part)),
            [1.0, 2.0, 3.0]
        );
        assert!((spread.mean() - 2.0).abs() < 1e-9);
        assert_eq!(spread.to_string(), "2.000 (1.000 to 3.000)");
    }
}
