//! How one kind of number is written in all samples of a batch.

use crate::{
    bits::{BitReader, BitWriter, MAX_RICE_PARAMETER, fold, rice_bits},
    error::DecodeError,
};

const CODE_BITS: u32 = 4;
const MAX_PARAMETER: u32 = 13;
const _: () = assert!(MAX_PARAMETER + 2 < 1 << CODE_BITS);
const _: () = assert!(MAX_PARAMETER <= MAX_RICE_PARAMETER);

/// How the residuals of a vector are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldCode {
    /// They are all zero, and nothing is written.
    Zero,
    /// A bit whether any is not zero; if so, they follow in Rice codes with parameter 0.
    Sparse,
    /// In Rice codes with this parameter.
    Rice(u32),
}

impl FieldCode {
    /// The code that takes the fewest bits.
    pub(super) fn fitting(vectors: impl Iterator<Item = [i32; 3]> + Clone) -> Self {
        let folded = vectors.map(|vector| vector.map(fold));
        let (mut sum, mut count, mut sparse) = (0_u64, 0_u64, 0_u32);
        for [x, y, z] in folded.clone() {
            sum += u64::from(x) + u64::from(y) + u64::from(z);
            count += 3;
            sparse += sparse_bits([x, y, z]);
        }
        if sum == 0 {
            return Self::Zero;
        }
        let lowest = (sum / count + 1).ilog2().saturating_sub(1);
        let lowest = lowest.min(MAX_PARAMETER - 2);
        let mut bits = [0; 3];
        for vector in folded {
            for (bits, parameter) in bits.iter_mut().zip(lowest..) {
                *bits += coded_bits(vector, parameter);
            }
        }
        let mut best = (sparse, Self::Sparse);
        for (bits, parameter) in bits.into_iter().zip(lowest..) {
            if bits < best.0 {
                best = (bits, Self::Rice(parameter));
            }
        }
        best.1
    }

    pub(super) fn put(self, vector: [i32; 3], writer: &mut BitWriter<'_>) {
        let parameter = match self {
            Self::Zero => return,
            Self::Sparse => {
                writer.put(u32::from(vector != [0; 3]), 1);
                if vector == [0; 3] {
                    return;
                }
                0
            }
            Self::Rice(parameter) => parameter,
        };
        vector.iter().for_each(|n| writer.put_rice(*n, parameter));
    }

    #[inline]
    pub(super) fn take(self, reader: &mut BitReader<'_>) -> Result<[i32; 3], DecodeError> {
        let parameter = match self {
            Self::Zero => return Ok([0; 3]),
            Self::Sparse if reader.take(1)? == 0 => return Ok([0; 3]),
            Self::Sparse => 0,
            Self::Rice(parameter) => parameter,
        };
        Ok([
            reader.take_rice(parameter)?,
            reader.take_rice(parameter)?,
            reader.take_rice(parameter)?,
        ])
    }

    pub(super) fn put_self(self, writer: &mut BitWriter<'_>) {
        let code = match self {
            Self::Zero => 0,
            Self::Sparse => 1,
            Self::Rice(parameter) => parameter + 2,
        };
        writer.put(code, CODE_BITS);
    }

    pub(super) fn take_self(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.take(CODE_BITS)? {
            0 => Self::Zero,
            1 => Self::Sparse,
            code => Self::Rice(code - 2),
        })
    }
}

#[inline]
fn coded_bits(folded: [u32; 3], parameter: u32) -> u32 {
    let [x, y, z] = folded.map(|number| rice_bits(number, parameter));
    x + y + z
}

#[inline]
fn sparse_bits(folded: [u32; 3]) -> u32 {
    if folded == [0; 3] {
        1
    } else {
        1 + coded_bits(folded, 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(code: FieldCode, vectors: &[[i32; 3]]) -> (Vec<u8>, u32) {
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        vectors
            .iter()
            .for_each(|vector| code.put(*vector, &mut writer));
        let bits = writer.len_bits();
        writer.finish();
        (bytes, bits)
    }

    proptest! {
        #[test]
        fn residuals_read_back_and_take_no_more_bits_than_with_any_other_code(
            vectors in prop::collection::vec(prop::array::uniform3(-3000..3000_i32), 1..20),
            divisor in prop::array::uniform3(1..4000_i32),
        ) {
            let vectors: Vec<_> = vectors
                .into_iter()
                .map(|[x, y, z]| [x / divisor[0], y / divisor[1], z / divisor[2]])
                .collect();
            let code = FieldCode::fitting(vectors.iter().copied());
            let (bytes, bits) = written(code, &vectors);
            let mut reader = BitReader::new(&bytes);
            for vector in &vectors {
                prop_assert_eq!(code.take(&mut reader), Ok(*vector));
            }
            let others = (0..=MAX_PARAMETER).map(FieldCode::Rice).chain([FieldCode::Sparse]);
            let fewest = others.map(|code| written(code, &vectors).1).min().unwrap();
            prop_assert!(bits <= fewest + fewest / 20, "{code:?}: {bits}, not {fewest}");
        }

        #[test]
        fn a_code_reads_back_as_it_was_written(code in 0..16_u32) {
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            writer.put(code, CODE_BITS);
            writer.finish();
            let read = FieldCode::take_self(&mut BitReader::new(&bytes)).unwrap();
            let mut again = Vec::new();
            let mut writer = BitWriter::new(&mut again);
            read.put_self(&mut writer);
            writer.finish();
            prop_assert_eq!(bytes, again);
        }
    }

    #[test]
    fn zeros_take_nothing_and_a_few_others_little_more() {
        let mut vectors = [[0; 3]; 20];
        let code = FieldCode::fitting(vectors.into_iter());
        assert_eq!((code, written(code, &vectors).1), (FieldCode::Zero, 0));
        vectors[7] = [0, 1, 0];
        let code = FieldCode::fitting(vectors.into_iter());
        assert_eq!((code, written(code, &vectors).1), (FieldCode::Sparse, 25));
    }
}
