//! What is said on the standard output, for scripts to read.

use std::io::{self, Write as _};

use crate::exit::{Exit, Failure};

/// Writes the text at once.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::new(Exit::Unforeseen, format!("standard output: {error}")))
}
