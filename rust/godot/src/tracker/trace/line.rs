//! One sample as a line of text.

use std::{
    fmt::{self, Write},
    str::SplitAsciiWhitespace,
};

use glam::{Quat, Vec3};
use synced_protocol::{
    input::{Controls, InputFrame},
    time::Micros,
};

/// An orientation that is further from a unit is none.
const UNIT_ERROR_MAX: f32 = 0.01;

/// The sample of a line that is neither empty nor a comment.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(line: &str) -> Result<InputFrame, String> {
    let mut words = Words(line.split_ascii_whitespace());
    let frame = InputFrame {
        sampled_at: Micros(words.number::<f64>()?.max(0.0) as u64),
        position: Vec3::from_array(words.numbers()?),
        orientation: Quat::from_array(words.numbers()?),
        linear_velocity: Vec3::from_array(words.numbers()?),
        angular_velocity: Vec3::from_array(words.numbers()?),
        controls: Controls {
            buttons: words.number::<f32>()? as u16,
            trigger: words.number()?,
            grip: words.number()?,
            stick: words.numbers()?,
        },
        is_jump: !words.is_at_end() && words.number::<f32>()? != 0.0,
    };
    if !words.is_at_end() {
        return Err("it has more than 20 numbers".to_owned());
    }
    if (frame.orientation.length() - 1.0).abs() > UNIT_ERROR_MAX {
        return Err("its orientation is no unit quaternion".to_owned());
    }
    Ok(frame)
}

/// Appends a sample as a line. Parsed again it is the same, to the last bit.
pub(super) fn append(frame: &InputFrame, text: &mut String) {
    // Nothing can go wrong with text in memory.
    let _ = try_append(frame, text);
}

fn try_append(frame: &InputFrame, text: &mut String) -> fmt::Result {
    let controls = &frame.controls;
    write!(text, "{}", frame.sampled_at.0)?;
    append_numbers(frame.position.as_ref(), text)?;
    append_numbers(frame.orientation.as_ref(), text)?;
    append_numbers(frame.linear_velocity.as_ref(), text)?;
    append_numbers(frame.angular_velocity.as_ref(), text)?;
    write!(text, " {}", controls.buttons)?;
    append_numbers(&[controls.trigger, controls.grip], text)?;
    append_numbers(&controls.stick, text)?;
    writeln!(text, " {}", u8::from(frame.is_jump))
}

/// The shortest text that gives the same number again.
fn append_numbers(numbers: &[f32], text: &mut String) -> fmt::Result {
    numbers.iter().try_for_each(|number| {
        if *number == 0.0 {
            text.write_str(" 0")
        } else {
            write!(text, " {number:?}")
        }
    })
}

/// What is left of a line.
struct Words<'a>(SplitAsciiWhitespace<'a>);

impl Words<'_> {
    fn number<T: Number>(&mut self) -> Result<T, String> {
        let word = self.0.next().ok_or("it has fewer than 19 numbers")?;
        let number: T = word
            .parse()
            .map_err(|_| format!("\"{word}\" is no number"))?;
        if number.into().is_finite() {
            Ok(number)
        } else {
            Err(format!("\"{word}\" is not finite"))
        }
    }

    fn numbers<const N: usize>(&mut self) -> Result<[f32; N], String> {
        let mut numbers = [0.0; N];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Ok(numbers)
    }

    fn is_at_end(&self) -> bool {
        self.0.clone().next().is_none()
    }
}

trait Number: std::str::FromStr + Into<f64> + Copy {}

impl Number for f32 {}
impl Number for f64 {}

#[cfg(test)]
mod tests {
    use super::{super::LINE_BYTES_MAX, *};

    const LINE: &str = "0.1 1.2 -0.3 0 0 0 1 1 0 0 0 0 0 3 0.5 0 0 0";

    #[test]
    fn a_sample_comes_back_to_the_last_bit() {
        let frame = InputFrame {
            sampled_at: Micros(1_234_567_890_123),
            position: Vec3::new(1.0 / 3.0, -1e-7, 123.456_79),
            orientation: Quat::from_rotation_x(0.123_456_79),
            linear_velocity: Vec3::new(f32::MIN_POSITIVE, f32::MAX, -0.1),
            angular_velocity: Vec3::new(0.3, 0.2, 0.1),
            controls: Controls {
                buttons: u16::MAX,
                trigger: 1.0 / 3.0,
                grip: 1.0,
                stick: [-1.0, 0.7],
            },
            is_jump: true,
        };
        let mut text = String::new();
        append(&frame, &mut text);
        assert_eq!(parse(&text).unwrap(), frame);
    }

    #[test]
    fn the_longest_line_is_within_its_limit() {
        const LONGEST: f32 = -1.175_494_4e-38;
        let frame = InputFrame {
            sampled_at: Micros(u64::MAX),
            position: Vec3::splat(LONGEST),
            orientation: Quat::from_array([LONGEST; 4]),
            linear_velocity: Vec3::splat(LONGEST),
            angular_velocity: Vec3::splat(LONGEST),
            controls: Controls {
                buttons: u16::MAX,
                trigger: LONGEST,
                grip: LONGEST,
                stick: [LONGEST; 2],
            },
            is_jump: true,
        };
        let mut text = String::new();
        append(&frame, &mut text);
        assert!(text.len() <= LINE_BYTES_MAX, "{} bytes", text.len());
    }

    #[test]
    fn a_line_that_does_not_speak_of_jumps_has_none() {
        assert!(!parse(&format!("1 {LINE}")).unwrap().is_jump);
        assert!(!parse(&format!("1 {LINE} 0")).unwrap().is_jump);
        assert!(parse(&format!("1 {LINE} 1")).unwrap().is_jump);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told() {
        for (line, fault) in [
            ("0 1 2", "it has fewer than 19 numbers"),
            (&format!("0 {LINE} 1 1"), "it has more than 20 numbers"),
            (&format!("x {LINE}"), "\"x\" is no number"),
            (&format!("inf {LINE}"), "\"inf\" is not finite"),
            (&format!("0 {LINE} nan"), "\"nan\" is not finite"),
            (
                &format!("1 {}", LINE.replace("0 0 0 1 1", "0 0 0 2 1")),
                "its orientation is no unit quaternion",
            ),
        ] {
            assert_eq!(parse(line).unwrap_err(), fault);
        }
    }
}
