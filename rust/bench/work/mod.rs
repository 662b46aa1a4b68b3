//! The work that is measured: pieces of the code that ships, with what they need around them. Alike in every run: data from formulas and
//! seeds, time that is handed in, one thread.

mod batches;
mod client;
mod codec;
mod consensus;
mod node;
mod samples;
mod session;
mod words;
mod world;

/// How many rounds are done before any is counted: buffers have their size by then, and no collection that takes something in every
/// round doubles while it is counted.
#[allow(dead_code, reason = "one of those who measure counts no rounds")]
pub(crate) const ROUNDS_BEFORE: usize = 70;
/// How many rounds are counted.
#[allow(dead_code, reason = "one of those who measure counts no rounds")]
pub(crate) const ROUNDS: usize = 32;

/// Something to be done round after round.
pub(crate) trait Work {
    /// What a round takes.
    type Input;
    /// What a round leaves; dropping it is no part of the work.
    type Output;

    /// Whether an input must be used before the next one can be made.
    #[allow(dead_code, reason = "who counts makes one input at a time anyhow")]
    const IN_TURN: bool = false;

    /// Makes what the next round takes.
    fn input(&mut self) -> Self::Input;

    /// What is measured.
    fn run(&mut self, input: Self::Input) -> Self::Output;
}

/// Somebody who measures.
pub(crate) trait Visitor {
    /// Is shown a piece of work, of which `make` sets up another one each time.
    fn visit<W: Work>(&mut self, name: &str, make: impl Fn() -> W);
}

/// Shows all work there is. Names are `part/what/how many`.
pub(crate) fn show(visitor: &mut impl Visitor) {
    batches::show(visitor);
    client::show(visitor);
    codec::show(visitor);
    consensus::show(visitor);
    node::show(visitor);
    world::show(visitor);
}

/// Work that needs nothing but the same thing again and again.
pub(crate) struct Again<T, F> {
    thing: T,
    run: F,
}

impl<T, O, F: Fn(&mut T) -> O> Again<T, F> {
    pub(crate) const fn new(thing: T, run: F) -> Self {
        Self { thing, run }
    }
}

impl<T, O, F: Fn(&mut T) -> O> Work for Again<T, F> {
    type Input = ();
    type Output = O;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> O {
        (self.run)(std::hint::black_box(&mut self.thing))
    }
}
