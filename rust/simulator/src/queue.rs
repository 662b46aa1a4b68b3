//! What is yet to happen, in the order of virtual time; what is due at the same instant happens in the order of its scheduling.

use std::{cmp::Reverse, collections::BinaryHeap};

use synced_protocol::time::Micros;

/// The queue of one run.
///
/// Whoever waits for a time changes it far oftener than the time comes, so that alarms stand beside the queue: one for each host, which
/// a later one replaces.
#[derive(Debug)]
pub struct Queue<T> {
    /// What happens is kept apart, so that sorting moves little.
    heap: BinaryHeap<Reverse<(Key, u32)>>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    alarms: Vec<Key>,
    /// The place of the earliest alarm.
    first: usize,
    scheduled: u64,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub enum Due<T> {
    /// The alarm of this place.
    Alarm(usize),
    /// Something that was scheduled.
    Thing(T),
}

/// When something is due and, below that, how many things were scheduled before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

impl Key {
    const NEVER: Self = Self(u128::MAX);

    const fn new(at: Micros, number: u64) -> Self {
        Self((at.0 as u128) << 64 | number as u128)
    }

    const fn at(self) -> Micros {
        Micros((self.0 >> 64) as u64)
    }
}

impl<T> Queue<T> {
    /// An empty queue with so many alarms.
    #[must_use]
    pub fn new(alarms: usize) -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            alarms: vec![Key::NEVER; alarms],
            first: 0,
            scheduled: 0,
        }
    }

    /// Something will happen.
    pub fn schedule(&mut self, at: Micros, what: T) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(what);
                slot
            }
            None => {
                self.slots.push(Some(what));
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let key = Key::new(at, self.next_number());
        self.heap.push(Reverse((key, slot)));
    }

    /// The alarm of a place will go off then, and not when it was set to before; or not at all.
    pub fn set_alarm(&mut self, place: usize, at: Option<Micros>) {
        let number = self.next_number();
        let alarm = at.map_or(Key::NEVER, |at| Key::new(at, number));
        let is_first = alarm < self.alarms[self.first];
        self.alarms[place] = alarm;
        if is_first {
            self.first = place;
        } else if place == self.first {
            self.find_first();
        }
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next(&self) -> Option<Micros> {
        let scheduled = self.heap.peek().map(|Reverse((key, _))| *key);
        let alarm = self.alarms.get(self.first).copied();
        let next = scheduled.into_iter().chain(alarm).min()?;
        (next != Key::NEVER).then(|| next.at())
    }

    /// The next thing that happens, unless it is after `end`.
    pub fn pop(&mut self, end: Micros) -> Option<(Micros, Due<T>)> {
        let scheduled = self
            .heap
            .peek()
            .map_or(Key::NEVER, |Reverse((key, _))| *key);
        let alarm = self.alarms.get(self.first).copied().unwrap_or(Key::NEVER);
        let at = scheduled.min(alarm).at();
        if at > end {
            return None;
        }
        if alarm < scheduled {
            return Some((at, self.go_off()));
        }
        let Reverse((_, slot)) = self.heap.pop()?;
        self.free.push(slot);
        let what = self.slots[slot as usize].take()?;
        Some((at, Due::Thing(what)))
    }

    fn go_off(&mut self) -> Due<T> {
        let place = self.first;
        self.alarms[place] = Key::NEVER;
        self.find_first();
        Due::Alarm(place)
    }

    fn find_first(&mut self) {
        let mut first = (Key::NEVER, 0);
        for (place, alarm) in self.alarms.iter().enumerate() {
            if *alarm < first.0 {
                first = (*alarm, place);
            }
        }
        self.first = first.1;
    }

    const fn next_number(&mut self) -> u64 {
        let number = self.scheduled;
        self.scheduled += 1;
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(queue: &mut Queue<char>, end: u64) -> String {
        std::iter::from_fn(|| queue.pop(Micros(end)))
            .map(|(_, due)| match due {
                Due::Alarm(place) => char::from_digit(u32::try_from(place).unwrap(), 10).unwrap(),
                Due::Thing(what) => what,
            })
            .collect()
    }

    #[test]
    fn things_happen_by_time_and_then_in_the_order_of_their_scheduling() {
        let mut queue = Queue::new(0);
        for (at, what) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b'), (9, 'e')] {
            queue.schedule(Micros(at), what);
        }
        assert_eq!(until(&mut queue, 5), "abcd");
        queue.schedule(Micros(6), 'f');
        assert_eq!(until(&mut queue, 8), "f");
        assert_eq!(until(&mut queue, 100), "e");
    }

    #[test]
    fn an_alarm_goes_off_once_among_the_rest_when_it_was_set_to_last() {
        let mut queue = Queue::new(3);
        queue.schedule(Micros(5), 'a');
        queue.set_alarm(1, Some(Micros(5)));
        queue.schedule(Micros(5), 'b');
        queue.set_alarm(0, Some(Micros(1)));
        queue.set_alarm(2, Some(Micros(2)));
        queue.set_alarm(0, Some(Micros(6)));
        queue.set_alarm(2, None);
        assert_eq!(until(&mut queue, 5), "a1b");
        assert_eq!(until(&mut queue, 100), "0");
    }
}
