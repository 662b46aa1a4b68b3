//! One of the processes that players are in.

use std::{
    env,
    fs::{self, File},
    io::Read as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus},
};

use serde::{Deserialize, Serialize};
use synced_bench::crowd::{CrowdResult, Progress};

use super::scratch::Scratch;
use crate::{exit::Failure, output, serve::unforeseen};

/// What such a process says, as a line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// Now and then.
    Progress(Progress),
    /// At the end.
    Result(Box<CrowdResult>),
}

impl Line {
    /// Says it.
    ///
    /// # Errors
    /// When nobody can be told.
    pub(super) fn say(&self) -> Result<(), Failure> {
        let line = serde_json::to_string(self).map_err(unforeseen)?;
        output::say(&(line + "\n"))
    }
}

/// The process, from outside. It is ended when this is dropped. What it says goes to files, so that it never waits for a reader.
pub(super) struct Part {
    process: Child,
    said: File,
    complaints: PathBuf,
    /// Of a line that is not said whole.
    rest: String,
    pub(super) progress: Progress,
    result: Option<CrowdResult>,
}

impl Part {
    /// Starts this program with arguments, as the part of this number.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(
        arguments: &[String],
        number: usize,
        scratch: &Scratch,
    ) -> Result<Self, Failure> {
        let program = env::current_exe().map_err(unforeseen)?;
        let place = scratch.path.join(format!("players-{number}.json"));
        let complaints = scratch.path.join(format!("players-{number}.log"));
        let process = Command::new(program)
            .args(arguments)
            .stdout(File::create(&place).map_err(unforeseen)?)
            .stderr(File::create(&complaints).map_err(unforeseen)?)
            .spawn();
        Ok(Self {
            process: process.map_err(unforeseen)?,
            said: File::open(&place).map_err(unforeseen)?,
            complaints,
            rest: String::new(),
            progress: Progress::default(),
            result: None,
        })
    }

    /// Reads what it has said; whether it still runs.
    ///
    /// # Errors
    /// When it has failed, with what it complained of.
    pub(super) fn look(&mut self) -> Result<bool, Failure> {
        let ended = self.process.try_wait().map_err(unforeseen)?;
        self.read()?;
        match ended {
            None => Ok(true),
            Some(status) if status.success() => Ok(false),
            Some(status) => Err(unforeseen(self.complaint(status))),
        }
    }

    /// What came of it.
    ///
    /// # Errors
    /// When it has not told.
    pub(super) fn into_result(mut self) -> Result<CrowdResult, Failure> {
        let result = self.result.take();
        result.ok_or_else(|| unforeseen("a process of players ended without a word"))
    }

    fn read(&mut self) -> Result<(), Failure> {
        self.said
            .read_to_string(&mut self.rest)
            .map_err(unforeseen)?;
        while let Some((line, rest)) = self.rest.split_once('\n') {
            match serde_json::from_str(line).map_err(unforeseen)? {
                Line::Progress(progress) => self.progress = progress,
                Line::Result(result) => self.result = Some(*result),
            }
            self.rest = rest.to_owned();
        }
        Ok(())
    }

    fn complaint(&self, status: ExitStatus) -> String {
        let text = fs::read_to_string(&self.complaints).unwrap_or_default();
        let text = text.trim().trim_start_matches("synced: ");
        if text.is_empty() {
            format!("a process of players ended: {status}")
        } else {
            text.to_owned()
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
