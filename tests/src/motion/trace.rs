//! A motion as a trace file, which the extension plays as a tracker's source.

use std::io::{self, Write};

use super::{Moment, Motion};

/// Writes what a sensor tells of a motion, so many times a second from its beginning to its end: a line of
/// `time_us px py pz qx qy qz qw vx vy vz wx wy wz buttons trigger grip stick_x stick_y` each.
///
/// # Errors
/// When `out` takes no more.
pub fn write_trace(motion: &Motion, rate_hz: u32, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "# {rate_hz} samples a second for {:.3} s",
        motion.length()
    )?;
    let interval = 1.0 / f64::from(rate_hz);
    let times = (0..).map(|sample| f64::from(sample) * interval);
    times
        .take_while(|seconds| *seconds <= motion.length())
        .try_for_each(|seconds| {
            writeln!(
                out,
                "{:.0} {} 0 0 0 0 0",
                seconds * 1e6,
                Line(motion.sensed_at(seconds))
            )
        })
}

/// Pose and velocities, as a line of a trace has them.
struct Line(Moment);

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (position, orientation) = (self.0.position, self.0.orientation);
        let numbers = position
            .to_array()
            .into_iter()
            .chain(orientation.to_array());
        let velocities = [self.0.linear_velocity, self.0.angular_velocity];
        let mut numbers = numbers.chain(
            velocities
                .into_iter()
                .flat_map(|velocity| velocity.to_array()),
        );
        write!(f, "{:.6}", numbers.next().unwrap_or_default())?;
        numbers.try_for_each(|number| write!(f, " {number:.6}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::RIGHT_HOME;

    #[test]
    fn a_trace_has_a_line_of_nineteen_numbers_for_each_sample() {
        let mut text = Vec::new();
        write_trace(&Motion::rest(RIGHT_HOME, 0.01, 1), 1_000, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), 11);
        for (number, line) in lines.iter().enumerate() {
            let numbers: Vec<f64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
            assert_eq!((numbers.len(), numbers[0] as usize), (19, number * 1_000));
            assert!((numbers[2] - RIGHT_HOME.y).abs() < 0.002);
        }
    }
}
