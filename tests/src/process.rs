//! A program under watch.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Failure, Outcome};

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(20);
/// How many lines of a log stand in a failure.
const TAIL_LINES: usize = 40;

/// A running program whose output goes to a file. It is killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program. Both of its outputs go to the new file `log`; it has no input.
    ///
    /// # Errors
    /// When the file cannot be made or the program cannot be started.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> Outcome<Self> {
        let file =
            File::create(log).map_err(Failure::of(format!("cannot make {}", log.display())))?;
        let same = file
            .try_clone()
            .map_err(Failure::of(format!("cannot share {}", log.display())))?;
        command.stdin(Stdio::null()).stdout(file).stderr(same);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .map_err(Failure::of(format!("{name} does not start: {program}")))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_path_buf(),
        })
    }

    /// What the program is called in failures.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number in the system.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that the program has written so far.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// A failure of this program, with the end of what it wrote.
    #[must_use]
    pub fn failure(&self, text: &str) -> Failure {
        let heading = format!("the end of {}", self.log.display());
        Failure::new(format!("{}: {text}", self.name)).with(&heading, &tail(&self.output()))
    }

    /// Waits for the first line in which `find` finds something.
    ///
    /// # Errors
    /// When the program ends before, or the time is over.
    pub fn wait_for_line<T>(
        &mut self,
        what: &str,
        time_max: Duration,
        find: impl Fn(&str) -> Option<T>,
    ) -> Outcome<T> {
        let deadline = Instant::now() + time_max;
        loop {
            // Asked before the output is read, so that the last words of a program that ends are read too.
            let ended = self.try_wait()?;
            if let Some(found) = self.output().lines().find_map(&find) {
                return Ok(found);
            }
            if let Some(status) = ended {
                return Err(self.failure(&format!("ended ({status}) before {what}")));
            }
            if Instant::now() > deadline {
                return Err(self.failure(&format!("not after {} s: {what}", time_max.as_secs())));
            }
            thread::sleep(POLL);
        }
    }

    /// Waits for the program's end.
    ///
    /// # Errors
    /// When the time is over.
    pub fn wait(&mut self, time_max: Duration) -> Outcome<ExitStatus> {
        let deadline = Instant::now() + time_max;
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(self.failure(&format!("still runs after {} s", time_max.as_secs())));
            }
            thread::sleep(POLL);
        }
    }

    /// How the program ended, if it has.
    ///
    /// # Errors
    /// When the system does not know.
    pub fn try_wait(&mut self) -> Outcome<Option<ExitStatus>> {
        self.child
            .try_wait()
            .map_err(Failure::of(format!("cannot watch {}", self.name)))
    }

    /// Asks the program to end (SIGTERM).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn terminate(&mut self) -> Outcome {
        self.signal(Signal::TERM)
    }

    /// Ends the program without asking (SIGKILL), and waits for its end.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Outcome {
        self.signal(Signal::KILL)?;
        self.wait(Duration::from_secs(10)).map(drop)
    }

    /// Stops the program where it is (SIGSTOP), until [`unfreeze`](Self::unfreeze).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn freeze(&mut self) -> Outcome {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen program go on (SIGCONT).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn unfreeze(&mut self) -> Outcome {
        self.signal(Signal::CONT)
    }

    /// The child is not waited for before this, so its number cannot have passed to another program.
    fn signal(&mut self, signal: Signal) -> Outcome {
        if self.try_wait()?.is_some() {
            return Ok(());
        }
        let sent = kill_process(Pid::from_child(&self.child), signal);
        sent.map_err(|error| Failure::new(format!("cannot signal {}: {error}", self.name)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a text.
#[must_use]
pub fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder;

    const SOON: Duration = Duration::from_secs(10);

    fn shell(name: &str, script: &str) -> Process {
        let log = folder::fresh(name).unwrap().join("log");
        Process::spawn("shell", Command::new("sh").args(["-c", script]), &log).unwrap()
    }

    #[test]
    fn a_line_is_found_in_either_output() {
        let mut process = shell("process-lines", "echo one; echo port=7 >&2; sleep 60");
        let port = process.wait_for_line("its port", SOON, |line| {
            line.strip_prefix("port=").map(str::to_owned)
        });
        assert_eq!(port, Ok("7".to_owned()));
    }

    #[test]
    fn a_program_that_ends_too_early_fails_with_its_last_words() {
        let mut process = shell("process-early", "echo goodbye; exit 3");
        let failure = process
            .wait_for_line("its port", SOON, |line| {
                line.strip_prefix("port=").map(drop)
            })
            .unwrap_err();
        let text = failure.to_string();
        assert!(
            text.contains("exit status: 3") && text.contains("goodbye"),
            "{text}"
        );
    }

    #[test]
    fn a_program_can_be_asked_to_end_and_made_to() {
        let mut asked = shell(
            "process-asked",
            "trap 'exit 5' TERM; echo up; while :; do sleep 0.01; done",
        );
        asked
            .wait_for_line("up", SOON, |line| (line == "up").then_some(()))
            .unwrap();
        asked.terminate().unwrap();
        assert_eq!(asked.wait(SOON).unwrap().code(), Some(5));
        let mut made = shell("process-made", "trap '' TERM; while :; do sleep 0.01; done");
        made.kill().unwrap();
        assert_eq!(
            made.try_wait().unwrap().and_then(|status| status.code()),
            None
        );
    }
}
