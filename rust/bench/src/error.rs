//! Why a measurement came to nothing.

use std::fmt;

/// What went wrong, as a text for whoever measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchError(String);

/// A result that fails with a text.
pub type Outcome<T = ()> = Result<T, BenchError>;

impl BenchError {
    /// An error that says this.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BenchError {}
