//! Reading a batch.

use super::{
    InputFrame, Precision,
    age::take_age,
    codes::Codes,
    marks::Marks,
    predictor::{Predictor, Residuals, Vector},
    sample::{max_age_ticks, tick_before},
    scale::Scale,
    whole::{Whole, Widths},
};
use crate::{bits::BitReader, error::DecodeError, time::Micros};

/// Reads a batch and hands on its samples, the oldest first.
pub(super) fn decode(
    bytes: &[u8],
    sent_at: Micros,
    mut each: impl FnMut(InputFrame),
) -> Result<(), DecodeError> {
    let reader = &mut BitReader::new(bytes);
    let rest = reader.take(6)?;
    let scale = Scale::of(Precision::from_code(reader.take(2)?)?);
    let codes = match rest {
        0 => Codes::NONE,
        _ => Codes::take(reader)?,
    };
    let widths = Widths::take_self(reader)?;
    let newest = tick_before(sent_at, scale);
    let age = u64::from(take_age(reader)?);
    if age > max_age_ticks(scale) {
        return Err(OUT_OF_TIME);
    }
    let mut tick = newest - age.min(newest);
    let time = |tick: u64| Micros(tick * scale.tick_us);
    let mut marks = Marks::take(Marks::FIRST, reader)?;
    let first = Whole::take(widths, scale, reader)?.motion(scale);
    each(first.frame(time(tick), marks.controls, marks.is_jump, scale));

    let mut predictor = Predictor::new(scale, codes.model, &first);
    for _ in 0..rest {
        let ticks = codes.interval.take(reader)?.ticks(scale)?;
        if u64::from(ticks) > newest - tick {
            return Err(OUT_OF_TIME);
        }
        tick += u64::from(ticks);
        marks = Marks::take(marks.behind(), reader)?;
        let motion = if marks.is_whole {
            let motion = Whole::take(widths, scale, reader)?.motion(scale);
            predictor.begin_at(&motion);
            motion
        } else {
            let mut residuals = Written {
                codes: &codes,
                reader,
            };
            predictor.advance(ticks, &mut residuals)?
        };
        each(motion.frame(time(tick), marks.controls, marks.is_jump, scale));
    }
    reader.finish()
}

const OUT_OF_TIME: DecodeError = DecodeError::OutOfRange {
    what: "sample time",
};

/// Takes from the bytes how far off an expectation is.
struct Written<'a, 'b> {
    codes: &'a Codes,
    reader: &'a mut BitReader<'b>,
}

impl Residuals for Written<'_, '_> {
    type Error = DecodeError;

    #[inline]
    fn vector(&mut self, vector: Vector, _: [f64; 3]) -> Result<[i32; 3], DecodeError> {
        let code = match vector {
            Vector::Linear => self.codes.linear,
            Vector::Angular => self.codes.angular,
            Vector::Position => self.codes.position,
        };
        code.take(self.reader)
    }

    #[inline]
    fn orientation(&mut self, _: [f64; 4]) -> Result<[i32; 3], DecodeError> {
        self.codes.orientation.take(self.reader)
    }
}
