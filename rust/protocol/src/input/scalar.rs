//! How one number is written in every item of a list.

use crate::{
    bits::{BitReader, BitWriter, rice_bits},
    error::DecodeError,
};

/// 0 when all of them are zero and nothing is written, else one more than the parameter of their Rice code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ScalarCode(u32);

const CODE_BITS: u32 = 4;
const MAX_CODE: u32 = (1 << CODE_BITS) - 1;

impl ScalarCode {
    /// Nothing is written.
    pub(super) const ZERO: Self = Self(0);

    /// The code that takes the fewest bits.
    pub(super) fn fitting(numbers: impl Iterator<Item = u32> + Clone) -> Self {
        let (mut sum, mut count) = (0_u64, 0_u64);
        for number in numbers.clone() {
            sum += u64::from(number);
            count += 1;
        }
        if sum == 0 {
            return Self::ZERO;
        }
        let middle = (sum / count + 1).ilog2();
        let candidates = middle.saturating_sub(1)..=middle + 1;
        let bits = |parameter: &u32| {
            let bits = numbers.clone().map(|number| rice_bits(number, *parameter));
            bits.map(u64::from).sum::<u64>()
        };
        let best = candidates.min_by_key(bits).unwrap_or(middle);
        Self((best + 1).min(MAX_CODE))
    }

    pub(super) fn put(self, number: u32, writer: &mut BitWriter<'_>) {
        if let Some(parameter) = self.0.checked_sub(1) {
            writer.put_rice_unsigned(number, parameter);
        }
    }

    pub(super) fn take(self, reader: &mut BitReader<'_>) -> Result<u32, DecodeError> {
        match self.0.checked_sub(1) {
            Some(parameter) => reader.take_rice_unsigned(parameter),
            None => Ok(0),
        }
    }

    pub(super) fn put_self(self, writer: &mut BitWriter<'_>) {
        writer.put(self.0, CODE_BITS);
    }

    pub(super) fn take_self(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        reader.take(CODE_BITS).map(Self)
    }
}
