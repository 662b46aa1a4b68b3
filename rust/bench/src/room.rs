//! Whether a process may have as many players as it is to have.

use crate::{BenchError, Outcome};

/// What a player opens: a socket to each server that it keeps a connection to, and what its thread waits on and is woken by. That
/// comes to eight; while it looks for a leader it opens more.
const FILES_OF_A_PLAYER: u64 = 16;
/// What a process opens anyway.
const FILES_OF_A_PROCESS: u64 = 64;

/// Makes room for so many players.
///
/// # Errors
/// When the system does not let a process open so many files; the text says what would help.
pub(crate) fn make(players: usize) -> Outcome {
    let needed = FILES_OF_A_PROCESS + players as u64 * FILES_OF_A_PLAYER;
    let allowed = allow_files(needed);
    if allowed >= needed {
        return Ok(());
    }
    Err(BenchError::new(format_args!(
        "{players} players in one process open up to {needed} files, and this one may open {allowed}: raise the limit (`ulimit -Hn`), \
         or spread them over more processes"
    )))
}

/// Lets the process open so many, if it may, and tells how many it may open then.
#[cfg(unix)]
fn allow_files(needed: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let (allowed, most) = (
        limit.current.unwrap_or(u64::MAX),
        limit.maximum.unwrap_or(u64::MAX),
    );
    if allowed >= needed {
        return allowed;
    }
    let raised = Rlimit {
        current: Some(needed.min(most)),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => needed.min(most),
        Err(_) => allowed,
    }
}

#[cfg(not(unix))]
const fn allow_files(_needed: u64) -> u64 {
    u64::MAX
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_for_a_crowd_and_refused_to_more_than_the_system_allows_with_what_would_help() {
        assert_eq!(make(10), Ok(()));
        let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
        let Some(most) = most else { return };
        let text = make(most as usize).unwrap_err().to_string();
        assert!(
            text.contains(&format!("may open {most}")) && text.contains("ulimit"),
            "{text}"
        );
    }
}
