//! A recorded trajectory, played again and again.

use godot::classes::FileAccess;
use synced_protocol::{input::InputFrame, time::Micros};

use super::{SAMPLES_MAX, line};
use crate::tracker::capture::Source;

/// Between the last sample and the first of the next round.
const ROUND_PAUSE: Micros = Micros::from_millis(1);
/// Who plays late plays no more than this at once.
const LATENESS_MAX: Micros = Micros::from_secs(1);
/// A round that begins further from where the last one ended begins with a jump.
const SEAM_METERS_MAX: f32 = 0.05;
/// As [`SEAM_METERS_MAX`], for the orientation.
const SEAM_RADIANS_MAX: f32 = 0.2;

/// The samples of a file, each at its own time.
#[derive(Debug)]
pub(crate) struct Trace {
    /// Their times are from zero.
    frames: Vec<InputFrame>,
    length: Micros,
    /// When the present round began.
    round: Micros,
    /// The sample that is to come.
    next: usize,
}

impl Trace {
    /// Reads a trace from a path of the project.
    pub(crate) fn open(path: &str) -> Result<Self, String> {
        let bytes = FileAccess::get_file_as_bytes(path).to_vec();
        if bytes.is_empty() {
            return Err(format!("trace \"{path}\" is empty or cannot be read"));
        }
        let text = String::from_utf8(bytes).map_err(|_| format!("trace \"{path}\" is no text"))?;
        Self::parse(&text).map_err(|fault| format!("trace \"{path}\", {fault}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut frames: Vec<InputFrame> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let frame = line::parse(line).and_then(|frame| in_order(&frames, frame));
            frames.push(frame.map_err(|fault| format!("line {number}: {fault}"))?);
        }
        Self::new(frames).ok_or_else(|| "it has no samples".to_owned())
    }

    fn new(mut frames: Vec<InputFrame>) -> Option<Self> {
        let (first, last) = (*frames.first()?, *frames.last()?);
        for frame in &mut frames {
            frame.sampled_at = frame.sampled_at - first.sampled_at;
        }
        frames[0].is_jump |= !is_seamless(&last, &first);
        Some(Self {
            frames,
            length: (last.sampled_at - first.sampled_at) + ROUND_PAUSE,
            round: Micros::ZERO,
            next: 0,
        })
    }
}

/// A sample that may follow those before it.
fn in_order(before: &[InputFrame], frame: InputFrame) -> Result<InputFrame, String> {
    let last = before.last().map(|last| last.sampled_at);
    if last.is_some_and(|last| last >= frame.sampled_at) {
        Err("its time is not later than that of the sample before".to_owned())
    } else if before.len() == SAMPLES_MAX {
        Err(format!("a trace has at most {SAMPLES_MAX} samples"))
    } else {
        Ok(frame)
    }
}

fn is_seamless(last: &InputFrame, first: &InputFrame) -> bool {
    let meters = last.position.distance(first.position);
    let radians = last
        .orientation
        .normalize()
        .angle_between(first.orientation.normalize());
    meters <= SEAM_METERS_MAX && radians <= SEAM_RADIANS_MAX
}

impl Source for Trace {
    fn samples(&mut self, elapsed: Micros, each: &mut dyn FnMut(InputFrame)) -> bool {
        let oldest = elapsed - LATENESS_MAX;
        loop {
            let frame = self.frames[self.next];
            let sampled_at = self.round + frame.sampled_at;
            if sampled_at > elapsed {
                return true;
            }
            if sampled_at >= oldest {
                each(InputFrame {
                    sampled_at,
                    ..frame
                });
            }
            self.next += 1;
            if self.next == self.frames.len() {
                self.next = 0;
                self.round = self.round + self.length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "0.1 1.2 -0.3 0 0 0 1 1 0 0 0 0 0 3 0.5 0 0 0";

    fn played(trace: &mut Trace, elapsed: u64) -> Vec<(u64, f32)> {
        let mut played = Vec::new();
        trace.samples(Micros(elapsed), &mut |frame| {
            played.push((frame.sampled_at.0, frame.position.x));
        });
        played
    }

    #[test]
    fn each_sample_is_played_once_at_its_own_time_and_the_last_leads_back_to_the_first() {
        let text = format!(
            "# a hand\n\n5000 {LINE}\n6300 {}\n",
            LINE.replace("0.1", "0.2")
        );
        let mut trace = Trace::parse(&text).unwrap();
        assert_eq!(played(&mut trace, 1_299), [(0, 0.1)]);
        assert_eq!(played(&mut trace, 1_299), []);
        assert_eq!(
            played(&mut trace, 3_700),
            [(1_300, 0.2), (2_300, 0.1), (3_600, 0.2)]
        );
    }

    #[test]
    fn a_round_begins_with_a_jump_unless_it_ends_where_it_begins() {
        let to = |end: &str| format!("0 {LINE}\n1000 {}\n", LINE.replace("0.1", end));
        let is_jump = |text: &str| Trace::parse(text).unwrap().frames[0].is_jump;
        assert!(is_jump(&to("0.2")));
        assert!(!is_jump(&to("0.12")));
    }

    #[test]
    fn who_stood_still_plays_the_last_second_alone() {
        let text = format!("0 {LINE}\n1000 {LINE}\n");
        let mut trace = Trace::parse(&text).unwrap();
        let times = played(&mut trace, 10_000_000);
        assert_eq!(times.first().unwrap().0, 9_000_000);
        assert_eq!(times.len(), 1_001);
    }

    #[test]
    fn what_is_wrong_with_a_trace_is_told_by_line() {
        for (text, fault) in [
            ("", "it has no samples"),
            ("# a hand\n0 1 2", "line 2: it has fewer than 19 numbers"),
            (
                &format!("1 {LINE}\n1 {LINE}"),
                "line 2: its time is not later than that of the sample before",
            ),
        ] {
            assert_eq!(Trace::parse(text).unwrap_err(), fault);
        }
    }

    #[test]
    fn a_trace_past_its_length_is_refused() {
        let line = line::parse(&format!("0 {LINE}")).unwrap();
        let full = vec![line; SAMPLES_MAX];
        let late = InputFrame {
            sampled_at: Micros(1),
            ..line
        };
        assert!(in_order(&full[1..], late).is_ok());
        assert_eq!(
            in_order(&full, late).unwrap_err(),
            "a trace has at most 600000 samples"
        );
    }
}
