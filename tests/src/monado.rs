//! An OpenXR runtime without a headset, and players who wear it.

use std::{
    env,
    fs::{self, DirBuilder},
    io::{self, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::{
    Failure, Outcome,
    feeder::{Feeder, Motions},
    folder,
    godot::Godot,
    player::{Player, Starting},
    process::Process,
};

/// The project of players who wear a headset.
const PROJECT: &str = "tests/godot/xr";
/// The exit code by which the scripts say that this machine cannot have something.
const EXIT_UNAVAILABLE: i32 = 3;
/// Where this is set, tests that cannot run fail.
const CI_VARIABLE: &str = "CI";
/// How long the runtime may take to be fetched, the first time.
const SET_UP_TIME_MAX: Duration = Duration::from_secs(900);
/// How long it may take to listen.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// How often another port is tried where the first was taken in the meantime.
const TRIES: u32 = 5;

/// A machine on which Monado can run: it is in the cache.
#[derive(Debug, Clone)]
pub struct Runtime {
    set: PathBuf,
}

/// A running Monado of its own. It is killed when dropped.
#[derive(Debug)]
pub struct Monado {
    runtime: Runtime,
    /// Where its logs go.
    folder: PathBuf,
    /// Where its socket is; short, since the path of a socket may not be long.
    home: PathBuf,
    port: u16,
    starts: u32,
    service: Process,
}

impl Runtime {
    /// Fetches Monado if it is not there. `None` on a machine that cannot have it, after saying why on standard error.
    ///
    /// # Errors
    /// When fetching fails otherwise; and in continuous integration wherever it cannot be had.
    pub fn find() -> Outcome<Option<Self>> {
        let log = folder::fresh("setup-display")?.join("log");
        let mut command = Command::new(folder::repository().join("scripts/setup-display"));
        let mut process = Process::spawn("scripts/setup-display", &mut command, &log)?;
        let status = process.wait(SET_UP_TIME_MAX)?;
        let words = process.output();
        match status.code() {
            Some(0) => Ok(words.lines().last().map(|set| Self { set: set.into() })),
            Some(EXIT_UNAVAILABLE) if env::var_os(CI_VARIABLE).is_none() => {
                // Past the test harness, which would keep it for itself.
                let why = words.trim_end();
                writeln!(
                    io::stderr(),
                    "PASSED OVER, since there can be no OpenXR runtime here: {why}"
                )
                .map_err(Failure::of("standard error"))?;
                Ok(None)
            }
            _ => Err(process.failure(&format!("ended with {status}"))),
        }
    }

    /// Starts a service whose logs go to `folder`.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(&self, folder: &Path) -> Outcome<Monado> {
        let home = fresh_home()?;
        let mut failure = Failure::new("no port");
        for _ in 0..TRIES {
            let port = free_port()?;
            match serve(&home, port, &folder.join("monado.log")) {
                Ok(service) => {
                    return Ok(Monado {
                        runtime: self.clone(),
                        folder: folder.to_path_buf(),
                        home,
                        port,
                        starts: 1,
                        service,
                    });
                }
                Err(met) => failure = met,
            }
        }
        Err(failure)
    }
}

impl Monado {
    /// Starts to move its head and hands, so many times a second.
    ///
    /// # Errors
    /// When it is not there.
    pub fn feed(&self, motions: Motions, rate_hz: u32) -> Outcome<Feeder> {
        Feeder::start(self.port, motions, rate_hz)
    }

    /// Starts a player who wears its headset. Its files go below `folder`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn player(&self, godot: &Godot, name: &str, folder: &Path) -> Outcome<Starting> {
        let wrapper = folder::repository().join("scripts/with-display");
        let project = folder::repository().join(PROJECT);
        let mut command = godot.with_headset(Some(&wrapper), &project, &folder.join(name))?;
        command.env("XDG_RUNTIME_DIR", &self.home).env(
            "XR_RUNTIME_JSON",
            self.runtime.set.join("openxr_runtime.json"),
        );
        Player::start_by(command, name, folder)
    }

    /// Ends the service as a crash would: it tells nobody.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Outcome {
        self.service.kill()
    }

    /// Starts the service again after it ended, at the same port and for the same players.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart(&mut self) -> Outcome {
        self.service.kill()?;
        self.starts += 1;
        let log = self.folder.join(format!("monado-{}.log", self.starts));
        self.service = serve(&self.home, self.port, &log)?;
        Ok(())
    }
}

impl Drop for Monado {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Starts a player of the same project who wears no headset and whose frames nobody sees.
///
/// # Errors
/// When it cannot be started.
pub fn onlooker(godot: &Godot, name: &str, folder: &Path) -> Outcome<Starting> {
    let mut command = godot.headless(&folder::repository().join(PROJECT), &folder.join(name))?;
    command.args(["--xr-mode", "off"]);
    Player::start_by(command, name, folder)
}

fn serve(home: &Path, port: u16, log: &Path) -> Outcome<Process> {
    let mut command = Command::new(folder::repository().join("scripts/run-monado"));
    command.arg(home).arg(port.to_string());
    let mut service = Process::spawn("scripts/run-monado", &mut command, log)?;
    let is_up = service.wait_for_line("it listened", START_TIME_MAX, |line| {
        let is_up = line.contains("Listening on port");
        (is_up || line.contains("Leaving thread")).then_some(is_up)
    })?;
    if is_up {
        Ok(service)
    } else {
        Err(service.failure(&format!("could not listen at port {port}")))
    }
}

fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address
        .map(|address| address.port())
        .map_err(Failure::of("a free port"))
}

fn fresh_home() -> Outcome<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let home = env::temp_dir().join(format!("synced-node-xr.{}.{count}", std::process::id()));
    let made = DirBuilder::new().mode(0o700).create(&home);
    made.map_err(Failure::of(format!("cannot make {}", home.display())))?;
    Ok(home)
}
