//! Turning an orientation by a little, in the same arithmetic on every machine.
//!
//! A turn is the axis times the tangent of half the angle (Gibbs's vector): it takes no sine to apply one. Where two turns
//! differ by some distance, the orientations differ by at most twice that, as an angle.

use glam::Quat;

/// `orientation`, which need not be of unit length, turned by `turn` in the space that it is in; longer by then.
#[inline]
pub(super) fn turned(orientation: [f64; 4], turn: [f64; 3]) -> [f64; 4] {
    let [x, y, z, w] = orientation;
    let [a, b, c] = turn;
    [
        x + a * w + b * z - c * y,
        y + b * w + c * x - a * z,
        z + c * w + a * y - b * x,
        w - a * x - b * y - c * z,
    ]
}

/// The turn that leads from one orientation to the other; longer than any number when it is a half turn.
#[inline]
pub(super) fn turn_between(from: [f64; 4], to: [f64; 4]) -> [f64; 3] {
    let [a, b, c, d] = from;
    let [x, y, z, w] = to;
    let one_over = 1.0 / (w * d + x * a + y * b + z * c);
    [
        (x * d - w * a - y * c + z * b) * one_over,
        (y * d - w * b - z * a + x * c) * one_over,
        (z * d - w * c - x * b + y * a) * one_over,
    ]
}

/// The turn by this axis times half its angle, to the third order: the tangent of what is below a tenth of a radian to a
/// hundred thousandth of one.
#[inline]
pub(super) fn turn_of(half_angle: [f64; 3]) -> [f64; 3] {
    let [a, b, c] = half_angle;
    let longer = 1.0 + (a * a + b * b + c * c) / 3.0;
    [a * longer, b * longer, c * longer]
}

/// An orientation from anywhere: what has no direction is not turned.
pub(super) fn direction(orientation: Quat) -> [f64; 4] {
    if orientation.is_finite() && orientation.to_array() != [0.0; 4] {
        orientation.to_array().map(f64::from)
    } else {
        [0.0, 0.0, 0.0, 1.0]
    }
}

#[inline]
pub(super) fn normalised(quaternion: [f64; 4]) -> [f64; 4] {
    let [x, y, z, w] = quaternion;
    let one_over = 1.0 / (x * x + y * y + z * z + w * w).sqrt();
    [x * one_over, y * one_over, z * one_over, w * one_over]
}
