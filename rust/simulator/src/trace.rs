//! What the replicas did, as `tests/model/README.md` says it, for checking against the specification.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use serde::Serialize;
use synced_protocol::{id::ReplicaId, time::Micros};

/// A trace that is being written.
#[derive(Debug)]
pub struct Trace {
    to: BufWriter<File>,
    last: BTreeMap<ReplicaId, Line>,
    /// The first thing that went wrong with the file.
    error: Option<io::Error>,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A process began.
    Start,
    /// Anything that it then did.
    Step,
    /// The process ended.
    Crash,
    /// Its disk is gone too.
    Lost,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Virtual microseconds.
    pub t: u64,
    /// Whose.
    pub replica: String,
    /// About what.
    pub action: Action,
    /// Of the hard state.
    pub term: u64,
    /// Of the hard state; empty for none.
    pub vote: String,
    /// What the replica does.
    pub role: &'static str,
    /// The last entry's index.
    pub log_len: u64,
    /// The last entry's term.
    pub last_term: u64,
    /// The last entry known to be committed.
    pub commit: u64,
    /// Who decides.
    pub voters: Vec<String>,
    /// Who decided before, while a change is under way.
    pub outgoing: Vec<String>,
    /// Who would serve a player.
    pub serving: Vec<String>,
}

impl Trace {
    /// A trace into a new file.
    ///
    /// # Errors
    /// What the system says of the file.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            to: BufWriter::new(File::create(path)?),
            last: BTreeMap::new(),
            error: None,
        })
    }

    /// The line before of the same replica.
    #[must_use]
    pub fn last(&self, replica: ReplicaId) -> Option<&Line> {
        self.last.get(&replica)
    }

    /// Adds a line, unless it says nothing new.
    pub fn add(&mut self, replica: ReplicaId, line: Line) {
        let is_old = self.last.get(&replica).is_some_and(|last| {
            let Line { t, action, .. } = last.clone();
            line.action == Action::Step
                && Line {
                    t,
                    action,
                    ..line.clone()
                } == *last
        });
        if is_old {
            return;
        }
        if let Err(error) = self.write(&line) {
            self.error.get_or_insert(error);
        }
        self.last.insert(replica, line);
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, line)?;
        self.to.write_all(b"\n")
    }

    /// Ends the file.
    ///
    /// # Errors
    /// What the system says of the file.
    pub fn finish(mut self) -> io::Result<()> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.to.flush(),
        }
    }
}

/// A replica as traces name it.
#[must_use]
pub fn name(replica: ReplicaId) -> String {
    format!("{}.{}", replica.server().0, replica.incarnation())
}

/// Replicas as traces name them, and what time looks like there.
#[must_use]
pub fn names(replicas: &[ReplicaId]) -> Vec<String> {
    replicas.iter().copied().map(name).collect()
}

/// A time as traces have it.
#[must_use]
pub const fn time(at: Micros) -> u64 {
    at.0
}
