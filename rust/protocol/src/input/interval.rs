//! The time from one sample to the next: usually a whole number of usual intervals, and a little.

use super::scale::Scale;
use crate::{
    bits::{BitReader, BitWriter, fold, rice_bits},
    error::DecodeError,
};

/// So many usual intervals, at least one, and so many ticks, which may be fewer than none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Interval {
    further: u32,
    rest: i32,
}

impl Interval {
    pub(super) fn new(ticks: u32, scale: &Scale) -> Self {
        let usual = scale.usual_interval();
        let further = ((ticks + usual / 2) / usual).saturating_sub(1);
        Self {
            further,
            rest: ticks.cast_signed() - ((further + 1) * usual).cast_signed(),
        }
    }

    /// # Errors
    /// When it goes backward, or too far.
    pub(super) fn ticks(self, scale: &Scale) -> Result<u32, DecodeError> {
        let usual = i64::from(scale.usual_interval());
        let ticks = (i64::from(self.further) + 1) * usual + i64::from(self.rest);
        u32::try_from(ticks).map_err(|_| DecodeError::OutOfRange {
            what: "interval between samples",
        })
    }
}

const CODE_BITS: u32 = 4;

/// How the intervals of a batch are written: for both numbers nothing, when they are all zero, or Rice codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IntervalCode {
    further: u32,
    rest: u32,
}

impl IntervalCode {
    pub(super) const NONE: Self = Self {
        further: 0,
        rest: 0,
    };

    pub(super) fn fitting(intervals: impl Iterator<Item = Interval> + Clone) -> Self {
        Self {
            further: fitting(intervals.clone().map(|interval| interval.further)),
            rest: fitting(intervals.map(|interval| fold(interval.rest))),
        }
    }

    pub(super) fn put(self, interval: Interval, writer: &mut BitWriter<'_>) {
        put(interval.further, self.further, writer);
        put(fold(interval.rest), self.rest, writer);
    }

    pub(super) fn take(self, reader: &mut BitReader<'_>) -> Result<Interval, DecodeError> {
        Ok(Interval {
            further: take(self.further, reader)?,
            rest: crate::bits::unfold(take(self.rest, reader)?),
        })
    }

    pub(super) fn put_self(self, writer: &mut BitWriter<'_>) {
        writer.put(self.further, CODE_BITS);
        writer.put(self.rest, CODE_BITS);
    }

    pub(super) fn take_self(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            further: reader.take(CODE_BITS)?,
            rest: reader.take(CODE_BITS)?,
        })
    }
}

/// 0, or one more than the parameter.
fn fitting(numbers: impl Iterator<Item = u32> + Clone) -> u32 {
    let (mut sum, mut count) = (0_u64, 0_u64);
    for number in numbers.clone() {
        sum += u64::from(number);
        count += 1;
    }
    if sum == 0 {
        return 0;
    }
    let middle = (sum / count + 1).ilog2();
    let candidates = middle.saturating_sub(1)..=middle + 1;
    let bits = |k: u32| {
        numbers
            .clone()
            .map(|n| u64::from(rice_bits(n, k)))
            .sum::<u64>()
    };
    let best = candidates.min_by_key(|k| bits(*k)).unwrap_or(middle);
    (best + 1).min((1 << CODE_BITS) - 1)
}

fn put(number: u32, code: u32, writer: &mut BitWriter<'_>) {
    if let Some(parameter) = code.checked_sub(1) {
        writer.put_rice_unsigned(number, parameter);
    }
}

fn take(code: u32, reader: &mut BitReader<'_>) -> Result<u32, DecodeError> {
    match code.checked_sub(1) {
        Some(parameter) => reader.take_rice_unsigned(parameter),
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::Precision;

    fn scale() -> impl Strategy<Value = &'static Scale> {
        let precisions = [Precision::Exact, Precision::Fine, Precision::Coarse];
        prop::sample::select(precisions.map(Scale::of).to_vec())
    }

    fn round_trip(intervals: &[Interval]) -> (Vec<Interval>, usize) {
        let code = IntervalCode::fitting(intervals.iter().copied());
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        intervals
            .iter()
            .for_each(|interval| code.put(*interval, &mut writer));
        writer.finish();
        let mut reader = BitReader::new(&bytes);
        let read = intervals.iter().map(|_| code.take(&mut reader).unwrap());
        (read.collect(), bytes.len())
    }

    proptest! {
        #[test]
        fn every_interval_that_fits_a_batch_reads_back(ticks in prop::collection::vec(0..16_000_000_u32, 1..20), scale in scale()) {
            let intervals: Vec<_> = ticks.iter().map(|ticks| Interval::new(*ticks, scale)).collect();
            let (read, _) = round_trip(&intervals);
            let again: Result<Vec<_>, _> = read.iter().map(|interval| interval.ticks(scale)).collect();
            prop_assert_eq!(again, Ok(ticks));
        }

        #[test]
        fn any_interval_goes_forward_or_is_refused(further in any::<u32>(), rest in any::<i32>(), scale in scale()) {
            let ticks = i64::from(scale.usual_interval()) * (i64::from(further) + 1) + i64::from(rest);
            let read = Interval { further, rest }.ticks(scale);
            prop_assert_eq!(read.ok(), u32::try_from(ticks).ok());
        }
    }

    #[test]
    fn usual_intervals_take_no_bits_and_thinned_ones_few() {
        let scale = Scale::of(Precision::Fine);
        let usual = [Interval::new(100, scale); 40];
        assert_eq!(round_trip(&usual).1, 0);
        let thinned: Vec<_> = (0..40)
            .map(|place| Interval::new(100 * (1 + place % 8), scale))
            .collect();
        assert!(round_trip(&thinned).1 * 8 <= 40 * 4);
    }
}
