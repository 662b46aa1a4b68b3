//! Programs that print what they measured.

use std::{fs, path::Path, process::Command, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;

use crate::{Failure, Outcome, process::Process};

/// What came of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<T> {
    /// What it printed.
    Figures(T),
    /// It was not done in time, and is gone now, with all that it had started.
    NotInTime,
}

/// The first line of JSON that a program prints, before the time is over, however it ends. Both of its outputs go to `log`.
///
/// # Errors
/// When it prints none: its own last words, shortly.
pub fn json_of<T: DeserializeOwned>(
    name: &str,
    command: &mut Command,
    log: &Path,
    time_max: Duration,
) -> Outcome<Said<T>> {
    let mut process = Process::spawn(name, command, log)?;
    let Ok(status) = process.wait(time_max) else {
        end_with_children(&mut process)?;
        return Ok(Said::NotInTime);
    };
    let output = process.output();
    let line = output.lines().find(|line| line.starts_with('{'));
    let line = line.ok_or_else(|| {
        let why = last_error(&output).unwrap_or_else(|| status.to_string());
        let log = log.display();
        Failure::new(format!("{name} printed no figures: {why}, see {log}"))
    })?;
    serde_json::from_str(line)
        .map(Said::Figures)
        .map_err(|error| Failure::new(format!("{name}: {error}, see {}", log.display())))
}

/// What it started goes first: it would be left behind.
fn end_with_children(process: &mut Process) -> Outcome {
    for child in descendants(process.id()) {
        if let Some(pid) = Pid::from_raw(child.cast_signed()) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    process.kill()
}

/// The processes that a process started, and those that they started.
fn descendants(process: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    let files = threads
        .flatten()
        .map(|thread| thread.path().join("children"));
    let texts: Vec<_> = files
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    let children = texts.iter().flat_map(|text| text.split_whitespace());
    let children = children.filter_map(|word| word.parse().ok());
    children
        .flat_map(|child| [vec![child], descendants(child)].concat())
        .collect()
}

fn last_error(output: &str) -> Option<String> {
    let mut lines = output.lines().rev();
    let line = lines.find(|line| line.contains("error"))?;
    Some(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder;

    const SOON: Duration = Duration::from_secs(10);

    fn said(name: &str, script: &str, time_max: Duration) -> Outcome<Said<Vec<u32>>> {
        #[derive(serde::Deserialize)]
        struct Numbers {
            numbers: Vec<u32>,
        }
        let log = folder::fresh(name)?.join("log");
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let said = json_of::<Numbers>("shell", &mut command, &log, time_max)?;
        Ok(match said {
            Said::Figures(numbers) => Said::Figures(numbers.numbers),
            Said::NotInTime => Said::NotInTime,
        })
    }

    #[test]
    fn the_line_of_json_is_found_among_others() {
        let script = "echo starting >&2; echo '{\"numbers\": [3, 4]}'; echo done";
        assert_eq!(
            said("report-json", script, SOON),
            Ok(Said::Figures(vec![3, 4]))
        );
    }

    #[test]
    fn figures_count_however_the_program_ends() {
        let script = "echo '{\"numbers\": [5]}'; echo 'error: too many' >&2; exit 1";
        assert_eq!(
            said("report-json-fails", script, SOON),
            Ok(Said::Figures(vec![5]))
        );
    }

    #[test]
    fn a_program_without_figures_is_told_by_its_own_words() {
        let script = "echo starting; echo 'error: no room' >&2; exit 1";
        for (script, words) in [(script, "error: no room"), ("echo hello", "exit status: 0")] {
            let failure = said("report-json-none", script, SOON)
                .unwrap_err()
                .to_string();
            assert!(failure.contains(words), "{failure}");
        }
    }

    #[test]
    fn a_program_that_takes_too_long_ends_with_all_that_it_started() {
        let folder = folder::fresh("report-json-late").unwrap();
        let pid_file = folder.join("pid");
        let script = format!("sleep 60 & echo $! > {}; wait", pid_file.display());
        let said = said("report-json-later", &script, Duration::from_millis(500));
        assert_eq!(said, Ok(Said::NotInTime));
        let child = fs::read_to_string(pid_file).unwrap();
        let cmdline = fs::read_to_string(format!("/proc/{}/cmdline", child.trim()));
        assert!(cmdline.is_err() || cmdline.is_ok_and(|text| !text.contains("sleep")));
    }
}
