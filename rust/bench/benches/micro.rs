//! What each piece of work takes: `cargo bench -p synced-bench --bench micro -- [PART OF A NAME]`.

#![expect(clippy::unwrap_used, reason = "so a benchmark fails")]

#[path = "../work/mod.rs"]
mod work;

use std::cell::{LazyCell, RefCell};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use work::{Visitor, Work};

struct Clocked<'a>(&'a mut Criterion);

impl Visitor for Clocked<'_> {
    fn visit<W: Work>(&mut self, name: &str, make: impl Fn() -> W) {
        let work = LazyCell::new(|| RefCell::new(make()));
        let size = if W::IN_TURN {
            BatchSize::PerIteration
        } else {
            BatchSize::SmallInput
        };
        self.0.bench_function(name, |bencher| {
            bencher.iter_batched(
                || work.borrow_mut().input(),
                |input| work.borrow_mut().run(input),
                size,
            );
        });
    }
}

fn micro(criterion: &mut Criterion) {
    work::show(&mut Clocked(criterion));
}

criterion_group!(benches, micro);
criterion_main!(benches);
