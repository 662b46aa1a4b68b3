//! One server of the cluster as a child of this process.

use std::{
    env,
    fs::{File, OpenOptions},
    io,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use synced_protocol::id::ServerId;

use super::folder::{ClusterFolder, cannot_write};
use crate::{
    exit::{Exit, Failure},
    layer::variable_of,
    settings::{ClusterSettings, Settings},
};

/// How long the first wait before a restart takes; each further one takes twice as long as the one before.
const RESTART_WAIT_MIN: Duration = Duration::from_millis(500);
/// How long such a wait takes at most.
const RESTART_WAIT_MAX: Duration = Duration::from_secs(15);
/// Whoever runs so long has recovered.
const RECOVERED_AFTER: Duration = Duration::from_secs(60);
/// Settings that each server has for itself, so that the environment must not say them for all.
const OWN_SETTINGS: [&str; 5] = ["listen", "public_host", "data_dir", "stats_file", "game"];

/// A server that runs, or did.
#[derive(Debug)]
pub(crate) struct ServerChild {
    pub(crate) server: ServerId,
    config: PathBuf,
    log: PathBuf,
    variables: Vec<(String, String)>,
    process: Option<Child>,
    started_at: Instant,
    restart_wait: Duration,
    restart_at: Option<Instant>,
}

/// What became of a server.
#[derive(Debug)]
pub(crate) enum Change {
    /// It ended by itself.
    Ended(ExitStatus),
    /// It was started again.
    Restarted,
}

impl ServerChild {
    /// Starts a server, with these environment variables beside those of this process.
    ///
    /// # Errors
    /// When the program cannot be started or its log not be written.
    pub(crate) fn start(
        folder: &ClusterFolder,
        server: ServerId,
        variables: &[(String, String)],
    ) -> Result<Self, Failure> {
        let mut child = Self {
            server,
            config: folder.server_config(server),
            log: folder.server(server).join("log"),
            variables: variables.to_vec(),
            process: None,
            started_at: Instant::now(),
            restart_wait: RESTART_WAIT_MIN,
            restart_at: None,
        };
        child.spawn()?;
        Ok(child)
    }

    /// Sees whether it has ended, or is to be started again.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) fn look(&mut self, restarts: bool) -> Result<Option<Change>, Failure> {
        if let Some(status) = self.ended() {
            self.process = None;
            if self.started_at.elapsed() > RECOVERED_AFTER {
                self.restart_wait = RESTART_WAIT_MIN;
            }
            self.restart_at = restarts.then(|| Instant::now() + self.restart_wait);
            return Ok(Some(Change::Ended(status)));
        }
        if self.restart_at.is_none_or(|at| Instant::now() < at) {
            return Ok(None);
        }
        self.restart_wait = (self.restart_wait * 2).min(RESTART_WAIT_MAX);
        self.spawn()?;
        Ok(Some(Change::Restarted))
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Whether it will be started again by itself.
    pub(crate) const fn is_coming_back(&self) -> bool {
        self.restart_at.is_some()
    }

    /// How somebody starts it by hand.
    pub(crate) fn command_line(&self) -> String {
        format!("synced serve --config {}", self.config.display())
    }

    pub(crate) fn log(&self) -> String {
        self.log.display().to_string()
    }

    /// Asks it to stop in an orderly way: its input ends.
    pub(crate) fn ask_to_stop(&mut self) {
        self.restart_at = None;
        if let Some(process) = &mut self.process {
            drop(process.stdin.take());
        }
    }

    /// Waits for its end, and ends it when the time is over. Gives false then.
    pub(crate) fn wait(&mut self, time_max: Duration) -> bool {
        const POLL: Duration = Duration::from_millis(5);
        let deadline = Instant::now() + time_max;
        while self.is_running() && self.ended().is_none() {
            if Instant::now() > deadline {
                self.kill();
                return false;
            }
            std::thread::sleep(POLL);
        }
        self.process = None;
        true
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut()?.try_wait().ok().flatten()
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended meanwhile.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn spawn(&mut self) -> Result<(), Failure> {
        let (log, same) = self
            .open_log()
            .map_err(|error| cannot_write(&self.log, error))?;
        let program = env::current_exe().map_err(cannot_start)?;
        let mut command = Command::new(program);
        for variable in own_variables() {
            command.env_remove(variable);
        }
        command
            .envs(self.variables.iter().cloned())
            .args(["serve", "--until-input-ends", "--config"])
            .arg(&self.config)
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(same);
        // Else a Ctrl-C in the terminal would reach all servers at once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        self.process = Some(command.spawn().map_err(cannot_start)?);
        self.started_at = Instant::now();
        self.restart_at = None;
        Ok(())
    }

    fn open_log(&self) -> io::Result<(File, File)> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let same = log.try_clone()?;
        Ok((log, same))
    }
}

impl Drop for ServerChild {
    fn drop(&mut self) {
        self.kill();
    }
}

fn own_variables() -> impl Iterator<Item = String> {
    let top = OWN_SETTINGS.iter().map(|key| variable_of("", key));
    top.chain(ClusterSettings::variables()).chain(
        Settings::KEYS
            .iter()
            .filter(|key| key.ends_with("_file"))
            .map(|key| variable_of("", key)),
    )
}

fn cannot_start(error: io::Error) -> Failure {
    Failure::new(
        Exit::Unforeseen,
        format_args!("a server cannot be started: {error}"),
    )
}
