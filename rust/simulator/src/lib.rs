//! Whole clusters and their players in virtual time, with faults, from one seed.
//!
//! The code under test is the code that ships: a server's logic and a player's, which take time, chance and bytes as arguments.
//! This crate is everything around them: clocks that are wrong, a network that loses and delays, disks that forget, processes that
//! end. Everything that happens follows from one seed, so that a run can be had again, to the bit.
//!
//! | part | does |
//! |---|---|
//! | [`plan`] | what goes wrong, how often and for how long, as a file says it |
//! | [`run`](mod@run) | one run: the driver's side of every process, the faults, the end in peace |
//! | [`network`], [`disk`], [`clock`] | what processes stand on |
//! | [`system`] | what runs: the consensus alone, or the whole logic with its players |
//! | [`check`] | what must hold whatever happens |
//! | [`plant`] | mistakes made on purpose, which the checks must notice |
//! | [`trace`] | what the replicas did, for the specification's checker |
//! | [`quic`] | the same servers and players over real QUIC, on a network of packets |
//! | [`runner`], [`report`] | many runs on all cores, and what they came to |

pub mod check;
pub mod clock;
pub mod disk;
pub mod happening;
pub mod network;
pub mod plan;
pub mod plant;
pub mod queue;
pub mod quic;
pub mod random;
pub mod report;
pub mod run;
pub mod runner;
pub mod seat;
pub mod server;
pub mod system;
pub mod trace;
