//! How steeply something rises.

/// The slope of the line from which the points are away the least, by the sum of squares; `None` where they do not tell it: there
/// are no two values of x.
#[must_use]
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let sum = |of: fn(f64, f64) -> f64| -> f64 {
        let points = points.iter();
        points.map(|(x, y)| of(x - mean_x, y - mean_y)).sum()
    };
    let width = sum(|x, _| x * x);
    (width > 0.0).then(|| sum(|x, y| x * y) / width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_beside_a_line_have_its_slope() {
        let beside = [(0.0, 1.5), (1.0, 3.5), (2.0, 5.5), (3.0, 8.5), (4.0, 9.5)];
        assert!((slope(&beside).unwrap() - 2.1).abs() < 1e-9);
        assert_eq!(slope(&[(1.0, 5.0), (9.0, 5.0)]), Some(0.0));
    }

    #[test]
    fn one_value_of_x_alone_tells_no_slope() {
        assert_eq!(slope(&[(10.0, 5.0), (10.0, 6.0)]), None);
        assert_eq!(slope(&[]), None);
    }
}
