//! A recorded trajectory, played again and again.
//!
//! A trace is text, one sample a line, times growing: `time_us px py pz qx qy qz qw vx vy vz wx wy wz buttons trigger
//! grip stick_x stick_y`, in the units of [`InputFrame`]. Empty lines and lines that begin with `#` do not count.

use glam::{Quat, Vec3};
use godot::classes::FileAccess;
use synced_protocol::{
    input::{Controls, InputFrame},
    time::Micros,
};

use super::capture::Source;

const NUMBERS_A_LINE: usize = 19;
/// The most samples of a trace: ten minutes at 1 kHz.
const MAX_SAMPLES: usize = 600_000;

/// The samples of a file, their times from zero.
#[derive(Debug)]
pub(crate) struct Trace {
    frames: Vec<InputFrame>,
    length: Micros,
}

impl Trace {
    /// Reads a trace from a path of the project.
    pub(crate) fn open(path: &str) -> Result<Self, String> {
        let text = FileAccess::get_file_as_string(path).to_string();
        if text.is_empty() {
            return Err(format!("trace \"{path}\" is empty or cannot be read"));
        }
        Self::parse(&text).map_err(|fault| format!("trace \"{path}\", {fault}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut frames: Vec<InputFrame> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let frame = parse_line(line).map_err(|fault| format!("line {number}: {fault}"))?;
            if frames
                .last()
                .is_some_and(|last| last.sampled_at >= frame.sampled_at)
            {
                return Err(format!(
                    "line {number}: its time is not later than that of the sample before"
                ));
            }
            if frames.len() == MAX_SAMPLES {
                return Err(format!(
                    "line {number}: a trace has at most {MAX_SAMPLES} samples"
                ));
            }
            frames.push(frame);
        }
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
            return Err("it has no samples".to_owned());
        };
        let begin = first.sampled_at;
        let length = (last.sampled_at - begin) + Micros(1_000);
        frames
            .iter_mut()
            .for_each(|frame| frame.sampled_at = frame.sampled_at - begin);
        Ok(Self { frames, length })
    }
}

fn parse_line(line: &str) -> Result<InputFrame, String> {
    let mut fields = [0.0_f64; NUMBERS_A_LINE];
    let mut words = line.split_ascii_whitespace();
    for field in &mut fields {
        let word = words
            .next()
            .ok_or_else(|| format!("it has fewer than {NUMBERS_A_LINE} numbers"))?;
        *field = word
            .parse()
            .map_err(|_| format!("\"{word}\" is no number"))?;
        if !field.is_finite() {
            return Err(format!("\"{word}\" is not finite"));
        }
    }
    if words.next().is_some() {
        return Err(format!("it has more than {NUMBERS_A_LINE} numbers"));
    }
    let [time, rest @ ..] = fields;
    let n = rest.map(|number| number as f32);
    let orientation = Quat::from_xyzw(n[3], n[4], n[5], n[6]);
    if (orientation.length_squared() - 1.0).abs() > 0.01 {
        return Err("its orientation is no unit quaternion".to_owned());
    }
    Ok(InputFrame {
        sampled_at: Micros(time.max(0.0) as u64),
        position: Vec3::new(n[0], n[1], n[2]),
        orientation: orientation.normalize(),
        linear_velocity: Vec3::new(n[7], n[8], n[9]),
        angular_velocity: Vec3::new(n[10], n[11], n[12]),
        controls: Controls {
            buttons: n[13] as u16,
            trigger: n[14],
            grip: n[15],
            stick: [n[16], n[17]],
        },
        is_jump: false,
    })
}

impl Source for Trace {
    fn sample(&mut self, elapsed: Micros) -> Option<InputFrame> {
        let time = Micros(elapsed.0 % self.length.0);
        let after = self
            .frames
            .partition_point(|frame| frame.sampled_at <= time);
        self.frames.get(after.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "0.1 1.2 -0.3 0 0 0 1 1 0 0 0 0 0 3 0.5 0 0 0";

    #[test]
    fn a_trace_plays_its_samples_in_time_and_begins_again() {
        let text = format!(
            "# a hand\n\n5000 {LINE}\n6000 {}\n",
            LINE.replace("0.1", "0.2")
        );
        let mut trace = Trace::parse(&text).unwrap();
        let x = |trace: &mut Trace, at| trace.sample(Micros(at)).unwrap().position.x;
        assert_eq!(
            [0, 999, 1_000, 2_000].map(|at| x(&mut trace, at)),
            [0.1, 0.1, 0.2, 0.1]
        );
    }

    #[test]
    fn what_is_wrong_with_a_trace_is_told_by_line() {
        for (text, fault) in [
            ("", "it has no samples"),
            ("0 1 2", "line 1: it has fewer than 19 numbers"),
            (
                &format!("0 {LINE} 1"),
                "line 1: it has more than 19 numbers",
            ),
            (&format!("x {LINE}"), "line 1: \"x\" is no number"),
            (&format!("inf {LINE}"), "line 1: \"inf\" is not finite"),
            (
                &format!("1 {LINE}\n1 {LINE}"),
                "line 2: its time is not later than that of the sample before",
            ),
            (
                &format!("1 {}", LINE.replace("0 0 0 1 1", "0 0 0 2 1")),
                "line 1: its orientation is no unit quaternion",
            ),
        ] {
            assert_eq!(Trace::parse(text).unwrap_err(), fault);
        }
    }
}
