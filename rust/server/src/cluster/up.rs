//! All servers of a cluster on this machine.

use std::time::{Duration, Instant};

use tokio::{runtime, time};

use super::{
    child::{Change, ServerChild},
    folder::ClusterFolder,
    init, line,
    local::LocalServers,
};
use crate::{
    cli::Up,
    exit::{Exit, Failure},
    layer::wrong,
    output,
    signals::Signals,
};

/// How often the servers are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// How often at least a line says how they stand.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// Runs the servers until a signal.
///
/// # Errors
/// When the cluster cannot be made or a server not be started; when all servers ended by themselves.
pub(crate) fn up(options: &Up) -> Result<(), Failure> {
    let folder = folder(options)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Unforeseen, error))?;
    runtime.block_on(async {
        // Before the first child, so that none is left behind by an early signal.
        let mut signals =
            Signals::listen().map_err(|error| Failure::new(Exit::Unforeseen, error))?;
        let mut all = Servers::start(folder, options.restart)?;
        let watched = all.watch(&mut signals).await;
        if let Ok(signal) = &watched {
            eprintln!("{signal}: stopping");
        }
        all.local.stop();
        watched.map(drop)
    })
}

fn folder(options: &Up) -> Result<ClusterFolder, Failure> {
    let path = &options.directory.directory;
    if !ClusterFolder::is_at(path) {
        let folder = init::init(path, &options.founding)?;
        eprintln!(
            "made {} with {} servers",
            path.display(),
            folder.card.servers.0.len()
        );
        return Ok(folder);
    }
    let folder = ClusterFolder::open(path)?;
    let there = folder.card.servers.0.len();
    match options.founding.nodes {
        Some(wanted) if usize::from(wanted) != there => Err(wrong(format_args!(
            "--nodes {wanted}: the cluster in {} has {there} servers; leave the flag out, or change the cluster while it runs, with \
             `synced cluster add` and `synced cluster remove`",
            path.display()
        ))),
        _ => Ok(folder),
    }
}

struct Servers {
    local: LocalServers,
    restarts: bool,
    line: String,
    line_at: Instant,
    invited: bool,
}

impl Servers {
    fn start(folder: ClusterFolder, restarts: bool) -> Result<Self, Failure> {
        Ok(Self {
            local: LocalServers::start(folder, &[])?,
            restarts,
            line: String::new(),
            line_at: Instant::now(),
            invited: false,
        })
    }

    /// Watches over them until a signal, which is named.
    async fn watch(&mut self, signals: &mut Signals) -> Result<&'static str, Failure> {
        let mut looks = time::interval(LOOK_INTERVAL);
        loop {
            tokio::select! {
                signal = signals.next() => return Ok(signal),
                _ = looks.tick() => self.look()?,
            }
        }
    }

    fn look(&mut self) -> Result<(), Failure> {
        for child in &mut self.local.children {
            match child.look(self.restarts)? {
                Some(Change::Ended(status)) => eprintln!("{}", epitaph(child, status)),
                Some(Change::Restarted) => eprintln!("{} is started again", child.server),
                None => {}
            }
        }
        if !self
            .local
            .children
            .iter()
            .any(|child| child.is_running() || child.is_coming_back())
        {
            return Err(Failure::new(
                Exit::ServerEnded,
                "all servers ended by themselves: their logs say why",
            ));
        }
        self.tell()
    }

    fn tell(&mut self) -> Result<(), Failure> {
        let glances = self.local.glances();
        if !self.invited && line::leader(&glances).is_some() {
            self.invited = true;
            output::say(&format!("invite {}\n", self.local.invitation()?))?;
        }
        let line = line::line(&glances);
        if line::differs(&line, &self.line) || self.line_at.elapsed() > LINE_INTERVAL {
            eprintln!("{line}");
            (self.line, self.line_at) = (line, Instant::now());
        }
        Ok(())
    }
}

fn epitaph(child: &ServerChild, status: std::process::ExitStatus) -> String {
    let then = if child.is_coming_back() {
        "it will be started again".to_owned()
    } else {
        format!("start it again with `{}`", child.command_line())
    };
    format!(
        "{} ended by itself ({status}); {} says why; {then}",
        child.server,
        child.log()
    )
}
