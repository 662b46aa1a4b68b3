//! Every exit code, and what leads to it.

use std::{fmt, process::ExitCode};

/// Why the program ends. The numbers are documented in [`HELP`] and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Unforeseen = 1,
    Configuration = 3,
    Address = 4,
    Identity = 5,
    Stats = 6,
    Storage = 7,
    Unanswered = 8,
    Declined = 9,
    ServerEnded = 10,
    NotHeld = 11,
}

/// The part of the help that tells the exit codes.
pub(crate) const HELP: &str = "\
Exit codes:
  0  all went well; a server was stopped by SIGTERM or SIGINT
  1  something unforeseen; the log says what
  2  a flag is not understood
  3  the configuration is wrong or incomplete
  4  the address cannot be listened on
  5  the certificate or its key cannot be used
  6  the file for statistics cannot be written
  7  a folder or the log in it cannot be used
  8  no server of the cluster answers, or none leads
  9  the cluster declined what was asked
 10  a server that was to run on this machine ended by itself
 11  what was measured did not hold: too many players, something lost, or memory that grows";

/// An end that somebody must do something about.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
