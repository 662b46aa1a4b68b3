//! One session of the demo, from its server's start to its end.

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use synced_tests::{
    Failure, Outcome, folder,
    server::{ServerOptions, SyncedServer},
};

use crate::{
    band::{Bot, Ended, Part},
    options::Options,
    report::ServerStats,
};

const PROJECT: &str = "godot_project";
const POLL: Duration = Duration::from_millis(100);
/// How long all may take beyond the time of play: to start on a busy machine, to come to rest, to draw a picture.
const MORE_TIME_MAX: Duration = Duration::from_secs(240);
/// How long the player who joins late plays, in seconds.
const LATE_PLAY_SEC: u32 = 1;

/// What came of a session.
#[derive(Debug)]
pub(crate) struct Played {
    /// Those who were there from the beginning.
    pub(crate) players: Vec<Ended>,
    /// The one who came later.
    pub(crate) late: Ended,
    pub(crate) server: ServerStats,
}

impl Played {
    /// Everybody, the late one last.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Ended> {
        self.players.iter().chain([&self.late])
    }
}

/// Plays a session. Everything is over when this returns.
pub(crate) fn play(options: &Options) -> Outcome<Played> {
    let godot = options.godot()?;
    let folder = folder::fresh("demo")?;
    let project = folder::repository().join(PROJECT);
    remove_old(options.picture.as_deref())?;
    let server = SyncedServer::start(&folder, &game_of(&project)?)?;
    println!(
        "A server listens at {}; everything is written to {}",
        server.address(),
        folder.display()
    );
    println!(
        "{} players play for {} s; one more joins later.",
        options.players, options.seconds
    );

    let begun = Instant::now();
    let parts = (1..=options.players).map(|number| part(options, &server, number));
    let mut bots: Vec<_> = parts
        .map(|part| Bot::start(&godot, &project, &folder, part))
        .collect::<Outcome<_>>()?;
    watch(
        &mut bots,
        begun + Duration::from_secs(u64::from(options.seconds)) * 2 / 3,
        false,
    )?;
    bots.push(Bot::start(
        &godot,
        &project,
        &folder,
        late_part(options, &server),
    )?);
    watch(
        &mut bots,
        begun + Duration::from_secs(u64::from(options.seconds)) + MORE_TIME_MAX,
        true,
    )?;

    let mut players: Vec<_> = bots.into_iter().map(Bot::end).collect::<Outcome<_>>()?;
    let late = players.pop().ok_or_else(|| Failure::new("nobody played"))?;
    let server = ServerStats::parse(server.stop_with_stats()?)?;
    Ok(Played {
        players,
        late,
        server,
    })
}

/// A picture of an earlier run must not pass for one of this.
fn remove_old(picture: Option<&Path>) -> Outcome {
    match picture.map(fs::remove_file) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(Failure::new(format!(
            "the old picture cannot be removed: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Every second player has hands that move by themselves, so that both ways of capturing are seen.
fn part(options: &Options, server: &SyncedServer, number: u32) -> Part {
    Part {
        name: format!("player-{number}"),
        url: server.url(),
        seed: options.seed.wrapping_mul(1_000).wrapping_add(number),
        seconds: options.seconds,
        players: options.players + 1,
        is_synthetic: number.is_multiple_of(2),
        picture: None,
    }
}

fn late_part(options: &Options, server: &SyncedServer) -> Part {
    Part {
        name: "late-joiner".to_owned(),
        seconds: LATE_PLAY_SEC,
        is_synthetic: false,
        picture: options
            .picture
            .clone()
            .map(|file| (options.picture_command.clone(), file)),
        ..part(options, server, options.players + 1)
    }
}

/// Watches until all have ended (`to_the_end`), or until `deadline`.
fn watch(bots: &mut [Bot], deadline: Instant, to_the_end: bool) -> Outcome {
    loop {
        let mut have_ended = true;
        for (place, bot) in bots.iter_mut().enumerate() {
            have_ended &= bot.look(place == 0)?;
        }
        if to_the_end && have_ended {
            return Ok(());
        }
        if Instant::now() > deadline {
            let late = bots
                .iter()
                .find(|bot| !bot.is_reported())
                .or(bots.first())
                .filter(|_| to_the_end);
            return late.map_or(Ok(()), |bot| Err(bot.late()));
        }
        thread::sleep(POLL);
    }
}

/// A server of the game that the project says that it is.
fn game_of(project: &Path) -> Outcome<ServerOptions> {
    let file = project.join("project.godot");
    let text = fs::read_to_string(&file)
        .map_err(Failure::of(format!("cannot read {}", file.display())))?;
    let setting = |key: &str| {
        let found = text.lines().find_map(|line| {
            line.strip_prefix(key)?
                .strip_prefix("=\"")?
                .strip_suffix('"')
        });
        found.ok_or_else(|| Failure::new(format!("{} has no {key}", file.display())))
    };
    Ok(ServerOptions::new(
        setting("config/name")?,
        setting("config/version")?,
    ))
}
