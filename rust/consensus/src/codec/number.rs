//! Numbers of varying length.

use synced_protocol::{bytes_io::Reader, error::DecodeError};

/// Terms and places in the log stay below this, so that the one after never overflows.
pub(crate) const NUMBER_MAX: u64 = 1 << 62;

/// Appends a number in LEB128.
pub(crate) fn put_u64(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// A number as [`put_u64`] writes it.
pub(crate) fn u64(reader: &mut Reader<'_>, what: &'static str) -> Result<u64, DecodeError> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = reader.u8()?;
        let bits = u64::from(byte & 0x7f);
        if bits.leading_zeros() < shift {
            break;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(DecodeError::OutOfRange { what })
}

/// A term or a place in the log.
pub(crate) fn place(reader: &mut Reader<'_>, what: &'static str) -> Result<u64, DecodeError> {
    let number = u64(reader, what)?;
    if number < NUMBER_MAX {
        Ok(number)
    } else {
        Err(DecodeError::OutOfRange { what })
    }
}

/// The term that something was sent in: there is none before the first.
pub(crate) fn term(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let what = "term";
    let term = place(reader, what)?;
    if term > 0 {
        Ok(term)
    } else {
        Err(DecodeError::OutOfRange { what })
    }
}

/// A number of 32 bits.
pub(crate) fn u32(reader: &mut Reader<'_>, what: &'static str) -> Result<u32, DecodeError> {
    u32::try_from(u64(reader, what)?).map_err(|_| DecodeError::OutOfRange { what })
}

/// Yes or no.
pub(crate) fn flag(reader: &mut Reader<'_>, what: &'static str) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        tag => Err(DecodeError::BadTag { what, tag }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_reads_back(number: u64) {
            let mut out = Vec::new();
            put_u64(&mut out, number);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(u64(&mut reader, "x"), Ok(number));
            prop_assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        let refused = Err(DecodeError::OutOfRange { what: "x" });
        let mut bytes = [0xff; 10];
        assert_eq!(u64(&mut Reader::new(&bytes), "x"), refused);
        bytes[9] = 0x02;
        assert_eq!(u64(&mut Reader::new(&bytes), "x"), refused);
        bytes[9] = 0x01;
        assert_eq!(u64(&mut Reader::new(&bytes), "x"), Ok(u64::MAX));
    }

    #[test]
    fn a_place_after_which_no_other_could_come_is_refused() {
        for (number, good) in [(NUMBER_MAX - 1, true), (NUMBER_MAX, false)] {
            let mut out = Vec::new();
            put_u64(&mut out, number);
            assert_eq!(place(&mut Reader::new(&out), "x").is_ok(), good);
        }
    }
}
