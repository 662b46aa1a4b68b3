//! The players, in their processes.

use std::{thread, time::Duration};

use synced_bench::{
    BenchError,
    crowd::{Crowd, CrowdResult, Pace, Progress},
    shares,
};
use synced_protocol::message::Game;
use synced_transport::ServerAddress;

use super::{
    part::{Line, Part},
    scratch::Scratch,
};
use crate::{cli::Bench, exit::Failure, layer::wrong, serve::unforeseen};

/// For how long players write before it counts.
const WARM_UP: Duration = Duration::from_secs(2);
/// How often the processes are looked at.
const POLL: Duration = Duration::from_millis(100);

/// Plays with players in this process, beside others, and says how far they are and what they saw as JSON.
///
/// # Errors
/// As [`Crowd::run`].
pub(super) fn be_one(options: &Bench, expected: usize) -> Result<(), Failure> {
    let url = options.url.as_deref().unwrap_or_default();
    let crowd = Crowd {
        server: server(url)?,
        game: game(options),
        players: options.players.first().map_or(0, |players| players.0) as usize,
        expected,
        pace: Pace {
            confirmed_hz: options.confirmed_hz.0,
            live_hz: options.live_hz.0,
            bytes: options.bytes.0 as usize,
        },
        frames_hz: options.frames_hz.0.into(),
        warm_up: WARM_UP,
        span: Duration::from_secs(options.seconds.0.into()),
    };
    let tell = |progress: &Progress| Line::Progress(*progress).say().map_err(BenchError::new);
    let result = crowd.run(tell).map_err(unforeseen)?;
    Line::Result(Box::new(result)).say()
}

/// Where players join.
///
/// # Errors
/// When the invitation is none.
pub(super) fn server(url: &str) -> Result<ServerAddress, Failure> {
    let server = url.parse();
    server.map_err(|error| wrong(format_args!("--url {url}: {error}")))
}

/// What they play.
pub(super) fn game(options: &Bench) -> Game {
    Game {
        name: options.game.0.clone(),
        version: options.game_version.0.clone(),
    }
}

/// Players in other processes. They are ended when this is dropped.
pub(super) struct Parts(Vec<Part>);

impl Parts {
    /// Starts so many players.
    ///
    /// # Errors
    /// When a process cannot be started.
    pub(super) fn start(
        options: &Bench,
        url: &str,
        players: usize,
        scratch: &Scratch,
    ) -> Result<Self, Failure> {
        let shares = shares(players, options.processes.0 as usize).enumerate();
        let parts = shares.map(|(number, share)| {
            let arguments = arguments(options, url, share.len(), players);
            Part::start(&arguments, number, scratch)
        });
        parts.collect::<Result<_, _>>().map(Self)
    }

    /// Waits until they have come to their end; `look` is called now and then.
    ///
    /// # Errors
    /// As soon as one of the processes has failed, or `look` has: nobody waits for the others then.
    pub(super) fn play(
        &mut self,
        mut look: impl FnMut(&Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            let mut is_running = false;
            for part in &mut self.0 {
                is_running |= part.look()?;
            }
            look(self)?;
            if !is_running {
                return Ok(());
            }
            thread::sleep(POLL);
        }
    }

    /// How far each of them is.
    pub(super) fn each(&self) -> impl Iterator<Item = &Progress> {
        self.0.iter().map(|part| &part.progress)
    }

    /// How far they are together.
    pub(super) fn progress(&self) -> Progress {
        let mut each = self.each();
        let mut all = each.next().copied().unwrap_or_default();
        each.for_each(|one| all.merge(one));
        all
    }

    /// What they made and saw.
    ///
    /// # Errors
    /// When one of them has not told.
    pub(super) fn into_result(self) -> Result<CrowdResult, Failure> {
        let mut all = CrowdResult::default();
        for part in self.0 {
            all.merge(&part.into_result()?);
        }
        Ok(all)
    }
}

fn arguments(options: &Bench, url: &str, players: usize, expected: usize) -> Vec<String> {
    let flags = [
        ("--url", url.to_owned()),
        ("--game", options.game.0.clone()),
        ("--game-version", options.game_version.0.clone()),
        ("--players", players.to_string()),
        ("--beside", expected.to_string()),
        ("--confirmed-hz", options.confirmed_hz.0.to_string()),
        ("--live-hz", options.live_hz.0.to_string()),
        ("--bytes", options.bytes.0.to_string()),
        ("--frames-hz", options.frames_hz.0.to_string()),
        ("--seconds", options.span().as_secs().to_string()),
    ];
    let flags = flags
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value]);
    ["bench".to_owned()].into_iter().chain(flags).collect()
}
