//! Packing numbers into bits, least significant first, for the live lane.

use crate::error::DecodeError;

/// Unary prefixes longer than this mean that the number follows in 32 bits, so that no number costs more than 56.
const MAX_UNARY: u32 = 24;

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
    pub fn put(&mut self, value: u32, count: u32) {
        debug_assert!(count <= 32, "at most 32 bits at once");
        let mask = (1_u64 << count) - 1;
        self.pending |= (u64::from(value) & mask) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push((self.pending & 0xff) as u8);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    /// Appends a signed number in a Rice code with parameter `k`: cheap when it is around 2^k or smaller.
    pub fn put_rice(&mut self, value: i32, k: u32) {
        let folded = zigzag(value);
        let quotient = folded >> k;
        if quotient >= MAX_UNARY {
            self.put((1 << MAX_UNARY) - 1, MAX_UNARY);
            self.put(folded, 32);
        } else {
            self.put((1 << quotient) - 1, quotient + 1);
            self.put(folded, k);
        }
    }

    /// Fills the last byte with zeros and writes it.
    pub fn finish(self) {
        if self.count > 0 {
            self.out.push((self.pending & 0xff) as u8);
        }
    }
}

/// Takes bits from bytes.
#[derive(Debug)]
pub struct BitReader<'a> {
    bytes: std::slice::Iter<'a, u8>,
    pending: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    /// Starts at the front of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes: bytes.iter(),
            pending: 0,
            count: 0,
        }
    }

    /// The next `count` bits, at most 32.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn take(&mut self, count: u32) -> Result<u32, DecodeError> {
        while self.count < count {
            let byte = self.bytes.next().ok_or(DecodeError::Truncated)?;
            self.pending |= u64::from(*byte) << self.count;
            self.count += 8;
        }
        let value = self.pending & ((1 << count) - 1);
        self.pending >>= count;
        self.count -= count;
        Ok(value as u32)
    }

    /// The next `count` bits, at most 32, as a number in two's complement.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn take_signed(&mut self, count: u32) -> Result<i32, DecodeError> {
        let raw = i64::from(self.take(count)?);
        let unused = 64 - count;
        Ok(((raw << (unused & 63)) >> (unused & 63)) as i32)
    }

    /// The next number in a Rice code with parameter `k`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn take_rice(&mut self, k: u32) -> Result<i32, DecodeError> {
        let mut quotient = 0;
        while quotient < MAX_UNARY && self.take(1)? == 1 {
            quotient += 1;
        }
        let folded = if quotient == MAX_UNARY {
            self.take(32)?
        } else {
            (quotient << k) | self.take(k)?
        };
        Ok(unzigzag(folded))
    }

    /// Succeeds when nothing but the padding of the last byte is left.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`].
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.bytes.as_slice().is_empty() && self.pending == 0 && self.count < 8 {
            Ok(())
        } else {
            Err(DecodeError::Trailing)
        }
    }
}

/// The Rice parameter that suits numbers of this mean magnitude (Golomb's rule for a geometric distribution), below 20.
#[must_use]
pub fn rice_parameter(magnitude_sum: u64, count: u64) -> u32 {
    let folded_mean = 2 * magnitude_sum / count.max(1);
    (folded_mean + 1).ilog2().min(MAX_RICE_PARAMETER)
}

/// The largest parameter that [`rice_parameter`] gives; it fits 5 bits.
pub const MAX_RICE_PARAMETER: u32 = 19;

/// The bits that a number takes in two's complement.
#[must_use]
pub const fn signed_width(number: i32) -> u32 {
    33 - (number ^ (number >> 31)).leading_zeros()
}

const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

const fn unzigzag(folded: u32) -> i32 {
    (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_read_back_as_they_were_written(
            fields in prop::collection::vec((any::<u32>(), 0..=32_u32, any::<i32>(), 0..=MAX_RICE_PARAMETER), 0..50),
        ) {
            let mut out = Vec::new();
            let mut writer = BitWriter::new(&mut out);
            for (raw, count, number, k) in &fields {
                writer.put(*raw, *count);
                writer.put_rice(*number, *k);
            }
            writer.finish();
            let mut reader = BitReader::new(&out);
            for (raw, count, number, k) in fields {
                let mask = ((1_u64 << count) - 1) as u32;
                prop_assert_eq!(reader.take(count), Ok(raw & mask));
                prop_assert_eq!(reader.take_rice(k), Ok(number));
            }
            prop_assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn small_numbers_are_cheap_and_the_largest_costs_56_bits() {
        let bits = |value, k| {
            let mut out = Vec::new();
            let mut writer = BitWriter::new(&mut out);
            writer.put_rice(value, k);
            writer.count as usize + 8 * writer.out.len()
        };
        assert_eq!(bits(0, 0), 1);
        assert_eq!(bits(-3, 2), 4);
        assert_eq!(bits(i32::MIN, 0), 56);
    }
}
