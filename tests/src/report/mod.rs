//! The report: what SyncedNode costs, whether that is what was aimed at, and how others do, from one run on one machine.
//!
//! Measuring and telling are apart: parts measure into [`Findings`], which a [`Run`] keeps, and everything that the report says is
//! computed from these, so that it can be said again without measuring.
//!
//! | part | does |
//! |---|---|
//! | [`part`] | what the parts of the suite have in common |
//! | [`parts`] | all of them |
//! | [`suite`] | runs them, and writes everything |
//! | [`sample`] | values as they were measured, for programs |
//! | [`findings`] | repetitions put together |
//! | [`turns`] | in which order they go |
//! | [`run`] | where they are kept |
//! | [`machine`] | where they were measured |
//! | [`verdict`] | whether it is what was aimed at |
//! | [`slope`] | how cost grows |
//! | [`tables`], [`plot`], [`document`] | figures for people |
//! | [`readme`] | the short form within another page |
//! | [`child`] | programs that print what they measured |

pub mod child;
pub mod document;
pub mod findings;
pub mod machine;
pub mod part;
pub mod parts;
pub mod plot;
pub mod readme;
pub mod run;
pub mod sample;
pub mod slope;
pub mod suite;
pub mod tables;
pub mod turns;
pub mod verdict;

pub use findings::Findings;
pub use part::{Bench, Chapter, Length, Part};
pub use run::Run;
