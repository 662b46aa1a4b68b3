//! Does all work, and prints a line for each piece: its name, how many rounds were counted, and how many allocations
//! of how many bytes those rounds made together.

#![expect(clippy::unwrap_used, reason = "so a count fails")]

#[path = "../work/mod.rs"]
mod work;

use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use work::{ROUNDS, ROUNDS_BEFORE, Visitor, Work};

struct Printed;

impl Visitor for Printed {
    fn visit<W: Work>(&mut self, name: &str, make: impl Fn() -> W) {
        let mut work = make();
        for _ in 0..ROUNDS_BEFORE {
            let input = work.input();
            drop(black_box(work.run(input)));
        }
        let mut all = AllocationInfo::default();
        for _ in 0..ROUNDS {
            let mut input = Some(work.input());
            let mut output = None;
            all += measure(|| output = input.take().map(|input| work.run(input)));
            drop(black_box(output));
        }
        let (count, bytes) = (all.count_total, all.bytes_total);
        println!("{name} {ROUNDS} {count} {bytes}");
    }
}

fn main() {
    work::show(&mut Printed);
}
