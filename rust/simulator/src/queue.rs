//! What is yet to happen, in the order of virtual time; what is due at the same instant happens in the order of its scheduling.

use std::{cmp::Ordering, collections::BinaryHeap};

use synced_protocol::time::Micros;

/// The queue of one run.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Key>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    scheduled: u64,
}

/// Kept apart from what happens, so that sorting moves little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    at: Micros,
    number: u64,
    slot: u32,
}

impl Ord for Key {
    /// The earliest is the greatest, as the heap wants it.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            scheduled: 0,
        }
    }
}

impl<T> Queue<T> {
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
        let number = self.scheduled;
        self.scheduled += 1;
        self.heap.push(Key { at, number, slot });
    }

    /// The next thing that happens, unless it is after `end`.
    pub fn pop(&mut self, end: Micros) -> Option<(Micros, T)> {
        if self.heap.peek()?.at > end {
            return None;
        }
        let key = self.heap.pop()?;
        self.free.push(key.slot);
        let what = self.slots[key.slot as usize].take()?;
        Some((key.at, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_by_time_and_then_in_the_order_of_their_scheduling() {
        let mut queue = Queue::default();
        for (at, what) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b'), (9, 'e')] {
            queue.schedule(Micros(at), what);
        }
        let until = |queue: &mut Queue<char>, end| -> String {
            std::iter::from_fn(|| queue.pop(Micros(end)))
                .map(|(_, what)| what)
                .collect()
        };
        assert_eq!(until(&mut queue, 5), "abcd");
        queue.schedule(Micros(6), 'f');
        assert_eq!(until(&mut queue, 8), "f");
        assert_eq!(until(&mut queue, 100), "e");
    }
}
