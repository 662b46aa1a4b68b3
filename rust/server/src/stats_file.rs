//! The file that statistics go to.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;
use synced_transport::TransportCounters;

use crate::{
    exit::{Exit, Failure},
    watch::Report,
};

/// Writes reports, each in place of the one before; a reader never finds half of one.
#[derive(Debug)]
pub(crate) struct StatsFile {
    path: PathBuf,
    draft: PathBuf,
    started: Instant,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    uptime_s: f64,
    /// How long the process has computed, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_s: Option<f64>,
    /// The memory that the process has in use, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    resident_bytes: Option<u64>,
    #[serde(flatten)]
    report: &'a Report,
    transport: TransportCounters,
    /// The port for the other servers, in a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    peers: Option<TransportCounters>,
}

impl StatsFile {
    pub(crate) fn new(path: &Path) -> Self {
        let mut draft = path.as_os_str().to_owned();
        draft.push(format!(".{}.tmp", std::process::id()));
        Self {
            path: path.to_owned(),
            draft: draft.into(),
            started: Instant::now(),
        }
    }

    pub(crate) fn write(
        &self,
        report: &Report,
        transport: TransportCounters,
        peers: Option<TransportCounters>,
    ) -> Result<(), Failure> {
        let content = Content {
            uptime_s: self.started.elapsed().as_secs_f64(),
            cpu_s: synced_bench::cpu_s(),
            resident_bytes: synced_bench::resident_bytes(),
            report,
            transport,
            peers,
        };
        self.replace(&content).map_err(|error| {
            let message = format!("{}: cannot be written: {error}", self.path.display());
            Failure::new(Exit::Stats, message)
        })
    }

    fn replace(&self, content: &Content<'_>) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(content)?;
        text.push('\n');
        let replaced =
            fs::write(&self.draft, text).and_then(|()| fs::rename(&self.draft, &self.path));
        if replaced.is_err() {
            // The draft is of no use any more, if there is one.
            let _ = fs::remove_file(&self.draft);
        }
        replaced
    }
}
