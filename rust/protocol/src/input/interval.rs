//! The time from one sample to the next: usually a whole number of usual intervals, and a little.

use super::{scalar::ScalarCode, scale::Scale};
use crate::{
    bits::{BitReader, BitWriter, fold, unfold},
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

/// How the intervals of a batch are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IntervalCode {
    further: ScalarCode,
    rest: ScalarCode,
}

impl IntervalCode {
    pub(super) const NONE: Self = Self {
        further: ScalarCode::ZERO,
        rest: ScalarCode::ZERO,
    };

    pub(super) fn fitting(intervals: impl Iterator<Item = Interval> + Clone) -> Self {
        Self {
            further: ScalarCode::fitting(intervals.clone().map(|interval| interval.further)),
            rest: ScalarCode::fitting(intervals.map(|interval| fold(interval.rest))),
        }
    }

    pub(super) fn put(self, interval: Interval, writer: &mut BitWriter<'_>) {
        self.further.put(interval.further, writer);
        self.rest.put(fold(interval.rest), writer);
    }

    pub(super) fn take(self, reader: &mut BitReader<'_>) -> Result<Interval, DecodeError> {
        Ok(Interval {
            further: self.further.take(reader)?,
            rest: unfold(self.rest.take(reader)?),
        })
    }

    pub(super) fn put_self(self, writer: &mut BitWriter<'_>) {
        self.further.put_self(writer);
        self.rest.put_self(writer);
    }

    pub(super) fn take_self(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            further: ScalarCode::take_self(reader)?,
            rest: ScalarCode::take_self(reader)?,
        })
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
