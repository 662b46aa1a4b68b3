//! The parts of the suite, in the order in which they are measured and told.

mod apply;
mod counts;
mod crowd;
mod godots;
mod growth;
mod headless;
mod peers;
mod rows;
mod single;
mod soak;

use super::part::Part;

/// All of them.
#[must_use]
pub fn all() -> Vec<Box<dyn Part>> {
    vec![
        Box::new(crowd::Crowd),
        Box::new(godots::Godots),
        Box::new(single::Single),
        Box::new(peers::Peers),
        Box::new(headless::Headless),
        Box::new(apply::Apply),
        Box::new(growth::Growth),
        Box::new(counts::Counts),
        Box::new(soak::Soak),
    ]
}
