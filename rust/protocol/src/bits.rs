//! Packing numbers into bits, least significant first, for the live lane.

use crate::error::DecodeError;

/// Unary prefixes longer than this mean that the number follows in 32 bits, so that no number costs more than 56.
const MAX_UNARY: u32 = 24;
/// The largest parameter of a Rice code.
pub const MAX_RICE_PARAMETER: u32 = 31;

/// Appends bits to bytes; dropped without [`BitWriter::finish`], it loses the last few.
#[derive(Debug)]
pub struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    /// Appends behind what `out` holds already.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            pending: 0,
            count: 0,
        }
    }

    /// Appends the lowest `count` bits of `value`, at most 32.
    #[inline]
    pub fn put(&mut self, value: u32, count: u32) {
        debug_assert!(count <= 32, "at most 32 bits at once");
        let mask = (1_u64 << count) - 1;
        self.pending |= (u64::from(value) & mask) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.out
                .extend_from_slice(&(self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.count -= 32;
        }
    }

    /// Appends the lowest `count` bits of `value`, at most 64.
    pub fn put_wide(&mut self, value: u64, count: u32) {
        self.put(value as u32, count.min(32));
        self.put((value >> 32) as u32, count.saturating_sub(32));
    }

    /// Appends a signed number in a Rice code with parameter `k`: cheap when it is around 2^k or smaller.
    #[inline]
    pub fn put_rice(&mut self, value: i32, k: u32) {
        self.put_rice_unsigned(fold(value), k);
    }

    /// Appends a number in a Rice code with parameter `k`.
    #[inline]
    pub fn put_rice_unsigned(&mut self, number: u32, k: u32) {
        let quotient = number >> k;
        if quotient >= MAX_UNARY {
            self.put((1 << MAX_UNARY) - 1, MAX_UNARY);
            self.put(number, 32);
        } else {
            self.put((1 << quotient) - 1, quotient + 1);
            self.put(number, k);
        }
    }

    /// How many bits were appended.
    #[cfg(test)]
    pub(crate) fn len_bits(&self) -> u32 {
        8 * self.out.len() as u32 + self.count
    }

    /// Fills the last byte with zeros and writes it.
    pub fn finish(self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.out
            .extend_from_slice(&self.pending.to_le_bytes()[..bytes]);
    }
}

/// Takes bits from bytes.
#[derive(Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    pending: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    /// Starts at the front of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            pending: 0,
            count: 0,
        }
    }

    /// The next `count` bits, at most 32.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    #[inline]
    pub fn take(&mut self, count: u32) -> Result<u32, DecodeError> {
        self.refill();
        if self.count < count {
            return Err(DecodeError::Truncated);
        }
        let value = self.pending & ((1 << count) - 1);
        self.skip(count);
        Ok(value as u32)
    }

    /// The next `count` bits, at most 64.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn take_wide(&mut self, count: u32) -> Result<u64, DecodeError> {
        let low = self.take(count.min(32))?;
        let high = self.take(count.saturating_sub(32))?;
        Ok(u64::from(high) << 32 | u64::from(low))
    }

    /// The next `count` bits, at most 32, as a number in two's complement.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn take_signed(&mut self, count: u32) -> Result<i32, DecodeError> {
        let raw = i64::from(self.take(count)?);
        let unused = (64 - count) & 63;
        Ok(((raw << unused) >> unused) as i32)
    }

    /// The next signed number in a Rice code with parameter `k`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    #[inline]
    pub fn take_rice(&mut self, k: u32) -> Result<i32, DecodeError> {
        self.take_rice_unsigned(k).map(unfold)
    }

    /// The next number in a Rice code with parameter `k`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    #[inline]
    pub fn take_rice_unsigned(&mut self, k: u32) -> Result<u32, DecodeError> {
        self.refill();
        let quotient = self.pending.trailing_ones().min(MAX_UNARY);
        if quotient == MAX_UNARY {
            self.skip(MAX_UNARY);
            return self.take(32);
        }
        let length = quotient + 1 + k;
        if self.count < length {
            return Err(DecodeError::Truncated);
        }
        let low = (self.pending >> (quotient + 1)) & ((1 << k) - 1);
        self.skip(length);
        Ok(quotient << k | low as u32)
    }

    /// Succeeds when nothing but the padding of the last byte is left.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`].
    pub const fn finish(&self) -> Result<(), DecodeError> {
        if self.bytes.is_empty() && self.pending == 0 && self.count < 8 {
            Ok(())
        } else {
            Err(DecodeError::Trailing)
        }
    }

    /// Afterwards 56 bits are pending, or all that are left; above those there are zeros.
    #[inline]
    fn refill(&mut self) {
        if self.count >= 56 {
            return;
        }
        let room = ((63 - self.count) / 8) as usize;
        if let Some(next) = self.bytes.first_chunk() {
            let whole = (1_u64 << (8 * room)) - 1;
            self.pending |= (u64::from_le_bytes(*next) & whole) << self.count;
            self.bytes = &self.bytes[room..];
            self.count += 8 * room as u32;
            return;
        }
        let (next, rest) = self.bytes.split_at(room.min(self.bytes.len()));
        for byte in next {
            self.pending |= u64::from(*byte) << self.count;
            self.count += 8;
        }
        self.bytes = rest;
    }

    #[inline]
    const fn skip(&mut self, count: u32) {
        self.pending >>= count;
        self.count -= count;
    }
}

/// How many bits [`BitWriter::put_rice_unsigned`] appends.
#[must_use]
#[inline]
pub const fn rice_bits(number: u32, k: u32) -> u32 {
    let quotient = number >> k;
    if quotient >= MAX_UNARY {
        MAX_UNARY + 32
    } else {
        quotient + 1 + k
    }
}

/// The bits that a number takes in two's complement, none for zero.
#[must_use]
pub const fn signed_width(number: i32) -> u32 {
    match number {
        0 => 0,
        _ => 33 - (number ^ (number >> 31)).leading_zeros(),
    }
}

/// A signed number as one without a sign, small when it is near zero: 0, -1, 1, -2, 2 and so on.
#[must_use]
#[inline]
pub const fn fold(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

#[inline]
pub(crate) const fn unfold(folded: u32) -> i32 {
    (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_read_back_as_they_were_written(
            fields in prop::collection::vec((any::<u64>(), 0..=64_u32, any::<i32>(), 0..=MAX_RICE_PARAMETER), 0..50),
        ) {
            let mut out = Vec::new();
            let mut writer = BitWriter::new(&mut out);
            for (raw, count, number, k) in &fields {
                writer.put_wide(*raw, *count);
                writer.put_rice(*number, *k);
                writer.put(number.cast_unsigned(), signed_width(*number));
            }
            writer.finish();
            let mut reader = BitReader::new(&out);
            for (raw, count, number, k) in fields {
                let mask = ((1_u128 << count) - 1) as u64;
                prop_assert_eq!(reader.take_wide(count), Ok(raw & mask));
                prop_assert_eq!(reader.take_rice(k), Ok(number));
                prop_assert_eq!(reader.take_signed(signed_width(number)), Ok(number));
            }
            prop_assert_eq!(reader.finish(), Ok(()));
        }

        #[test]
        fn the_length_of_a_rice_code_is_known_before_it_is_written(number in any::<i32>(), few in -99..99, k in 0..=MAX_RICE_PARAMETER) {
            for number in [number, few] {
                prop_assert_eq!(rice_bits(fold(number), k), written_bits(number, k));
            }
        }
    }

    fn written_bits(number: i32, k: u32) -> u32 {
        let mut out = Vec::new();
        let mut writer = BitWriter::new(&mut out);
        writer.put_rice(number, k);
        writer.len_bits()
    }

    #[test]
    fn small_numbers_are_cheap_and_the_largest_costs_56_bits() {
        assert_eq!(written_bits(0, 0), 1);
        assert_eq!(written_bits(-3, 2), 4);
        assert_eq!(written_bits(i32::MIN, 0), 56);
    }

    #[test]
    fn the_width_of_a_number_is_the_smallest_that_holds_it() {
        for (number, width) in [
            (0, 0),
            (-1, 1),
            (1, 2),
            (-2, 2),
            (127, 8),
            (-128, 8),
            (128, 9),
        ] {
            assert_eq!(signed_width(number), width, "{number}");
        }
        assert_eq!(signed_width(i32::MIN), 32);
    }
}
