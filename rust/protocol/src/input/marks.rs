//! What else is to be said of a sample: that it stands by itself, that it is a jump, that the controls changed.

use super::controls::PackedControls;
use crate::{
    bits::{BitReader, BitWriter},
    error::DecodeError,
};

/// Usually there is nothing to be said, in one bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    /// The first sample of a batch is whole, and so is a jump.
    pub(super) is_whole: bool,
    pub(super) is_jump: bool,
    pub(super) controls: PackedControls,
}

impl Marks {
    /// What is usual for the first sample of a batch.
    pub(super) const FIRST: Self = Self {
        is_whole: true,
        is_jump: false,
        controls: PackedControls::NONE,
    };

    /// What is usual behind a sample with these.
    pub(super) const fn behind(self) -> Self {
        Self {
            is_whole: false,
            is_jump: false,
            controls: self.controls,
        }
    }

    pub(super) fn put(self, usual: Self, writer: &mut BitWriter<'_>) {
        writer.put(u32::from(self != usual), 1);
        if self == usual {
            return;
        }
        if !usual.is_whole {
            writer.put(u32::from(self.is_whole), 1);
        }
        if self.is_whole {
            writer.put(u32::from(self.is_jump), 1);
        }
        self.controls.put(usual.controls, writer);
    }

    #[inline]
    pub(super) fn take(usual: Self, reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        if reader.take(1)? == 0 {
            return Ok(usual);
        }
        let is_whole = usual.is_whole || reader.take(1)? == 1;
        let is_jump = is_whole && reader.take(1)? == 1;
        let controls = PackedControls::take(usual.controls, reader)?;
        Ok(Self {
            is_whole,
            is_jump,
            controls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Controls;

    fn round_trip(marks: Marks, usual: Marks) -> (Marks, u32) {
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        marks.put(usual, &mut writer);
        let bits = writer.len_bits();
        writer.finish();
        let read = Marks::take(usual, &mut BitReader::new(&bytes));
        (read.unwrap(), bits)
    }

    #[test]
    fn what_is_usual_takes_one_bit_and_what_is_not_reads_back() {
        let pressed = PackedControls::new(&Controls {
            buttons: 5,
            ..Controls::default()
        });
        let first = Marks {
            controls: pressed,
            ..Marks::FIRST
        };
        assert_eq!(round_trip(first, Marks::FIRST), (first, 2 + 4 + 16));
        let usual = first.behind();
        assert_eq!(round_trip(usual, usual), (usual, 1));
        let jump = Marks {
            is_whole: true,
            is_jump: true,
            controls: pressed,
        };
        assert_eq!(round_trip(jump, usual), (jump, 3 + 4));
        let released = Marks {
            controls: PackedControls::NONE,
            ..usual
        };
        assert_eq!(round_trip(released, usual), (released, 2 + 4 + 16));
    }
}
