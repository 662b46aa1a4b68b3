//! A cluster of real servers on this machine, each a process that a test can kill, stop and start again.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Failure, Outcome,
    process::Process,
    server::{program, read_stats},
};

/// How long a server may take to listen.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// How long it may take until one leads, or until something else is so of the cluster, on a busy machine.
pub const CLUSTER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a server may take to stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(20);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How a cluster is made.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    game: (String, String),
    servers: u16,
    id: Option<String>,
    durability: &'static str,
    hosts: Vec<String>,
    base_port: u16,
    settings: Vec<(String, String)>,
}

impl ClusterOptions {
    /// Five servers of this game and version, at free ports of this machine.
    #[must_use]
    pub fn new(game: &str, version: &str) -> Self {
        Self {
            game: (game.to_owned(), version.to_owned()),
            servers: 5,
            id: None,
            durability: "quorum-memory",
            hosts: Vec::new(),
            base_port: 0,
            settings: Vec::new(),
        }
    }

    /// So many servers.
    #[must_use]
    pub const fn servers(mut self, servers: u16) -> Self {
        self.servers = servers;
        self
    }

    /// How many servers it will have.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.servers
    }

    /// Reached at these hosts, one server at each: the players' port of each is `port`.
    #[must_use]
    pub fn on_hosts(mut self, hosts: Vec<String>, port: u16) -> Self {
        self.hosts = hosts;
        self.base_port = port;
        self
    }

    /// A cluster of this name; it has one of its own else.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    /// Commits that wait for more than half of the disks.
    #[must_use]
    pub const fn on_disk(mut self) -> Self {
        self.durability = "quorum-disk";
        self
    }

    /// Sets what a configuration file calls `key`, for every server; a key of its section begins with `cluster_`.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.settings.push((key.to_owned(), value.to_string()));
        self
    }
}

/// A cluster of which any servers run. Those that do are killed when it is dropped.
#[derive(Debug)]
pub struct SyncedCluster {
    directory: PathBuf,
    logs: PathBuf,
    invite: String,
    settings: Vec<(String, String)>,
    running: BTreeMap<u16, Process>,
    starts: u32,
}

impl SyncedCluster {
    /// Makes a cluster, starts all of its servers and waits until one leads. Its files go to `folder`.
    ///
    /// # Errors
    /// When the program is not built, or the cluster does not come up.
    pub fn start(folder: &Path, options: &ClusterOptions) -> Outcome<Self> {
        let mut cluster = Self::found(folder, options)?;
        for server in 1..=options.servers {
            cluster.run(server)?;
        }
        cluster.leader()?;
        Ok(cluster)
    }

    /// Makes a cluster of which no server runs.
    ///
    /// # Errors
    /// When the program is not built, or does not make it.
    pub fn found(folder: &Path, options: &ClusterOptions) -> Outcome<Self> {
        let directory = folder.join("cluster");
        let mut cluster = Self {
            invite: String::new(),
            directory,
            logs: folder.to_path_buf(),
            settings: options.settings.clone(),
            running: BTreeMap::new(),
            starts: 0,
        };
        let count = options.servers.to_string();
        let (game, version) = &options.game;
        let (port, hosts) = (options.base_port.to_string(), options.hosts.join(","));
        let mut order = vec!["cluster", "init", "--nodes", &count, "--base-port", &port];
        if !hosts.is_empty() {
            order.extend(["--hosts", &hosts]);
        }
        order.extend(["--game", game, "--game-version", version]);
        order.extend(["--durability", options.durability]);
        order.extend(options.id.iter().flat_map(|id| ["--id", id]));
        let said = cluster.order(&order)?;
        let invite = said.lines().find_map(|line| line.strip_prefix("invite "));
        cluster.invite = invite
            .ok_or_else(|| Failure::new(format!("no invitation in {said:?}")))?
            .to_owned();
        Ok(cluster)
    }

    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// When it runs already, or does not come up.
    pub fn run(&mut self, server: u16) -> Outcome {
        let command = self.serve(server)?;
        self.run_by(server, command)
    }

    /// As [`run`](Self::run), by a command that was made from [`serve`](Self::serve).
    ///
    /// # Errors
    /// As there.
    pub fn run_by(&mut self, server: u16, mut command: Command) -> Outcome {
        if self.running.contains_key(&server) {
            return Err(Failure::new(format!("server {server} runs already")));
        }
        self.starts += 1;
        let log = self
            .logs
            .join(format!("server-{server}-start-{}.log", self.starts));
        let mut process = Process::spawn(&format!("server {server}"), &mut command, &log)?;
        process.wait_for_line("it listened", START_TIME_MAX, |line| {
            line.starts_with("listening on ").then_some(())
        })?;
        self.running.insert(server, process);
        Ok(())
    }

    /// The command that runs a server.
    ///
    /// # Errors
    /// When the program is not built.
    pub fn serve(&self, server: u16) -> Outcome<Command> {
        let mut command = Command::new(program()?);
        command
            .arg("serve")
            .arg("--config")
            .arg(self.folder(server).join("server.toml"));
        for (key, value) in &self.settings {
            command.env(format!("SYNCED_{}", key.to_uppercase()), value);
        }
        Ok(command)
    }

    /// Ends a server without asking (SIGKILL), and gives the moment just before.
    ///
    /// # Errors
    /// When it does not run, or the system refuses.
    pub fn kill(&mut self, server: u16) -> Outcome<Instant> {
        let mut process = self.taken(server)?;
        let before = Instant::now();
        process.kill()?;
        Ok(before)
    }

    /// Stops a server in an orderly way (SIGTERM), and waits for its end.
    ///
    /// # Errors
    /// When it does not run, or does not end well in time.
    pub fn stop(&mut self, server: u16) -> Outcome {
        let mut process = self.taken(server)?;
        process.terminate()?;
        let status = process.wait(STOP_TIME_MAX)?;
        if !status.success() || process.output().contains("panicked at") {
            return Err(process.failure(&format!("ended with {status}")));
        }
        Ok(())
    }

    /// The running program of a server.
    ///
    /// # Errors
    /// When it does not run.
    pub fn process(&mut self, server: u16) -> Outcome<&mut Process> {
        let missing = || Failure::new(format!("server {server} does not run"));
        self.running.get_mut(&server).ok_or_else(missing)
    }

    /// Which servers run.
    #[must_use]
    pub fn running(&self) -> Vec<u16> {
        self.running.keys().copied().collect()
    }

    /// Removes what a server that does not run has on its disk, as if it had another disk.
    ///
    /// # Errors
    /// When it runs, or the system refuses.
    pub fn lose_disk(&self, server: u16) -> Outcome {
        if self.running.contains_key(&server) {
            return Err(Failure::new(format!("server {server} runs")));
        }
        let data = self.folder(server).join("data");
        fs::remove_dir_all(&data).map_err(Failure::of(format!("cannot remove {}", data.display())))
    }

    /// Has what a server that does not run left look as if its machine had gone down: the mark beside its data says that a run began
    /// before the machine was started last.
    ///
    /// # Errors
    /// When it runs, or the mark is none.
    pub fn lose_power(&self, server: u16) -> Outcome {
        const BOOT: std::ops::Range<usize> = 13..77;
        if self.running.contains_key(&server) {
            return Err(Failure::new(format!("server {server} runs")));
        }
        let file = self.folder(server).join("data/mark");
        let mut mark = fs::read(&file).map_err(Failure::of(format!("{}", file.display())))?;
        if mark.len() != BOOT.end + 4 {
            return Err(Failure::new(format!("{} is no mark", file.display())));
        }
        mark[BOOT].fill(b'x');
        let checksum = crc32fast::hash(&mark[..BOOT.end]);
        mark[BOOT.end..].copy_from_slice(&checksum.to_le_bytes());
        fs::write(&file, mark).map_err(Failure::of(format!("{}", file.display())))
    }

    /// The folder of the cluster.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The folder of one server.
    #[must_use]
    pub fn folder(&self, server: u16) -> PathBuf {
        self.directory.join(format!("server-{server}"))
    }

    /// What players connect to: all servers that the cluster was founded with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.invite
    }

    /// What players connect to who know of one server alone.
    ///
    /// # Errors
    /// When the invitation does not name it.
    pub fn url_of(&self, server: u16) -> Outcome<String> {
        let place = usize::from(server).checked_sub(1);
        let parts = self
            .invite
            .strip_prefix("synced://")
            .and_then(|rest| rest.split_once('#'));
        let address = parts.and_then(|(hosts, pin)| Some((hosts.split(',').nth(place?)?, pin)));
        let (address, pin) = address.ok_or_else(|| {
            Failure::new(format!("{} does not name server {server}", self.invite))
        })?;
        Ok(format!("synced://{address}#{pin}"))
    }

    /// Waits until one leads and serves, and gives its number.
    ///
    /// # Errors
    /// When none does in time, with what is known of each.
    pub fn leader(&mut self) -> Outcome<u16> {
        self.until("one leads", Self::leader_of)
    }

    /// Waits until `find` finds something in what `synced status --json` prints.
    ///
    /// # Errors
    /// When it does not in time, with the last of it; when a server ended by itself.
    pub fn until<T>(&mut self, what: &str, find: impl Fn(&Value) -> Option<T>) -> Outcome<T> {
        let deadline = Instant::now() + CLUSTER_TIME_MAX;
        loop {
            let status = self.status()?;
            if let Some(found) = find(&status) {
                return Ok(found);
            }
            self.all_run()?;
            if Instant::now() > deadline {
                let text = format!("not after {} s: {what}", CLUSTER_TIME_MAX.as_secs());
                return Err(self.described(Failure::new(text), &status));
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// What `synced status --json` prints.
    ///
    /// # Errors
    /// When it prints no JSON.
    pub fn status(&self) -> Outcome<Value> {
        let output = self.command(&["status", "--json"])?.output();
        let output = output.map_err(Failure::of("synced status"))?;
        serde_json::from_slice(&output.stdout).map_err(|error| {
            let said = String::from_utf8_lossy(&output.stderr);
            Failure::new(format!("synced status prints no JSON: {error}")).with("it says", &said)
        })
    }

    /// How one server says in a status that it stands in the cluster; null where it does not answer.
    #[must_use]
    pub fn answer(status: &Value, server: u16) -> &Value {
        let servers = status["servers"].as_array();
        let found = servers.and_then(|all| all.iter().find(|one| one["peer"]["server"] == server));
        found.map_or(&Value::Null, |one| &one["answer"]["node"]["cluster"])
    }

    /// Who leads and serves by a status; none where none does.
    #[must_use]
    pub fn leader_of(status: &Value) -> Option<u16> {
        u16::try_from(status["leader"].as_u64()?).ok()
    }

    /// Whether a server takes part in what goes on since a term. On a busy machine it may lead again by then.
    #[must_use]
    pub fn takes_part(status: &Value, server: u16, since: u64) -> bool {
        let answer = Self::answer(status, server);
        let role = answer["role"].as_str();
        answer["term"].as_u64() >= Some(since) && matches!(role, Some("follower" | "leader"))
    }

    /// What a server wrote last into its file for statistics.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn stats(&self, server: u16) -> Outcome<Value> {
        read_stats(&self.folder(server).join("stats.json"))
    }

    /// Runs `synced` with these arguments and the cluster's folder; gives what it prints.
    ///
    /// # Errors
    /// When it ends with an error: what it says.
    pub fn order(&self, arguments: &[&str]) -> Outcome<String> {
        let output = self.command(arguments)?.output();
        let output = output.map_err(Failure::of(format!("synced {}", arguments.join(" "))))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let text = format!(
            "synced {} ended with {}",
            arguments.join(" "),
            output.status
        );
        Err(Failure::new(text).with("it says", &said))
    }

    /// A command about this cluster that has not been run.
    ///
    /// # Errors
    /// When the program is not built.
    pub fn command(&self, arguments: &[&str]) -> Outcome<Command> {
        let mut command = Command::new(program()?);
        command
            .args(arguments)
            .arg("--directory")
            .arg(&self.directory);
        Ok(command)
    }

    /// Stops all that run, the leader last.
    ///
    /// # Errors
    /// When one does not end well.
    pub fn end(mut self) -> Outcome {
        let leader = Self::leader_of(&self.status()?);
        let mut all = self.running();
        all.sort_by_key(|server| Some(*server) == leader);
        all.into_iter().try_for_each(|server| self.stop(server))
    }

    fn taken(&mut self, server: u16) -> Outcome<Process> {
        let missing = || Failure::new(format!("server {server} does not run"));
        self.running.remove(&server).ok_or_else(missing)
    }

    fn all_run(&mut self) -> Outcome {
        for process in self.running.values_mut() {
            if let Some(status) = process.try_wait()? {
                return Err(process.failure(&format!("ended by itself ({status})")));
            }
        }
        Ok(())
    }

    fn described(&self, failure: Failure, status: &Value) -> Failure {
        let status = serde_json::to_string_pretty(status).unwrap_or_default();
        let logs = self.running.values().map(|process| {
            format!(
                "{}\n{}\n",
                process.name(),
                crate::process::tail(&process.output())
            )
        });
        let logs: String = logs.collect();
        failure.with("status", &status).with("logs", &logs)
    }
}
