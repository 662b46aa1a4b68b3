//! A Godot player that does what a test says, line by line.

use std::{io, path::Path, process::Command, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Failure, Outcome,
    control::{Control, Listener, Verb},
    folder,
    godot::Godot,
    journal,
    process::Process,
};

/// The project that players run.
const PROJECT: &str = "tests/godot/e2e";
/// How long a Godot may take from its start to its first question. A busy machine needs some of it.
const START_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a condition may take to become true, unless a test says otherwise. A busy machine needs some of it.
const UNTIL_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a player may take to leave and to end.
const QUIT_TIME_MAX: Duration = Duration::from_secs(30);

/// A player whose process has been started.
#[derive(Debug)]
pub struct Starting {
    process: Process,
    listener: Listener,
}

/// A player. The scripts that it is given see what `tests/godot/e2e/words.gd` offers.
#[derive(Debug)]
pub struct Player {
    process: Process,
    control: Control,
}

impl Player {
    /// Starts a Godot whose files go below `folder`. It runs the players' project, in no session yet.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(godot: &Godot, name: &str, folder: &Path) -> Outcome<Starting> {
        let command = godot.headless(&folder::repository().join(PROJECT), &folder.join(name))?;
        Self::start_by(command, name, folder)
    }

    /// Starts a Godot by a command that says which project, and how it is shown.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_by(mut command: Command, name: &str, folder: &Path) -> Outcome<Starting> {
        let listener = Listener::bind()?;
        command
            .args(["--verbose", "--", "--name", name, "--control"])
            .arg(listener.port()?.to_string());
        let process = Process::spawn(name, &mut command, &folder.join(format!("{name}.log")))?;
        Ok(Starting { process, listener })
    }

    /// Runs statements.
    ///
    /// # Errors
    /// When the script cannot be compiled. What goes wrong while it runs stands in the player's log, and [`quit`](Self::quit) finds it.
    pub fn run(&mut self, statements: &str) -> Outcome {
        self.ask(Verb::Run, statements)?;
        self.answer(statements).map(drop)
    }

    /// The value of an expression.
    ///
    /// # Errors
    /// When the script cannot be compiled, or its value is of another type.
    pub fn get<T: DeserializeOwned>(&mut self, expression: &str) -> Outcome<T> {
        self.ask(Verb::Get, expression)?;
        let value = self.answer(expression)?;
        serde_json::from_value(value)
            .map_err(|error| self.process.failure(&format!("{expression}: {error}")))
    }

    /// Waits until an expression is true.
    ///
    /// # Errors
    /// When it is not in time, or the script cannot be compiled.
    pub fn until(&mut self, condition: &str) -> Outcome {
        self.until_within(UNTIL_TIME_MAX, condition)
    }

    /// As [`until`](Self::until), with a time of its own.
    ///
    /// # Errors
    /// As [`until`](Self::until).
    pub fn until_within(&mut self, time_max: Duration, condition: &str) -> Outcome {
        self.ask(Verb::Until { time_max }, condition)?;
        self.answer(condition).map(drop)
    }

    /// Leaves the session if there is one, ends, and looks through the log.
    ///
    /// # Errors
    /// When the player does not end well, or its log tells of an error or a leak that is not `expected` (a part of the
    /// error's line), or not of one that is.
    pub fn quit_expecting(mut self, expected: &[&str]) -> Outcome {
        self.run("await quit()")?;
        let status = self.process.wait(QUIT_TIME_MAX)?;
        let faults = journal::faults(&self.process.output(), expected);
        if status.success() && faults.is_empty() {
            return Ok(());
        }
        let failure = self.process.failure(&format!("ended with {status}"));
        Err(failure.with("errors and leaks in its log", &faults.join("\n")))
    }

    /// As [`quit_expecting`](Self::quit_expecting) without any error.
    ///
    /// # Errors
    /// As there.
    pub fn quit(self) -> Outcome {
        self.quit_expecting(&[])
    }

    /// The number of its process in the system.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// All that it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// Ends the player without asking it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(mut self) -> Outcome {
        self.process.kill()
    }

    /// Stops the player's process where it is, as a machine that sleeps would.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn freeze(&mut self) -> Outcome {
        self.process.freeze()
    }

    /// Lets a frozen player go on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn unfreeze(&mut self) -> Outcome {
        self.process.unfreeze()
    }

    fn ask(&mut self, verb: Verb, script: &str) -> Outcome {
        self.control
            .ask(verb, script)
            .map_err(|error| lost(&self.process, script, &error))
    }

    fn answer(&mut self, script: &str) -> Outcome<Value> {
        let answer = self
            .control
            .answer()
            .map_err(|error| lost(&self.process, script, &error))?;
        answer.map_err(|error| self.process.failure(&format!("{script}\n  {error}")))
    }
}

impl Starting {
    /// Waits until the player can be told what to do.
    ///
    /// # Errors
    /// When it ends before, or takes too long.
    pub fn ready(mut self) -> Outcome<Player> {
        let control = self.listener.accept(&mut self.process, START_TIME_MAX)?;
        Ok(Player {
            process: self.process,
            control,
        })
    }
}

/// Has all players run the same statements at the same time, as near as processes can.
///
/// # Errors
/// As [`Player::run`].
pub fn all_run(players: &mut [Player], statements: &str) -> Outcome {
    for player in &mut *players {
        player.ask(Verb::Run, statements)?;
    }
    players
        .iter_mut()
        .try_for_each(|player| player.answer(statements).map(drop))
}

fn lost(process: &Process, script: &str, error: &io::Error) -> Failure {
    process.failure(&format!("{script}\n  no answer: {error}"))
}
