//! Where and when something was measured.

use std::{env, fmt, fs, path::Path, process::Command, thread, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Outcome, folder, godot::LAUNCHER_VARIABLE, process::Process};

/// How long a program may take that says one line.
const LINE_TIME_MAX: Duration = Duration::from_secs(20);

/// A machine at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's own name.
    pub processor: String,
    /// How many threads can run at once.
    pub cores: usize,
    /// Of main memory, in gigabytes.
    pub memory_gb: u64,
    /// The kernel's release.
    pub kernel: String,
    /// Godot's version.
    pub godot: String,
    /// What was measured: the commit, and whether it was changed since.
    pub commit: String,
    /// In universal time.
    pub date: String,
}

const UNKNOWN: &str = "unknown";

impl Machine {
    /// This one, now.
    ///
    /// # Errors
    /// When there is no folder for what the programs say that are asked.
    pub fn here() -> Outcome<Self> {
        let folder = folder::fresh("report-machine")?;
        let ask = |program: &str, arguments: &[&str]| said(&folder, program, arguments);
        let repository = folder::repository().display().to_string();
        let commit = [
            "-C",
            &repository,
            "describe",
            "--always",
            "--dirty",
            "--exclude=*",
        ];
        let godot = env::var(LAUNCHER_VARIABLE).ok();
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Ok(Self {
            processor: processor(&read("/proc/cpuinfo")).unwrap_or(UNKNOWN.to_owned()),
            cores: thread::available_parallelism().map_or(0, usize::from),
            memory_gb: memory_gb(&read("/proc/meminfo")).unwrap_or_default(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            godot: godot.map_or(UNKNOWN.to_owned(), |godot| ask(&godot, &["--version"])),
            commit: ask("git", &commit),
            date: ask("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        })
    }

    /// Whether it is the same machine with the same system, at whatever time and for whatever commit.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let of_both = Self {
            commit: self.commit.clone(),
            date: self.date.clone(),
            ..other.clone()
        };
        *self == of_both
    }

    #[cfg(test)]
    pub(super) fn unknown() -> Self {
        let unknown = || UNKNOWN.to_owned();
        Self {
            processor: unknown(),
            cores: 2,
            memory_gb: 8,
            kernel: unknown(),
            godot: unknown(),
            commit: unknown(),
            date: unknown(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            processor,
            cores,
            memory_gb,
            kernel,
            godot,
            commit,
            date,
        } = self;
        write!(
            f,
            "{processor}, {cores} cores, {memory_gb} GB; Linux {kernel}; Godot {godot}; commit {commit}; {date}"
        )
    }
}

/// The first line that a program says.
fn said(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments);
    let log = folder.join("said.log");
    let said = Process::spawn(program, &mut command, &log).and_then(|mut process| {
        let status = process.wait(LINE_TIME_MAX)?;
        Ok((status.success(), process.output()))
    });
    match said {
        Ok((true, text)) => text.lines().next().unwrap_or(UNKNOWN).trim().to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

fn processor(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.trim().to_owned())
}

fn memory_gb(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((kilobytes + 500_000) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_own_files_are_understood() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nmodel name\t: other\n";
        assert_eq!(processor(cpuinfo).as_deref(), Some("Some CPU @ 2.0GHz"));
        assert_eq!(
            memory_gb("MemFree: 3 kB\nMemTotal:    8123456 kB\n"),
            Some(8)
        );
        assert_eq!(memory_gb("MemFree: 3 kB\n"), None);
    }

    #[test]
    fn this_machine_is_known() {
        let here = Machine::here().unwrap();
        assert!(here.cores > 0 && here.memory_gb > 0);
        assert_ne!([&here.kernel, &here.date], [UNKNOWN; 2]);
        let text = here.to_string();
        assert!(
            text.contains(&here.commit) && text.contains(&here.kernel),
            "{text}"
        );
    }
}
