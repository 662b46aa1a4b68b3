//! What players write.

use synced_protocol::{limits::MAX_LIVE_VALUE_BYTES, time::Micros, value::Value};

/// What an operation says of itself: when it was made, and its number.
pub const OPERATION_BYTES_MIN: usize = 16;
/// The most bytes of one live value: what a live value may have, less the kind and length before them.
const LIVE_PART_BYTES_MAX: usize = MAX_LIVE_VALUE_BYTES - 8;
/// When the last operation of a player was made: whoever sees it has seen all of them, or knows how many are missing.
const LAST: Micros = Micros(u64::MAX);
/// What the rest is filled with.
const FILLING: u8 = 0x5a;

/// How much each player writes, on each lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Confirmed mutations of one property, a second.
    pub confirmed_hz: f64,
    /// Live operations, a second.
    pub live_hz: f64,
    /// The bytes of an operation: of a confirmed one in one value, of a live one in as many as it takes. At least
    /// [`OPERATION_BYTES_MIN`].
    pub bytes: usize,
}

impl Pace {
    /// How many bytes the live values of one operation have.
    pub(super) fn live_parts(&self) -> impl Iterator<Item = usize> {
        let (bytes, parts) = (self.bytes, self.bytes.div_ceil(LIVE_PART_BYTES_MAX).max(1));
        (0..parts).map(move |part| bytes * (part + 1) / parts - bytes * part / parts)
    }
}

/// One operation, as whoever sees it knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operation {
    /// In machine time.
    pub(super) made_at: Micros,
    /// Counts a player's operations of one lane, from 1.
    pub(super) number: u64,
}

impl Operation {
    /// As a value of so many bytes.
    pub(super) fn value(self, bytes: usize) -> Value {
        let mut value = vec![FILLING; bytes.max(OPERATION_BYTES_MIN)];
        value[..8].copy_from_slice(&self.made_at.0.to_le_bytes());
        value[8..OPERATION_BYTES_MIN].copy_from_slice(&self.number.to_le_bytes());
        Value::PackedByteArray(value)
    }

    /// Whether it is its player's last one, that was made for nothing but to end the count.
    pub(super) const fn is_last(self) -> bool {
        self.made_at.0 == LAST.0
    }

    /// `None` for a value that is no operation, as the first one of a node.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let Value::PackedByteArray(bytes) = value else {
            return None;
        };
        let (made_at, rest) = bytes.split_first_chunk()?;
        let (number, _) = rest.split_first_chunk()?;
        Some(Self {
            made_at: Micros(u64::from_le_bytes(*made_at)),
            number: u64::from_le_bytes(*number),
        })
    }
}

/// When a player writes next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    interval_us: f64,
    due_us: Option<f64>,
    share: f64,
    number: u64,
}

impl Schedule {
    /// So often a second, the first time after this share of the interval.
    pub(super) fn new(hz: f64, share: f64) -> Self {
        Self {
            interval_us: 1e6 / hz,
            due_us: None,
            share,
            number: 0,
        }
    }

    /// What is made in the frame of `now`, if something is due. What a late frame has missed is made up for in the next ones, one a
    /// frame, and counts from when it is made: hands move when they move.
    pub(super) fn next(&mut self, now: Micros) -> Option<Operation> {
        if !self.interval_us.is_finite() {
            return None;
        }
        let now_us = now.0 as f64;
        let due_us = *self
            .due_us
            .get_or_insert(now_us + self.share * self.interval_us);
        if now_us < due_us {
            return None;
        }
        self.due_us = Some(due_us + self.interval_us);
        self.number += 1;
        Some(Operation {
            made_at: now,
            number: self.number,
        })
    }

    /// The one after all others.
    pub(super) const fn last(&mut self) -> Operation {
        self.number += 1;
        Operation {
            made_at: LAST,
            number: self.number,
        }
    }

    /// How many were made.
    pub(super) const fn made(&self) -> u64 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_read_as_it_was_written_and_takes_the_bytes_it_is_to_take() {
        let operation = Operation {
            made_at: Micros(7),
            number: 9,
        };
        for bytes in [0, OPERATION_BYTES_MIN, 1_024] {
            let value = operation.value(bytes);
            assert_eq!(Operation::read(&value), Some(operation));
            let Value::PackedByteArray(written) = value else {
                unreachable!("always bytes");
            };
            assert_eq!(written.len(), bytes.max(OPERATION_BYTES_MIN));
        }
        assert_eq!(Operation::read(&Value::PackedByteArray(vec![0; 15])), None);
        assert_eq!(Operation::read(&Value::Int(3)), None);
    }

    #[test]
    fn the_live_values_of_an_operation_have_its_bytes_together() {
        for (bytes, parts) in [(16, 1), (LIVE_PART_BYTES_MAX, 1), (1_024, 3)] {
            let pace = Pace {
                confirmed_hz: 0.0,
                live_hz: 0.0,
                bytes,
            };
            let all: Vec<_> = pace.live_parts().collect();
            assert_eq!((all.len(), all.iter().sum::<usize>()), (parts, bytes));
            assert!(all.iter().all(|part| *part <= LIVE_PART_BYTES_MAX));
        }
    }

    #[test]
    fn so_many_are_made_as_the_pace_says_whatever_the_frames() {
        let mut schedule = Schedule::new(10.0, 0.5);
        let frames = (0..900).map(|frame| Micros(1_000_000 + frame * 11_111));
        assert_eq!(frames.filter_map(|now| schedule.next(now)).count(), 100);
        assert_eq!(schedule.made(), 100);
        let last = schedule.last();
        assert!(last.is_last() && last.number == 101 && schedule.made() == 101);
        let mut never = Schedule::new(0.0, 0.5);
        assert_eq!(never.next(Micros(5)), None);
    }
}
