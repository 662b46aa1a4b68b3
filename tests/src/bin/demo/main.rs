//! Plays a session of the demo by itself and tells how it went: `scripts/demo` runs it.
//!
//! Exit codes: 0 all that the demo promises held; 1 it did not, or something failed; 2 an argument is not understood.

mod band;
mod host;
mod options;
mod report;
mod session;
mod table;
mod tables;
mod verdict;

use std::process::ExitCode;

use clap::Parser;
use synced_tests::Outcome;

use crate::options::Options;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("\nThe demo failed.\n{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything held.
fn run(options: &Options) -> Outcome<bool> {
    let played = session::play(options)?;
    println!("\n{}", tables::stages(&played));
    println!("{}", tables::players(&played));
    let findings = verdict::findings(&played, options.picture.as_deref());
    for finding in &findings {
        println!("{finding}");
    }
    Ok(findings.iter().all(|finding| finding.holds))
}
