//! A run of the suite, and where it is kept.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use super::{findings::Findings, machine::Machine};
use crate::{Failure, Outcome};

/// All that a run found, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Where and when.
    pub machine: Machine,
    /// With which options, as they are typed.
    pub options: String,
    /// What was found.
    pub findings: Findings,
}

/// The file of a run, in its folder.
const FILE: &str = "run.json";

impl Run {
    /// Keeps it in a folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, folder: &Path) -> Outcome {
        let path = folder.join(FILE);
        let text = serde_json::to_string(self);
        let text = text.map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        write(&path, &text)
    }

    /// The run that a folder keeps.
    ///
    /// # Errors
    /// When there is none, and how to get one.
    pub fn load(folder: &Path) -> Outcome<Self> {
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::new(format!(
                "{}: {error}: measure first, with scripts/bench --out {}",
                path.display(),
                folder.display()
            ))
        })?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::new(format!(
                "{}: {error}: it is of another version, so measure anew",
                path.display()
            ))
        })
    }
}

/// Writes a file.
///
/// # Errors
/// When the system refuses.
pub fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(Failure::of(format!("cannot write {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        folder,
        report::{findings::tests::measured, sample::At},
    };

    #[test]
    fn a_run_is_the_same_when_it_is_read_again() {
        let folder = folder::fresh("report-run").unwrap();
        let run = Run {
            machine: Machine::unknown(),
            options: "--quick".to_owned(),
            findings: measured(&[("live", &At::new([("players", 3)]), "mean", 0.1 + 0.2)]),
        };
        run.save(&folder).unwrap();
        assert_eq!(Run::load(&folder), Ok(run));
    }

    #[test]
    fn where_there_is_no_run_it_says_how_to_get_one() {
        let folder = folder::fresh("report-no-run").unwrap();
        let failure = Run::load(&folder).unwrap_err().to_string();
        assert!(
            failure.contains("measure first, with scripts/bench --out"),
            "{failure}"
        );
    }
}
