//! Where the log goes.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::kinds::{LogFilter, LogFormat};

/// Sends everything that the filter lets through to the standard error.
pub(crate) fn start(filter: &LogFilter, format: LogFormat) {
    let logs = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&filter.0))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
}
