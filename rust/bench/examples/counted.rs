//! Does one piece of work, some rounds of it where callgrind counts: what scripts/count-instructions runs under valgrind.
//!
//! Usage: `counted NAME`

#![expect(clippy::unwrap_used, reason = "so a count fails")]

#[path = "../work/mod.rs"]
mod work;

use std::{env, hint::black_box, process::ExitCode};

use work::{ROUNDS, ROUNDS_BEFORE, Visitor, Work};

/// Callgrind knows this by its name: see the program count-instructions.
#[inline(never)]
fn only_this_is_counted<W: Work>(work: &mut W, input: W::Input) -> W::Output {
    work.run(input)
}

/// Does the work of one name.
struct Counted {
    name: String,
    found: bool,
}

impl Visitor for Counted {
    fn visit<W: Work>(&mut self, name: &str, make: impl Fn() -> W) {
        if name != self.name {
            return;
        }
        self.found = true;
        let mut work = make();
        for _ in 0..ROUNDS_BEFORE {
            let input = work.input();
            drop(black_box(work.run(input)));
        }
        for _ in 0..ROUNDS {
            let input = work.input();
            drop(black_box(only_this_is_counted(&mut work, input)));
        }
    }
}

fn main() -> ExitCode {
    let name = env::args().nth(1).unwrap_or_default();
    let mut counted = Counted { name, found: false };
    work::show(&mut counted);
    if counted.found {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: no work of the name \"{}\"", counted.name);
    ExitCode::from(2)
}
