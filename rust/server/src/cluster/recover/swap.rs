//! New folders in the place of old ones, all of them or none.
//!
//! Every new folder is complete before the first old one is moved, and every old one is moved before the first new one takes its
//! place: so that nowhere old and new replicas are started side by side, whenever this is broken off. What is left to do then,
//! [`complete`] does the next time.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use synced_storage::StorageError;

use super::{
    storage,
    survey::{Place, Survey},
};
use crate::{
    cluster::{
        folder::{ClusterFolder, cannot_write},
        init::DATA_DIR,
    },
    exit::Failure,
};

const DRAFT_ENDING: &str = ".recovered";
const KEPT_ENDING: &str = ".before-recover-";

/// The names that are used.
#[derive(Debug)]
pub(crate) struct Swap {
    kept_ending: String,
}

impl Swap {
    /// Chooses a name for the old folders that none of them has yet.
    pub(crate) fn new(survey: &Survey) -> Self {
        let is_free = |ending: &String| {
            let mut places = survey.here();
            places.all(|place| !beside(&place.data, ending).exists())
        };
        let mut endings = (1..=u32::MAX).map(|number| format!("{KEPT_ENDING}{number}"));
        let kept_ending = endings.find(is_free);
        Self {
            kept_ending: kept_ending.unwrap_or_else(|| KEPT_ENDING.to_owned()),
        }
    }

    /// What the old folders are called from now on.
    pub(crate) fn kept_name(&self) -> String {
        format!("{DATA_DIR}{}", self.kept_ending)
    }

    /// Makes the folder that is to take this one's place.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn draft(
        &self,
        data: &Path,
        make: impl FnOnce(&Path) -> Result<(), StorageError>,
    ) -> Result<(), Failure> {
        let draft = beside(data, DRAFT_ENDING);
        match fs::remove_dir_all(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(cannot_write(&draft, error))
            }
            _ => make(&draft).map_err(storage),
        }
    }

    /// Puts the new folders in the place of the old ones.
    ///
    /// # Errors
    /// What the system says. Everything is as before, or the next attempt completes it.
    pub(crate) fn exchange(&self, places: &[PathBuf]) -> Result<(), Failure> {
        let kept = |data: &Path| beside(data, &self.kept_ending);
        let drafted: Vec<_> = places
            .iter()
            .filter(|data| beside(data, DRAFT_ENDING).exists())
            .collect();
        let mut moves = drafted.iter();
        if let Err(failure) = moves.try_for_each(|data| move_if_there(data, &kept(data))) {
            for data in drafted {
                // Where that fails too, the folder stands beside under its new name.
                let _ = move_if_there(&kept(data), data);
            }
            return Err(failure);
        }
        let mut moves = drafted.iter();
        moves.try_for_each(|data| move_if_there(&beside(data, DRAFT_ENDING), data))
    }
}

/// Completes an attempt that was broken off between its first move and its last.
///
/// # Errors
/// What the system says.
pub(crate) fn complete(folder: &ClusterFolder) -> Result<(), Failure> {
    let places = Place::all(folder)?.into_iter().map(|place| place.data);
    let places: Vec<_> = places.collect();
    let endings = (1..=u32::MAX).map(|number| format!("{KEPT_ENDING}{number}"));
    let was_used = |ending: &String| places.iter().any(|data| beside(data, ending).exists());
    let Some(kept_ending) = endings.take_while(was_used).last() else {
        return Ok(());
    };
    let is_away = |data: &PathBuf| {
        !data.exists() && beside(data, DRAFT_ENDING).exists() && beside(data, &kept_ending).exists()
    };
    if !places.iter().any(is_away) {
        return Ok(());
    }
    Swap { kept_ending }.exchange(&places)
}

fn beside(data: &Path, ending: &str) -> PathBuf {
    let mut name = data.file_name().map_or_else(OsString::new, OsString::from);
    name.push(ending);
    data.with_file_name(name)
}

fn move_if_there(from: &Path, to: &Path) -> Result<(), Failure> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(|error| cannot_write(to, error)),
    }
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Three servers' folders, an old and a new one for each, of which some have been moved.
    fn broken_off(old_moved: usize, new_moved: usize) -> (Folder, Vec<PathBuf>) {
        let name = format!("synced-swap-{old_moved}-{new_moved}-{}", std::process::id());
        let folder = Folder(env::temp_dir().join(name));
        let places: Vec<_> = (0..3).map(|n| folder.0.join(format!("{n}/data"))).collect();
        for (number, data) in places.iter().enumerate() {
            let put = |path: PathBuf, content: &str| {
                fs::create_dir_all(&path).unwrap();
                fs::write(path.join("content"), content).unwrap();
            };
            let old = if number < old_moved {
                KEPT_ENDING.to_owned() + "1"
            } else {
                String::new()
            };
            let new = if number < new_moved { "" } else { DRAFT_ENDING };
            put(beside(data, &old), "old");
            put(beside(data, new), "new");
        }
        (folder, places)
    }

    fn content(data: &Path, ending: &str) -> String {
        fs::read_to_string(beside(data, ending).join("content")).unwrap()
    }

    #[test]
    fn an_exchange_that_was_broken_off_anywhere_is_completed() {
        for (old_moved, new_moved) in [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (3, 3)] {
            let (_folder, places) = broken_off(old_moved, new_moved);
            let kept_ending = format!("{KEPT_ENDING}1");
            Swap { kept_ending }.exchange(&places).unwrap();
            for data in &places {
                assert_eq!(
                    content(data, ""),
                    "new",
                    "{old_moved} and {new_moved} moved"
                );
                assert_eq!(content(data, ".before-recover-1"), "old");
                assert!(!beside(data, DRAFT_ENDING).exists());
            }
        }
    }
}
