//! The newest of something of which only the newest counts, on its way into datagrams.

use rtrb::Consumer;
use synced_protocol::time::Micros;

/// What was measured last, and whether it has to be sent.
#[derive(Debug)]
pub(super) struct Latest<T> {
    source: Consumer<T>,
    held: Option<Held<T>>,
    /// Local time since which it waits to be sent.
    waiting_since: Option<Micros>,
    sent_at: Option<Micros>,
    pace: Pace,
}

/// How often it is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// So much time passes at the least between two sendings.
    pub(super) interval_min: Micros,
    /// So much passes at the most, even if nothing changes.
    pub(super) repeat: Option<Micros>,
}

/// Something with the session time of its measurement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<T> {
    pub(super) stamp: Micros,
    pub(super) value: T,
}

impl<T> Latest<T> {
    pub(super) const fn new(source: Consumer<T>, pace: Pace) -> Self {
        Self {
            source,
            held: None,
            waiting_since: None,
            sent_at: None,
            pace,
        }
    }

    /// Goes on with another source.
    pub(super) fn replace(&mut self, source: Consumer<T>) {
        self.source = source;
    }

    /// Takes the newest that the source has, if `take` makes something of it that differs from what is held.
    pub(super) fn read(&mut self, now: Micros, take: impl Fn(T, Option<&T>) -> Option<Held<T>>) {
        let mut newest = None;
        while let Ok(value) = self.source.pop() {
            newest = Some(value);
        }
        let held = self.held.as_ref().map(|held| &held.value);
        if let Some(changed) = newest.and_then(|newest| take(newest, held)) {
            self.held = Some(changed);
            self.wait(self.paced(now));
        }
        let repeats = self.pace.repeat.zip(self.sent_at).zip(self.held.as_ref());
        if repeats.is_some_and(|((repeat, sent_at), _)| now.since(sent_at) >= repeat) {
            self.wait(now);
        }
    }

    /// Since when it waits, if it may go now.
    pub(super) fn oldest(&self, now: Micros) -> Option<Micros> {
        self.waiting_since.filter(|since| *since <= now)
    }

    pub(super) const fn held(&self) -> Option<&Held<T>> {
        self.held.as_ref()
    }

    pub(super) const fn sent(&mut self, now: Micros) {
        self.waiting_since = None;
        self.sent_at = Some(now);
    }

    /// Nobody has what was sent before: it goes again.
    pub(super) fn renew(&mut self, now: Micros) {
        self.waiting_since = self.held.as_ref().map(|_| now);
        self.sent_at = None;
    }

    /// Forgets everything: what was measured before is of no use any more.
    pub(super) fn clear(&mut self) {
        while self.source.pop().is_ok() {}
        self.held = None;
        self.waiting_since = None;
        self.sent_at = None;
    }

    fn paced(&self, now: Micros) -> Micros {
        self.sent_at
            .map_or(now, |sent_at| now.max(sent_at + self.pace.interval_min))
    }

    fn wait(&mut self, since: Micros) {
        self.waiting_since.get_or_insert(since);
    }
}

#[cfg(test)]
mod tests {
    use rtrb::{Producer, RingBuffer};

    use super::*;

    const START: Micros = Micros::from_secs(5);
    const PACE: Pace = Pace {
        interval_min: Micros::from_millis(33),
        repeat: Some(Micros::from_millis(250)),
    };

    fn latest() -> (Producer<u64>, Latest<u64>) {
        let (producer, source) = RingBuffer::new(8);
        (producer, Latest::new(source, PACE))
    }

    /// The times and numbers sent, looked for every millisecond.
    fn sent(
        latest: &mut Latest<u64>,
        mut producer: Producer<u64>,
        numbers: &[(u64, u64)],
        until: u64,
    ) -> Vec<(u64, u64)> {
        let mut sent = Vec::new();
        for ms in 0..until {
            let now = START + Micros::from_millis(ms);
            for (_, number) in numbers.iter().filter(|(at, _)| *at == ms) {
                producer.push(*number).unwrap();
            }
            latest.read(now, |value, held| {
                (held != Some(&value)).then_some(Held { stamp: now, value })
            });
            if latest.oldest(now).is_some() {
                sent.push((ms, latest.held().unwrap().value));
                latest.sent(now);
            }
        }
        sent
    }

    #[test]
    fn the_newest_goes_when_it_changes_no_sooner_than_its_pace_and_again_when_it_rests() {
        let (producer, mut latest) = latest();
        let numbers = [(0, 1), (0, 2), (10, 3), (20, 4), (100, 4), (200, 5)];
        let sent = sent(&mut latest, producer, &numbers, 700);
        assert_eq!(sent, [(0, 2), (33, 4), (200, 5), (450, 5)]);
    }

    /// What is sent when 1 has been sent, 2 waits in the source, and then this happens.
    fn sent_after(happens: impl FnOnce(&mut Latest<u64>)) -> Vec<(u64, u64)> {
        let (mut producer, mut latest) = latest();
        let take = |value, _: Option<&u64>| {
            Some(Held {
                stamp: START,
                value,
            })
        };
        producer.push(1).unwrap();
        latest.read(START, take);
        latest.sent(START);
        producer.push(2).unwrap();
        happens(&mut latest);
        sent(&mut latest, producer, &[], 300)
    }

    #[test]
    fn what_was_cleared_is_not_sent_again_and_what_was_renewed_is_at_once() {
        assert!(sent_after(Latest::clear).is_empty());
        assert_eq!(sent_after(|latest| latest.renew(START)), [(0, 2), (250, 2)]);
        assert_eq!(sent_after(|_| ()), [(33, 2), (283, 2)]);
    }
}
