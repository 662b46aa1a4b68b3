//! What frames say about what they applied, and what it took.

use crate::{Failure, Outcome};

/// The numbers of a row of `gauge.gd`: updates, microseconds.
const NUMBERS_A_ROW: usize = 2;
/// So many updates that are no part of a load may come with one: clocks, statistics.
const STRAY_UPDATES_MAX: u64 = 8;
/// About a load is so much of it, in percent.
const ABOUT_MIN: u64 = 90;
/// And no more than so much.
const ABOUT_MAX: u64 = 110;

/// Frames, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    frames: Vec<Frame>,
    told: u64,
    part: Part,
}

/// How much of a load a frame has to apply to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of one, and of no other.
    All,
    /// About as much: the newest live values win, and datagrams keep no step with frames.
    About,
    /// Something: loads are spread over frames.
    Some,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    updates: u64,
    spent_us: u64,
}

/// The main thread's time in the addon, a frame, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameTimes {
    /// Of how many frames.
    pub frames: usize,
    /// Their mean.
    pub mean_ms: f64,
    /// Half took at most this.
    pub p50_ms: f64,
    /// 99 of 100 took at most this.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl FrameTimes {
    /// Of frames that took so many microseconds; none of no frames.
    #[must_use]
    pub fn of(mut spent_us: Vec<u64>) -> Option<Self> {
        spent_us.sort_unstable();
        let longest = *spent_us.last()?;
        let frames = spent_us.len();
        let ms = |us: u64| us as f64 / 1e3;
        let quantile = |part: usize| ms(spent_us[(frames * part).div_ceil(100).max(1) - 1]);
        Some(Self {
            frames,
            mean_ms: ms(spent_us.iter().sum()) / frames as f64,
            p50_ms: quantile(50),
            p99_ms: quantile(99),
            max_ms: ms(longest),
        })
    }
}

impl Rows {
    /// The frames that `gauge.gd` wrote down while loads came of which each is `told` updates; those count that applied this
    /// part of one.
    ///
    /// # Errors
    /// When that are no whole rows.
    pub fn new(numbers: &[f64], told: u64, part: Part) -> Outcome<Self> {
        let (rows, rest) = numbers.as_chunks::<NUMBERS_A_ROW>();
        if !rest.is_empty() {
            return Err(Failure::new("the last frame is not whole"));
        }
        let frame = |[updates, spent_us]: &[f64; NUMBERS_A_ROW]| Frame {
            updates: *updates as u64,
            spent_us: spent_us.round() as u64,
        };
        Ok(Self {
            frames: rows.iter().map(frame).collect(),
            told,
            part,
        })
    }

    /// What the frames took that count.
    ///
    /// # Errors
    /// When there is none.
    pub fn times(&self) -> Outcome<FrameTimes> {
        let counting = self.frames.iter().filter(|frame| self.counts(frame));
        let spent_us = counting.map(|frame| frame.spent_us).collect();
        FrameTimes::of(spent_us).ok_or_else(|| {
            let most = self.frames.iter().map(|frame| frame.updates).max();
            Failure::new(format!(
                "none of {} frames applied a load of {} updates; the most of one is {}",
                self.frames.len(),
                self.told,
                most.unwrap_or_default()
            ))
        })
    }

    /// In how many frames one after the other a load was applied, on average and at most; with pauses between the loads.
    #[must_use]
    pub fn frames_a_load(&self) -> (f64, usize) {
        let loads = self.frames.split(|frame| !is_busy(frame));
        let lengths: Vec<_> = loads
            .map(<[Frame]>::len)
            .filter(|frames| *frames > 0)
            .collect();
        let longest = lengths.iter().copied().max().unwrap_or_default();
        let mean = lengths.iter().sum::<usize>() as f64 / lengths.len().max(1) as f64;
        (mean, longest)
    }

    fn counts(&self, frame: &Frame) -> bool {
        let told = self.told;
        match self.part {
            Part::All => (told..=told + STRAY_UPDATES_MAX).contains(&frame.updates),
            Part::About => {
                (told * ABOUT_MIN / 100..=told * ABOUT_MAX / 100).contains(&frame.updates)
            }
            Part::Some => is_busy(frame),
        }
    }
}

fn is_busy(frame: &Frame) -> bool {
    frame.updates > STRAY_UPDATES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(frames: &[(u64, u64)], part: Part) -> Rows {
        let numbers = frames
            .iter()
            .flat_map(|(updates, us)| [*updates as f64, *us as f64]);
        Rows::new(&numbers.collect::<Vec<_>>(), 200, part).unwrap()
    }

    #[test]
    fn only_frames_that_applied_one_whole_load_count() {
        let frames = [
            (0, 5),
            (200, 100),
            (203, 300),
            (150, 80),
            (400, 900),
            (50, 40),
        ];
        let times = rows(&frames, Part::All).times().unwrap();
        assert_eq!(times.frames, 2);
        assert_eq!((times.p50_ms, times.p99_ms, times.max_ms), (0.1, 0.3, 0.3));
        assert!((times.mean_ms - 0.2).abs() < 1e-9);
        assert!(rows(&frames[..1], Part::All).times().is_err());
        assert_eq!(rows(&frames, Part::Some).times().unwrap().frames, 5);
    }

    #[test]
    fn of_live_values_about_a_load_is_one() {
        let frames = [(180, 1), (179, 2), (220, 3), (221, 4)];
        assert_eq!(rows(&frames, Part::About).times().unwrap().frames, 2);
    }

    #[test]
    fn a_load_took_as_many_frames_as_applied_something_of_it() {
        let frames = [(0, 1), (200, 1), (2, 1), (120, 1), (60, 1), (20, 1), (0, 1)];
        assert_eq!(rows(&frames, Part::All).frames_a_load(), (2.0, 3));
    }

    #[test]
    fn the_99th_of_a_hundred_is_the_p99() {
        let frames: Vec<_> = (1..=100).map(|us| (200, us * 1_000)).collect();
        let times = rows(&frames, Part::All).times().unwrap();
        assert_eq!(
            (times.p50_ms, times.p99_ms, times.max_ms),
            (50.0, 99.0, 100.0)
        );
    }
}
