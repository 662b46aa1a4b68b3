//! Where things are, and where a test keeps its files.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{Failure, Outcome};

/// The repository's own folder.
#[must_use]
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Cargo's target folder, found from the program that runs: it lies in `TARGET/PROFILE` or below.
///
/// # Errors
/// When the program lies elsewhere.
pub fn target() -> Outcome<PathBuf> {
    let program = env::current_exe().map_err(Failure::of("the running program"))?;
    let profile = program
        .ancestors()
        .find(|folder| folder.ends_with("debug") || folder.ends_with("release"));
    let target = profile.and_then(Path::parent);
    target.map(Path::to_path_buf).ok_or_else(|| {
        Failure::new(format!(
            "{} is not in a target folder of cargo",
            program.display()
        ))
    })
}

/// An empty folder for one test. It stays when the test is over, until its next run, so that a failure can be looked into.
///
/// # Errors
/// When the folder cannot be emptied or made.
pub fn fresh(name: &str) -> Outcome<PathBuf> {
    let folder = target()?.join("runs").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .map_err(Failure::of(format!("cannot empty {}", folder.display())))?;
    }
    make(&folder)?;
    Ok(folder)
}

/// Makes a folder and those above it.
///
/// # Errors
/// When the system refuses.
pub fn make(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(Failure::of(format!("cannot make {}", folder.display())))
}
