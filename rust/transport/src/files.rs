//! Reading and writing the small files of certificates and keys.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::error::TransportError;

pub(crate) fn read(path: &Path) -> Result<String, TransportError> {
    fs::read_to_string(path)
        .map_err(|error| TransportError::file(path, format!("cannot be read: {error}")))
}

/// Writes a file that appears whole and that its owner alone can read; one that is already there stays as it is.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), TransportError> {
    let draft = draft_of(path);
    let written = write_private(&draft, text).and_then(|()| publish(&draft, path));
    // The draft has been published or is of no use; either way its name may go.
    let _ = fs::remove_file(&draft);
    written.map_err(|error| TransportError::file(path, format!("cannot be written: {error}")))
}

fn draft_of(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.draft", std::process::id()))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Gives the draft its name unless the name is taken. Where the file system knows no hard links, the later of two wins.
fn publish(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => fs::rename(draft, path),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn processes_that_write_at_the_same_moment_agree_on_one_content() {
        let dir = TempDir::new();
        let key = dir.path().join("key.pem");
        write_new(&key, "first").unwrap();
        write_new(&key, "second").unwrap();
        assert_eq!(read(&key).unwrap(), "first");
    }
}
