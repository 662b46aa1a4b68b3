//! The players of the demo, each a Godot of its own.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use synced_tests::{Failure, Outcome, godot::Godot, journal, process::Process};

use crate::report::Report;

/// What a player is started with.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) seed: u32,
    pub(crate) seconds: u32,
    /// How many must be there before anybody rests.
    pub(crate) players: u32,
    /// Whether its hands move by themselves, sampled at 1 kHz.
    pub(crate) is_synthetic: bool,
    /// Where it draws, and where the picture goes.
    pub(crate) picture: Option<(Option<PathBuf>, PathBuf)>,
}

/// A player who plays.
#[derive(Debug)]
pub(crate) struct Bot {
    process: Process,
    name: String,
    report: PathBuf,
    lines_shown: usize,
    joined_at: Option<Instant>,
    reported_at: Option<Instant>,
}

/// A player who has ended well.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) report: Report,
    /// From joining to reporting.
    pub(crate) played: Duration,
}

impl Bot {
    pub(crate) fn start(godot: &Godot, project: &Path, folder: &Path, part: Part) -> Outcome<Self> {
        let home = folder.join(&part.name);
        let report = folder.join(format!("{}.json", part.name));
        let mut command = match &part.picture {
            Some((display, _)) => godot.drawing(display.as_deref(), project, &home)?,
            None => godot.headless(project, &home)?,
        };
        command.args([
            "--",
            "--connect",
            &part.url,
            "--name",
            &part.name,
            "--bot",
            &part.seconds.to_string(),
        ]);
        command.args([
            "--seed",
            &part.seed.to_string(),
            "--players",
            &part.players.to_string(),
        ]);
        command.arg("--report").arg(&report);
        if let Some((_, file)) = &part.picture {
            command.arg("--picture").arg(file);
        }
        if part.is_synthetic {
            command.arg("--synthetic");
        }
        let process = Process::spawn(
            &part.name,
            &mut command,
            &folder.join(format!("{}.log", part.name)),
        )?;
        Ok(Self {
            process,
            name: part.name,
            report,
            lines_shown: 0,
            joined_at: None,
            reported_at: None,
        })
    }

    /// Shows what is new of what the player says, and looks whether it has ended well.
    ///
    /// # Errors
    /// When it has ended otherwise.
    pub(crate) fn look(&mut self, shows_progress: bool) -> Outcome<bool> {
        let status = self.process.try_wait()?;
        self.show_news(shows_progress);
        match status {
            Some(status) if !status.success() => {
                Err(self.process.failure(&format!("ended with {status}")))
            }
            Some(_) => Ok(true),
            None => Ok(false),
        }
    }

    pub(crate) fn is_joined(&self) -> bool {
        self.joined_at.is_some()
    }

    pub(crate) fn is_reported(&self) -> bool {
        self.reported_at.is_some()
    }

    /// A player who takes too long.
    pub(crate) fn late(&self) -> Failure {
        self.process.failure("has not come to its end in time")
    }

    /// Reads the report of a player who has ended.
    pub(crate) fn end(self) -> Outcome<Ended> {
        let faults = journal::faults(&self.process.output(), &[]);
        if !faults.is_empty() {
            return Err(self
                .process
                .failure("its log tells of errors")
                .with("errors", &faults.join("\n")));
        }
        let report = Report::read(&self.report)?;
        let played = self
            .joined_at
            .zip(self.reported_at)
            .map_or(Duration::ZERO, |(joined, reported)| reported - joined);
        Ok(Ended {
            name: self.name,
            report,
            played,
        })
    }

    fn show_news(&mut self, shows_progress: bool) {
        let output = self.process.output();
        for line in output.lines().skip(self.lines_shown) {
            self.lines_shown += 1;
            if line.starts_with("joined as player") {
                self.joined_at = Some(Instant::now());
                println!("  {}: {line}", self.name);
            } else if line.starts_with(&format!("{}: ", self.name)) {
                let is_progress = line.contains(" s  grabs ");
                if line.contains("reports digest") {
                    self.reported_at = Some(Instant::now());
                }
                if !is_progress || shows_progress {
                    println!("  {line}");
                }
            }
        }
    }
}
