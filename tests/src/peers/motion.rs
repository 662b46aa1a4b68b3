//! How the bodies move: what `peers_world.gd` does, here to be judged by.

use std::f64::consts::TAU;

use glam::DVec2;

/// The radius of the circle that every body goes round on, in metres.
pub const RADIUS_M: f64 = 0.5;
/// How long a round takes, in microseconds. What is shown later than that is taken for newer.
pub const PERIOD_USEC: f64 = 2e6;
/// How far each body is ahead of the one before, in radians.
const STEP_RAD: f64 = 0.37;

/// Where a body is at a time in microseconds since 1970, in metres.
#[must_use]
pub fn place(body: u32, at_usec: f64) -> DVec2 {
    let angle = TAU * (at_usec / PERIOD_USEC).fract() + STEP_RAD * f64::from(body);
    RADIUS_M * DVec2::from_angle(angle)
}

/// How long before `at_usec` the body was where it is shown, in microseconds.
#[must_use]
pub fn age_usec(body: u32, shown: DVec2, at_usec: f64) -> f64 {
    let shown_usec = (shown.to_angle() - STEP_RAD * f64::from(body)) / TAU * PERIOD_USEC;
    (at_usec.rem_euclid(PERIOD_USEC) - shown_usec).rem_euclid(PERIOD_USEC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_what_is_shown_is_found_for_every_body_at_any_time() {
        for body in [0, 1, 7, 499] {
            for age in [0.5e3, 20e3, 1.9e6] {
                for step in 0..50 {
                    let now = 1.7e15 + 123_456.0 * f64::from(step);
                    let found = age_usec(body, place(body, now - age), now);
                    assert!((found - age).abs() < 2.0, "{found} for {age}");
                }
            }
        }
    }
}
