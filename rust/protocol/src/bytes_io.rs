//! Reading and writing bytes, little-endian, without ever reading past the end.

use bytes::BufMut;

use crate::error::DecodeError;

/// A cursor over bytes from the network.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

macro_rules! read_numbers {
    ($($name:ident: $kind:ty),+) => {$(
        #[doc = concat!("The next little-endian `", stringify!($kind), "`.")]
        ///
        /// # Errors
        /// [`DecodeError::Truncated`].
        pub fn $name(&mut self) -> Result<$kind, DecodeError> {
            self.array().map(<$kind>::from_le_bytes)
        }
    )+};
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    read_numbers!(u8: u8, u16: u16, u32: u32, u64: u64, i32: i32, i64: i64, f32: f32, f64: f64);

    /// A count in LEB128, at most `limit`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], or [`DecodeError::TooLong`] about `what`.
    pub fn count(&mut self, what: &'static str, limit: usize) -> Result<usize, DecodeError> {
        let mut count = 0_usize;
        for shift in [0, 7, 14] {
            let byte = self.u8()?;
            count |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if count <= limit {
                    Ok(count)
                } else {
                    Err(DecodeError::TooLong { what, limit })
                };
            }
        }
        Err(DecodeError::TooLong { what, limit })
    }

    /// A count in LEB128 that may be any `u32`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], or [`DecodeError::OutOfRange`] about `what`.
    pub fn long_count(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let mut count = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            count |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(count).map_err(|_| DecodeError::OutOfRange { what });
            }
        }
        Err(DecodeError::OutOfRange { what })
    }

    /// Text behind its length, at most `limit` bytes of UTF-8.
    ///
    /// # Errors
    /// As [`Reader::count`], or [`DecodeError::BadText`].
    pub fn text(&mut self, what: &'static str, limit: usize) -> Result<&'a str, DecodeError> {
        let count = self.count(what, limit)?;
        std::str::from_utf8(self.take(count)?).map_err(|_| DecodeError::BadText)
    }

    /// Succeeds when everything was read.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`].
    pub const fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing)
        }
    }
}

/// Appends a count as [`Reader::count`] reads it. One of 2^21 or more is written too, and refused by every reader.
pub fn put_count(out: &mut impl BufMut, mut count: usize) {
    while count >= 0x80 {
        out.put_u8((count & 0x7f) as u8 | 0x80);
        count >>= 7;
    }
    out.put_u8((count & 0x7f) as u8);
}

/// Appends a count as [`Reader::long_count`] reads it.
pub fn put_long_count(out: &mut impl BufMut, count: u32) {
    put_count(out, count as usize);
}

/// The number of bytes that [`put_count`] appends.
#[must_use]
pub const fn count_len(count: usize) -> usize {
    match count.checked_ilog2() {
        Some(top) => top as usize / 7 + 1,
        None => 1,
    }
}

/// Appends text behind its length.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_count_reads_back_and_one_past_its_limit_is_refused(count in 0_usize..1 << 21) {
            let mut out = Vec::new();
            put_count(&mut out, count);
            prop_assert_eq!(count_len(count), out.len());
            prop_assert_eq!(Reader::new(&out).count("x", count), Ok(count));
            if count > 0 {
                let refused = Err(DecodeError::TooLong { what: "x", limit: count - 1 });
                prop_assert_eq!(Reader::new(&out).count("x", count - 1), refused);
            }
        }
    }

    proptest! {
        #[test]
        fn a_long_count_reads_back_whatever_it_is(count in any::<u32>()) {
            let mut out = Vec::new();
            put_long_count(&mut out, count);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.long_count("x"), Ok(count));
            prop_assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn a_long_count_of_more_than_32_bits_is_refused() {
        let refused = Err(DecodeError::OutOfRange { what: "x" });
        for bytes in [[0xff, 0xff, 0xff, 0xff, 0x10], [0x80; 5]] {
            assert_eq!(Reader::new(&bytes).long_count("x"), refused);
        }
    }

    #[test]
    fn a_count_that_never_ends_is_refused() {
        assert!(Reader::new(&[0xff; 64]).count("x", usize::MAX).is_err());
    }

    #[test]
    fn a_count_beyond_every_limit_is_written_and_refused() {
        let mut out = Vec::new();
        put_count(&mut out, usize::MAX);
        assert_eq!(count_len(usize::MAX), out.len());
        assert!(Reader::new(&out).count("x", usize::MAX).is_err());
    }
}
