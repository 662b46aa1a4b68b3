//! Nobody sees a live property leap where a value came too late.

use std::borrow::Cow;

use synced_protocol::{time::Micros, value::Value};

use super::{ValueBuffer, interpolate};

/// In this time what is shown comes back to what is known.
pub const CATCH_UP: Micros = Micros::from_millis(80);

/// Shows a buffer's values without pops.
///
/// Where a value came after the time that is shown had passed it, what was shown before is not what is now known of that
/// moment. From there the way to what is known is made in small steps. Kinds without a between step at once.
#[derive(Debug, Clone, Default)]
pub struct ValueSmoother {
    last: Option<Last>,
    /// When what is shown is again what is known.
    catching_up: Option<Micros>,
}

#[derive(Debug, Clone)]
struct Last {
    at: Micros,
    /// What the buffer said of that time.
    known: Value,
    /// What was shown, if it was something else.
    shown: Option<Value>,
    /// The newest value that was known then.
    newest: Micros,
}

impl ValueSmoother {
    /// A smoother that has shown nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what was shown: what comes is something else.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether what was shown last is not yet what is known.
    #[must_use]
    pub const fn is_catching_up(&self) -> bool {
        self.catching_up.is_some()
    }

    /// What to show at a session time, which must not go backwards.
    pub fn show(&mut self, buffer: &ValueBuffer, at: Micros) -> Option<Value> {
        let known = buffer.sample_at(at).map(Cow::into_owned)?;
        let (newest, _) = buffer.newest()?;
        let last = self.last.take();
        // What lies before the newest value is known for good.
        if let Some(last) = last.as_ref().filter(|last| last.at > last.newest) {
            self.learn(last, buffer);
        }
        let shown = last.and_then(|last| self.approach(last, &known, at));
        self.last = Some(Last {
            at,
            known: known.clone(),
            shown: shown.clone(),
            newest,
        });
        Some(shown.unwrap_or(known))
    }

    fn learn(&mut self, last: &Last, buffer: &ValueBuffer) {
        let is_news = buffer
            .sample_at(last.at)
            .is_some_and(|known| *known != last.known);
        if is_news {
            self.catching_up = Some(last.at + CATCH_UP);
        }
    }

    /// As much of the way from what was shown to what is known as the time that passed is of the time that is left.
    fn approach(&mut self, last: Last, known: &Value, at: Micros) -> Option<Value> {
        let until = self.catching_up?;
        if at >= until {
            self.catching_up = None;
            return None;
        }
        let part = at.since(last.at).as_secs_f64() / until.since(last.at).as_secs_f64();
        let shown = last.shown.unwrap_or(last.known);
        let mixed = interpolate(&shown, known, part as f32);
        if mixed.is_none() {
            self.catching_up = None;
        }
        mixed
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

    fn float(value: Option<Value>) -> f64 {
        match value {
            Some(Value::Float(value)) => value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_comes_in_time_is_shown_as_it_is() {
        let mut buffer = ValueBuffer::new(8);
        let mut smoother = ValueSmoother::new();
        for ms in 0..200 {
            buffer.push(at_ms(ms), Value::Float(ms as f64));
            let at = at_ms(ms) - Micros(1_500);
            let shown = float(smoother.show(&buffer, at));
            let known = float(buffer.sample_at(at).map(Cow::into_owned));
            assert_eq!(shown, known);
            assert!(!smoother.is_catching_up());
        }
    }

    #[test]
    fn a_kind_without_a_between_steps_at_once() {
        let mut buffer = ValueBuffer::new(8);
        let mut smoother = ValueSmoother::new();
        buffer.push(at_ms(0), Value::Int(1));
        assert_eq!(smoother.show(&buffer, at_ms(50)), Some(Value::Int(1)));
        buffer.push(at_ms(40), Value::Int(2));
        assert_eq!(smoother.show(&buffer, at_ms(51)), Some(Value::Int(2)));
        assert!(!smoother.is_catching_up());
    }

    #[test]
    fn after_the_time_for_it_what_is_shown_is_what_is_known() {
        let mut buffer = ValueBuffer::new(8);
        let mut smoother = ValueSmoother::new();
        buffer.push(at_ms(0), Value::Float(0.0));
        let _ = smoother.show(&buffer, at_ms(50));
        buffer.push(at_ms(45), Value::Float(9.0));
        assert!(float(smoother.show(&buffer, at_ms(60))) < 2.0);
        assert!(smoother.is_catching_up());
        let done = at_ms(50) + CATCH_UP;
        assert_eq!(smoother.show(&buffer, done), Some(Value::Float(9.0)));
        assert!(!smoother.is_catching_up());
    }

    proptest! {
        #[test]
        fn whenever_values_come_what_is_shown_moves_no_faster_than_the_difference_allows(
            lateness_ms in prop::collection::vec(0..80_u64, 60), frame_ms in 1..20_u64,
        ) {
            // A value of 0 to 1, every 10 ms another one.
            let value = |place: usize| (place as f64 * 0.7).sin() * 0.5 + 0.5;
            let mut buffer = ValueBuffer::new(32);
            let mut smoother = ValueSmoother::new();
            let mut arrivals: Vec<_> = lateness_ms
                .iter()
                .enumerate()
                .map(|(place, late)| (place as u64 * 10 + late, place))
                .collect();
            arrivals.sort_unstable();
            let mut arrivals = arrivals.into_iter().peekable();
            let mut before: Option<f64> = None;
            for now in (80..700).step_by(frame_ms as usize) {
                while let Some((_, place)) = arrivals.next_if(|(arrival, _)| *arrival <= now) {
                    buffer.push(at_ms(place as u64 * 10), Value::Float(value(place)));
                }
                if buffer.newest().is_none() {
                    continue;
                }
                let shown = float(smoother.show(&buffer, at_ms(now - 30)));
                if let Some(before) = before {
                    // The values' own pace, 0.07 a millisecond at most, and the rest of a catching up that ends.
                    let last_step = frame_ms as f64 / CATCH_UP.as_secs_f64() / 1e3;
                    let most = 0.07 * frame_ms as f64 + 1.5 * last_step.max(0.07);
                    prop_assert!((shown - before).abs() <= most, "{before} to {shown}");
                }
                before = Some(shown);
            }
        }
    }
}
