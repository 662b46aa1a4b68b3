//! A live property between the values that its owner sent.

use std::borrow::Cow;

use synced_protocol::{time::Micros, value::Value};

use super::interpolate;

/// Values further apart than this are not connected: the owner had said nothing in between because nothing changed.
pub const INTERPOLATION_SPAN_MAX: Micros = Micros::from_millis(100);

/// The latest values of one property with their times.
#[derive(Debug, Clone)]
pub struct ValueBuffer {
    /// In order of time, no two of one time. As a rule two to four, at the beginning of the same few lines of memory: a game
    /// has a thousand of these, and looks at each in every frame.
    values: Vec<(Micros, Value)>,
    capacity: usize,
}

impl ValueBuffer {
    /// A buffer for at most `capacity` values, at least two.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            values: Vec::new(),
            capacity: capacity.max(2),
        }
    }

    /// Takes the next value, in place of the oldest when it is full; one that is not newer than the newest is dropped.
    pub fn push(&mut self, stamp: Micros, value: Value) {
        if self.newest().is_some_and(|(newest, _)| newest >= stamp) {
            return;
        }
        if self.values.len() == self.capacity {
            self.values.remove(0);
        }
        self.values.push((stamp, value));
    }

    /// Forgets what no [`sample_at`](Self::sample_at) of this session time, or of a later one, needs.
    pub fn forget_before(&mut self, session_time: Micros) {
        let older = self.place_before(session_time).unwrap_or(0);
        self.values.drain(..older);
    }

    /// Forgets every value: a confirmed one has taken their place.
    pub fn clear(&mut self) {
        self.values.clear();
    }

    /// The newest value and its time.
    #[must_use]
    pub fn newest(&self) -> Option<(Micros, &Value)> {
        self.values.last().map(|(stamp, value)| (*stamp, value))
    }

    /// The value at a session time: between two that can be mixed and are at most [`INTERPOLATION_SPAN_MAX`] apart, their
    /// mix; else the last before that time; before the first, the first. `None` without values.
    ///
    /// Two values that are further apart are mixed over the last part of the time between them.
    #[must_use]
    pub fn sample_at(&self, session_time: Micros) -> Option<Cow<'_, Value>> {
        let Some(before) = self.place_before(session_time) else {
            return self.values.first().map(|(_, value)| Cow::Borrowed(value));
        };
        let (from, a) = self.values.get(before)?;
        let mixed = self.values.get(before + 1).and_then(|(to, b)| {
            let span = to.since(*from).min(INTERPOLATION_SPAN_MAX);
            let left = to.since(session_time).as_secs_f64() / span.as_secs_f64();
            interpolate(a, b, (1.0 - left).max(0.0) as f32)
        });
        Some(mixed.map_or(Cow::Borrowed(a), Cow::Owned))
    }

    /// Where the last value before a time stands.
    fn place_before(&self, session_time: Micros) -> Option<usize> {
        self.values
            .iter()
            .rposition(|(stamp, _)| *stamp <= session_time)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Micros = Micros::from_secs(1_000_000);

    fn at_ms(ms: u64) -> Micros {
        START + Micros::from_millis(ms)
    }

    fn floats(values: &[(u64, f64)]) -> ValueBuffer {
        let mut buffer = ValueBuffer::new(8);
        for (ms, value) in values {
            buffer.push(at_ms(*ms), Value::Float(*value));
        }
        buffer
    }

    fn float(buffer: &ValueBuffer, at: Micros) -> f64 {
        match buffer.sample_at(at).as_deref() {
            Some(Value::Float(value)) => *value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn between_two_values_it_is_their_mix_and_outside_of_them_the_nearest() {
        let buffer = floats(&[(10, 1.0), (20, 3.0)]);
        let seen = [0, 10, 15, 20, 500].map(|ms| float(&buffer, at_ms(ms)));
        assert_eq!(seen, [1.0, 1.0, 2.0, 3.0, 3.0]);
    }

    #[test]
    fn what_rested_for_long_starts_to_move_only_shortly_before_its_next_value() {
        let buffer = floats(&[(0, 0.0), (1_000, 8.0)]);
        let seen = [500, 900, 950, 1_000].map(|ms| float(&buffer, at_ms(ms)));
        assert_eq!(seen, [0.0, 0.0, 4.0, 8.0]);
    }

    #[test]
    fn a_kind_without_a_between_steps_at_its_time_and_is_not_copied() {
        let mut buffer = ValueBuffer::new(2);
        buffer.push(at_ms(0), Value::String("red".into()));
        buffer.push(at_ms(10), Value::String("blue".into()));
        let seen = |at| match buffer.sample_at(at) {
            Some(Cow::Borrowed(Value::String(text))) => text.as_str(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            [seen(at_ms(10) - Micros(1)), seen(at_ms(10))],
            ["red", "blue"]
        );
    }

    #[test]
    fn a_value_that_is_not_newer_is_dropped_and_a_full_buffer_drops_its_oldest() {
        let mut buffer = ValueBuffer::new(2);
        for ms in [1, 3, 2, 3, 4] {
            buffer.push(at_ms(ms), Value::Float(ms as f64));
        }
        assert_eq!(buffer.values.len(), 2);
        assert_eq!(
            [float(&buffer, START), float(&buffer, at_ms(9))],
            [3.0, 4.0]
        );
        buffer.clear();
        assert_eq!(buffer.sample_at(START), None);
    }

    #[test]
    fn what_is_forgotten_is_never_missed() {
        let whole = floats(&[(10, 1.0), (20, 3.0), (30, 4.0), (40, 9.0)]);
        for shown in 0..50 {
            let mut rest = whole.clone();
            rest.forget_before(at_ms(shown));
            for later in shown..60 {
                assert_eq!(rest.sample_at(at_ms(later)), whole.sample_at(at_ms(later)));
            }
            let before = rest.values.iter().filter(|(at, _)| *at < at_ms(shown));
            assert!(before.count() <= 1, "at {shown}");
        }
    }

    proptest! {
        #[test]
        fn a_value_that_grows_is_never_seen_to_shrink(
            gaps in prop::collection::vec(1..300_000_u64, 2..8),
            steps in prop::collection::vec(0..100_000_u64, 1..50),
        ) {
            let mut buffer = ValueBuffer::new(8);
            let mut stamp = START;
            for (place, gap) in gaps.iter().enumerate() {
                stamp = stamp + Micros(*gap);
                buffer.push(stamp, Value::Float(place as f64));
            }
            let (mut at, mut before) = (START, f64::MIN);
            for step in steps {
                at = at + Micros(step);
                let seen = float(&buffer, at);
                prop_assert!(seen >= before);
                before = seen;
            }
        }
    }
}
