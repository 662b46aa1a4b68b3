//! `synced bench`: a crowd of players, measured.

mod crowd;
mod figures;
mod scratch;
mod servers;
mod table;

use synced_protocol::time::Micros;

use crate::{cli::Bench, exit::Failure, output};
use figures::Figures;
use scratch::Scratch;
use servers::Servers;

/// Measures what was asked for, and prints it.
///
/// # Errors
/// When servers or players do not come up, or a promise was broken.
pub(crate) fn run(options: &Bench) -> Result<(), Failure> {
    if let Some(expected) = options.beside {
        return output::say(&crowd::be_one(options, expected.0 as usize)?);
    }
    let mut all = Vec::new();
    for players in &options.players {
        let figures = measure(options, players.0 as usize)?;
        if options.json {
            output::say(&figures.json()?)?;
        }
        all.push(figures);
    }
    if !options.json {
        output::say(&table::of(&all))?;
    }
    all.iter().try_for_each(Figures::check)
}

/// Servers of their own for each number of players: what one crowd leaves behind does not weigh on the next.
fn measure(options: &Bench, players: usize) -> Result<Figures, Failure> {
    let scratch = Scratch::new()?;
    if let Some(url) = &options.url {
        return Ok(Figures {
            crowd: crowd::play(options, url, players, &scratch, || {})?,
            servers: None,
        });
    }
    let mut servers = Servers::start(options, &scratch)?;
    let url = servers.url.clone();
    let crowd = crowd::play(options, &url, players, &scratch, || servers.look())?;
    let from = Micros(crowd.counted_from_us);
    let until = from + Micros((1e6 * crowd.span_s) as u64);
    Ok(Figures {
        servers: servers.end(from, until),
        crowd,
    })
}
