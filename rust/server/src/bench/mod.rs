//! `synced bench`: a crowd of players, measured.

mod crowd;
mod figures;
mod growth;
mod looks;
mod measure;
mod part;
mod scratch;
mod servers;
mod soak;
mod table;

use crate::{cli::Bench, exit::Failure, output};
use measure::Measurement;

/// Measures what was asked for, and prints it. What was too much ends it: more is not tried.
///
/// # Errors
/// When servers do not come up, or what was measured did not hold.
pub(crate) fn run(options: &Bench) -> Result<(), Failure> {
    if let Some(expected) = options.beside {
        return crowd::be_one(options, expected.0 as usize);
    }
    for players in &options.players {
        let figures = Measurement::prepare(options, players.0 as usize)?.take();
        let text = if options.json {
            figures.json()?
        } else {
            table::of(&figures)
        };
        output::say(&text)?;
        figures.check()?;
    }
    Ok(())
}
