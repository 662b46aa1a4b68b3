//! One session of the demo, from its server's start to its end.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use synced_tests::{Failure, Outcome, folder, godot::Godot};

use crate::{
    band::{Bot, Ended, Part},
    host::{Failover, Game, Host},
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
    /// What the server counted that served last.
    pub(crate) server: ServerStats,
    /// What came of the leader's end, where there was one.
    pub(crate) failover: Option<Failover>,
}

impl Played {
    /// Everybody, the late one last.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Ended> {
        self.players.iter().chain([&self.late])
    }
}

/// Plays a session. Everything is over when this returns.
pub(crate) fn play(options: &Options) -> Outcome<Played> {
    remove_old(options.picture.as_deref())?;
    let mut scene = Scene::open(options)?;
    scene.announce();
    let play_time = Duration::from_secs(u64::from(options.seconds));
    let mut bots: Vec<_> = (1..=options.players)
        .map(|number| scene.start(scene.part(number)))
        .collect::<Outcome<_>>()?;
    let begun = scene.beginning(&mut bots)?;
    scene.host.begin()?;
    watch(&mut bots, begun + play_time / 2, false)?;
    scene.host.strike()?;
    watch(&mut bots, begun + play_time * 2 / 3, false)?;
    bots.push(scene.start(scene.late_part())?);
    watch(&mut bots, begun + play_time, false)?;
    scene.host.calm()?;
    watch(&mut bots, begun + play_time + MORE_TIME_MAX, true)?;

    let mut players: Vec<_> = bots.into_iter().map(Bot::end).collect::<Outcome<_>>()?;
    let late = players.pop().ok_or_else(|| Failure::new("nobody played"))?;
    let (server, failover) = scene.host.end()?;
    Ok(Played {
        players,
        late,
        server,
        failover,
    })
}

/// What is there before the first player is.
struct Scene<'a> {
    options: &'a Options,
    godot: Godot,
    project: PathBuf,
    folder: PathBuf,
    host: Host,
}

impl<'a> Scene<'a> {
    fn open(options: &'a Options) -> Outcome<Self> {
        let godot = options.godot()?;
        let folder = folder::fresh("demo")?;
        let project = folder::repository().join(PROJECT);
        let game = game_of(&project)?;
        let host = if options.cluster {
            Host::cluster(&folder, &game)?
        } else {
            Host::alone(&folder, &game, u64::from(options.seed))?
        };
        Ok(Self {
            options,
            godot,
            project,
            folder,
            host,
        })
    }

    fn announce(&self) {
        let Options {
            players, seconds, ..
        } = self.options;
        println!(
            "{}; all that is written is in {}",
            self.host.announcement(),
            self.folder.display()
        );
        println!(
            "{players} players play for {seconds} s{}; one more joins later.",
            self.host.remark(*players)
        );
    }

    /// When the play begins: at once, or where there is something that all are to see, once all have joined.
    fn beginning(&self, bots: &mut [Bot]) -> Outcome<Instant> {
        let started = Instant::now();
        while self.options.cluster && !bots.iter().all(Bot::is_joined) {
            if started.elapsed() > MORE_TIME_MAX {
                return Err(Failure::new("not all players have joined in time"));
            }
            watch(bots, Instant::now() + POLL, false)?;
        }
        Ok(Instant::now())
    }

    fn start(&self, part: Part) -> Outcome<Bot> {
        Bot::start(&self.godot, &self.project, &self.folder, part)
    }

    /// Every second player has hands that move by themselves, so that both ways of capturing are seen.
    fn part(&self, number: u32) -> Part {
        let has_bad_network = number == self.options.players;
        Part {
            name: format!("player-{number}"),
            url: self.host.url(has_bad_network),
            seed: self.options.seed.wrapping_mul(1_000).wrapping_add(number),
            seconds: self.options.seconds,
            players: self.options.players + 1,
            is_synthetic: number.is_multiple_of(2),
            picture: None,
        }
    }

    fn late_part(&self) -> Part {
        let display = self.options.picture_command.clone();
        Part {
            name: "late-joiner".to_owned(),
            seconds: LATE_PLAY_SEC,
            is_synthetic: false,
            picture: self.options.picture.clone().map(|file| (display, file)),
            ..self.part(self.options.players + 1)
        }
    }
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

/// The game that the project says that it is.
fn game_of(project: &Path) -> Outcome<Game> {
    let file = project.join("project.godot");
    let text = fs::read_to_string(&file)
        .map_err(Failure::of(format!("cannot read {}", file.display())))?;
    let setting = |key: &str| {
        let found = text.lines().find_map(|line| {
            line.strip_prefix(key)?
                .strip_prefix("=\"")?
                .strip_suffix('"')
        });
        let missing = || Failure::new(format!("{} has no {key}", file.display()));
        found.map(str::to_owned).ok_or_else(missing)
    };
    Ok((setting("config/name")?, setting("config/version")?))
}
