//! How a test or the demo fails: with a text for whoever reads it.

use std::{fmt, process::ExitCode};

use synced_bench::BenchError;

/// What went wrong, as text of one or more lines.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

/// A result that fails with a text.
pub type Outcome<T = ()> = Result<T, Failure>;

/// How a program ends, which says on standard error what went wrong.
pub fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

impl Failure {
    /// A failure that says `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What `action` met with; for errors of the system.
    pub fn of(action: impl fmt::Display) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self(format!("{action}: {error}"))
    }

    /// The same failure with lines below it that help to understand it.
    #[must_use]
    pub fn with(self, heading: &str, lines: &str) -> Self {
        Self(format!("{self}\n--- {heading} ---\n{}", lines.trim_end()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text as it is: a test that returns a failure shows it this way.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        Self::new(error.to_string())
    }
}
