//! The programs that do the work, and what is counted of them.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    num::NonZero,
    path::PathBuf,
    process::{Command, Output},
    sync::{Mutex, PoisonError},
    thread,
};

use crate::baseline::Counts;

/// The function of the program `counted` while which callgrind counts.
const COUNTED_FUNCTION: &str = "*only_this_is_counted*";
/// How callgrind begins the line that says how much it was.
const COLLECTED: &str = "Collected : ";

/// Where the programs are.
pub(crate) struct Programs {
    pub(crate) folder: PathBuf,
    pub(crate) valgrind: Option<PathBuf>,
}

/// What the program `allocations` says of a piece of work.
struct Allocated {
    rounds: u64,
    counts: Counts,
}

impl Programs {
    /// Counts everything, on as many cores as there are; one does not change what another counts.
    pub(crate) fn count(&self) -> Result<BTreeMap<String, Counts>, String> {
        let allocated = self.allocations()?;
        let Some(valgrind) = &self.valgrind else {
            let counts = allocated.into_iter();
            return Ok(counts.map(|(name, work)| (name, work.counts)).collect());
        };
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let waiting = Mutex::new(allocated.into_iter());
        let next = || {
            waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next()
        };
        let take = || {
            let each = std::iter::from_fn(next);
            each.map(|(name, work)| self.instructions(valgrind, name, &work))
                .collect()
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(take)).collect();
            let mut all = BTreeMap::new();
            for thread in threads {
                let counts: Result<Vec<_>, String> = thread
                    .join()
                    .map_err(|_| "counting has panicked".to_owned())?;
                all.extend(counts?);
            }
            Ok(all)
        })
    }

    fn allocations(&self) -> Result<BTreeMap<String, Allocated>, String> {
        let output = succeed(&mut Command::new(self.folder.join("allocations")))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = |line| parse_allocated(line).ok_or_else(|| format!("cannot read \"{line}\""));
        text.lines().map(line).collect()
    }

    /// Without an environment and by a path that is the same everywhere, since the stack begins behind both: by where that is, copies
    /// take other ways.
    fn instructions(
        &self,
        valgrind: &PathBuf,
        name: String,
        work: &Allocated,
    ) -> Result<(String, Counts), String> {
        let mut command = Command::new(valgrind);
        command
            .env_clear()
            .current_dir(&self.folder)
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(format!("--toggle-collect={COUNTED_FUNCTION}"))
            .args(["./counted", &name]);
        let output = succeed(&mut command)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let collected = parse_collected(&said).filter(|collected| *collected > 0);
        let collected =
            collected.ok_or_else(|| format!("callgrind counted nothing of {name}: {said}"))?;
        let instructions = Some(collected / work.rounds);
        Ok((
            name,
            Counts {
                instructions,
                ..work.counts
            },
        ))
    }
}

fn succeed(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_owned();
    let failed = |what: &dyn std::fmt::Display| format!("{}: {what}", OsStr::display(&program));
    let output = command.output().map_err(|error| failed(&error))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(&format!("{}\n{said}", output.status)))
}

/// Name, rounds, allocations, bytes.
fn parse_allocated(line: &str) -> Option<(String, Allocated)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [name, rounds, allocations, bytes] = *words else {
        return None;
    };
    let counts = Counts {
        instructions: None,
        allocations: allocations.parse().ok()?,
        allocated_bytes: bytes.parse().ok()?,
    };
    let rounds = rounds.parse().ok().filter(|rounds| *rounds > 0)?;
    Some((name.to_owned(), Allocated { rounds, counts }))
}

fn parse_collected(said: &str) -> Option<u64> {
    let line = said
        .lines()
        .find_map(|line| Some(line.split_once(COLLECTED)?.1))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_that_callgrind_tells_is_found() {
        let said = "==7== Events    : Ir\n==7== Collected : 123456\n==7== \n";
        assert_eq!(parse_collected(said), Some(123_456));
        assert_eq!(parse_collected("==7== Events    : Ir\n"), None);
    }

    #[test]
    fn a_line_of_allocations_is_read_or_refused_whole() {
        let (name, work) = parse_allocated("a/b/1 64 3 400").unwrap();
        assert_eq!((name.as_str(), work.rounds), ("a/b/1", 64));
        assert_eq!(
            (work.counts.allocations, work.counts.allocated_bytes),
            (3, 400)
        );
        for line in ["a 64 3", "a 0 3 400", "a 64 x 400"] {
            assert!(parse_allocated(line).is_none(), "{line}");
        }
    }
}
