//! What goes wrong, and chance.

use std::collections::BTreeSet;

use synced_protocol::{
    id::{ServerId, mix},
    time::Micros,
};

/// A source of chance that a seed decides.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From `low` to `high`, both included.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// True so many times of a thousand.
    pub(crate) const fn permille(&mut self, permille: u64) -> bool {
        self.next() % 1000 < permille
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let place = self.between(0, from.len() as u64 - 1);
        from[usize::try_from(place).unwrap()]
    }
}

/// How the network behaves.
pub(crate) struct Faults {
    /// One-way delay, from and to.
    pub(crate) delay: (Micros, Micros),
    /// Of a thousand datagrams.
    pub(crate) lost_permille: u64,
    /// Of a thousand datagrams.
    pub(crate) doubled_permille: u64,
    /// Whether frames too are lost, doubled and out of order, as if every one came by a connection of its own.
    pub(crate) frames_too: bool,
    /// Ways that are cut, each in one direction.
    pub(crate) cut: BTreeSet<(ServerId, ServerId)>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            delay: (Micros(100), Micros(300)),
            lost_permille: 0,
            doubled_permille: 0,
            frames_too: false,
            cut: BTreeSet::new(),
        }
    }
}

impl Faults {
    /// Cuts both ways between one server and others.
    pub(crate) fn isolate(&mut self, server: ServerId, others: impl IntoIterator<Item = ServerId>) {
        for other in others {
            self.cut.insert((server, other));
            self.cut.insert((other, server));
        }
    }
}
