//! A `synced serve` of its own.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use crate::{Failure, Outcome, folder, process::Process};

/// How long the server may take to listen.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// How long something that its log is to tell of may take.
const LOG_TIME_MAX: Duration = Duration::from_secs(30);
/// How long it may take to stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(20);

/// How a server is started.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    game: (String, String),
    listen: String,
    settings: Vec<(String, String)>,
}

impl ServerOptions {
    /// A server of this game and version, at any free port of this machine.
    #[must_use]
    pub fn new(game: &str, version: &str) -> Self {
        Self {
            game: (game.to_owned(), version.to_owned()),
            listen: "127.0.0.1:0".to_owned(),
            settings: Vec::new(),
        }
    }

    /// Listens at this address.
    #[must_use]
    pub fn at(mut self, listen: SocketAddr) -> Self {
        self.listen = listen.to_string();
        self
    }

    /// Sets what a configuration file calls `key`.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.settings.push((key.to_owned(), value.to_string()));
        self
    }
}

/// A running server. It is killed when dropped.
#[derive(Debug)]
pub struct SyncedServer {
    process: Process,
    address: SocketAddr,
    fingerprint: String,
    stats: PathBuf,
}

impl SyncedServer {
    /// Starts the server that was built for release and waits until it listens. Its files go to `folder`.
    ///
    /// # Errors
    /// When it is not built or does not come up.
    pub fn start(folder: &Path, options: &ServerOptions) -> Outcome<Self> {
        let stats = folder.join("server-stats.json");
        let mut command = Command::new(program()?);
        command.args([
            "serve",
            "--listen",
            &options.listen,
            "--game",
            &options.game.0,
            "--game-version",
            &options.game.1,
        ]);
        command
            .arg("--data-dir")
            .arg(folder.join("server"))
            .arg("--stats-file")
            .arg(&stats);
        for (key, value) in &options.settings {
            command.env(format!("SYNCED_{}", key.to_uppercase()), value);
        }
        let mut process = Process::spawn("synced serve", &mut command, &folder.join("server.log"))?;
        let (address, fingerprint) =
            process.wait_for_line("it listened", START_TIME_MAX, listening)?;
        Ok(Self {
            process,
            address,
            fingerprint,
            stats,
        })
    }

    /// The number of its process in the system.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a player connects to.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_by(self.address)
    }

    /// What a player connects to who reaches the server by another address.
    #[must_use]
    pub fn url_by(&self, address: SocketAddr) -> String {
        format!("synced://{address}#sha256={}", self.fingerprint)
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// Waits until its log has a line with this text.
    ///
    /// # Errors
    /// When the server ends before, or the time is over.
    pub fn wait_for_log(&mut self, text: &str) -> Outcome {
        self.process
            .wait_for_line(text, LOG_TIME_MAX, |line| line.contains(text).then_some(()))
    }

    /// What it counted and measured, as of at most a second ago.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn stats(&self) -> Outcome<Value> {
        read_stats(&self.stats)
    }

    /// Stops it in an orderly way.
    ///
    /// # Errors
    /// When it does not stop in time, or not with exit code 0.
    pub fn stop(self) -> Outcome {
        self.stop_with_stats().map(drop)
    }

    /// As [`stop`](Self::stop), and gives its last statistics.
    ///
    /// # Errors
    /// As there, or when it left none.
    pub fn stop_with_stats(mut self) -> Outcome<Value> {
        self.process.terminate()?;
        let status = self.process.wait(STOP_TIME_MAX)?;
        if !status.success() || self.log().contains("panicked at") {
            return Err(self.process.failure(&format!("ended with {status}")));
        }
        read_stats(&self.stats)
    }
}

/// The program, where `cargo build --release` puts it.
pub(crate) fn program() -> Outcome<PathBuf> {
    let program = folder::target()?.join("release/synced");
    if program.is_file() {
        return Ok(program);
    }
    Err(Failure::new(format!(
        "{} is missing: run cargo build --release --package synced-server",
        program.display()
    )))
}

fn listening(line: &str) -> Option<(SocketAddr, String)> {
    let (address, fingerprint) = line
        .strip_prefix("listening on ")?
        .split_once(" fingerprint sha256=")?;
    Some((address.parse().ok()?, fingerprint.trim().to_owned()))
}

pub(crate) fn read_stats(path: &Path) -> Outcome<Value> {
    let text =
        fs::read_to_string(path).map_err(Failure::of(format!("cannot read {}", path.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_tells_where_a_server_listens_is_understood() {
        let told = listening("listening on 127.0.0.1:4870 fingerprint sha256=0a1b");
        assert_eq!(
            told,
            Some(("127.0.0.1:4870".parse().unwrap(), "0a1b".to_owned()))
        );
        assert_eq!(listening("invite synced://127.0.0.1:4870"), None);
    }
}
