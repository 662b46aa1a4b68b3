//! The same writes to five of ours and to five of etcd's, in turns, each with the machine for itself and its files in memory.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use synced_protocol::message::Game;
use synced_tests::{
    Failure, Outcome,
    cluster::SyncedCluster,
    etcd::{EtcdCluster, EtcdPeers},
    load::{Figures, Pace, Target, Work, write_to_cluster, write_to_etcd},
    stalls::Stalls,
};

use crate::{GAME, median::Spread, options};

/// Stalls of this length or longer are told.
const STALL_MIN: Duration = Duration::from_millis(1);
/// More than the work needs: what one player may do is not what is measured.
const NO_LIMIT: u32 = 1_000_000;
const NO_LIMIT_BYTES: u32 = 1_000_000_000;

/// How often a piece of work is done anew when the leader is replaced meanwhile.
const TRIES_MAX: u32 = 4;

/// How the two are compared.
#[derive(Debug, clap::Args)]
pub(crate) struct Versus {
    /// How often each does each piece of work
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// For how many seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// The bytes of a value
    #[arg(long, value_delimiter = ',', default_value = "2048,128")]
    bytes: Vec<usize>,
    /// How many writes a second, where they are paced
    #[arg(long, default_value_t = 500)]
    per_second: u32,
    /// How many writes are out, where as many are done as can be
    #[arg(long, value_delimiter = ',', default_value = "64,256")]
    outstanding: Vec<usize>,
    /// The etcd, as scripts/setup-etcd prints it
    #[arg(long)]
    etcd: PathBuf,
    /// Where both keep their files: a folder in memory, else disks are compared
    #[arg(long, default_value = "/dev/shm")]
    memory: PathBuf,
}

/// One piece of work, done by both as often as there are rounds.
#[derive(Debug)]
struct Row {
    work: Work,
    ours: Side,
    etcd: Side,
    etcd_tls: Side,
}

#[derive(Debug, Default)]
struct Side {
    p50_ms: Spread,
    p99_ms: Spread,
    per_second: Spread,
    failed: u64,
}

impl Side {
    fn add(&mut self, figures: &Figures) {
        self.p50_ms.add(figures.latency_ms(0.5));
        self.p99_ms.add(figures.latency_ms(0.99));
        self.per_second.add(figures.per_second());
        self.failed += figures.failures();
    }
}

impl Versus {
    pub(crate) fn run(&self) -> Outcome {
        let mut rows: Vec<_> = self.works().into_iter().map(Row::new).collect();
        let stalls = Stalls::watch(STALL_MIN);
        for _ in 0..self.rounds {
            let (clear, tls) = (EtcdPeers::Clear, EtcdPeers::Tls);
            self.ask_etcd(&self.folder("etcd")?, clear, &mut rows)?;
            self.ask_etcd(&self.folder("etcd-tls")?, tls, &mut rows)?;
            self.ask_ours(&self.folder("synced")?, &mut rows)?;
        }
        print(&rows);
        let longest = stalls.end().into_iter().max_by_key(|stall| stall.late);
        let longest = longest.map_or(Duration::ZERO, |stall| stall.late);
        println!(
            "Longest stall of an idle thread meanwhile: {:.1} ms.",
            1e3 * longest.as_secs_f64()
        );
        Ok(())
    }

    fn works(&self) -> Vec<Work> {
        let saturated = self.outstanding.iter().copied().map(Pace::Outstanding);
        let paces: Vec<_> = [Pace::PerSecond(self.per_second)]
            .into_iter()
            .chain(saturated)
            .collect();
        let mut works = Vec::new();
        for &value_bytes in &self.bytes {
            works.extend(paces.iter().map(|&pace| Work {
                value_bytes,
                pace,
                span: Duration::from_secs(self.seconds),
            }));
        }
        works
    }

    fn folder(&self, who: &str) -> Outcome<Folder> {
        Folder::new(&self.memory, who)
    }

    fn ask_etcd(&self, folder: &Folder, among: EtcdPeers, rows: &mut [Row]) -> Outcome {
        let mut cluster = EtcdCluster::start(&self.etcd, &folder.0, 5, among)?;
        let leader = cluster.leader()?;
        for row in rows {
            let side = match among {
                EtcdPeers::Clear => &mut row.etcd,
                EtcdPeers::Tls => &mut row.etcd_tls,
            };
            side.add(&write_to_etcd(leader, row.work)?);
        }
        Ok(())
    }

    fn ask_ours(&self, folder: &Folder, rows: &mut [Row]) -> Outcome {
        let options = options()
            .set("proposals_per_second_max", NO_LIMIT)
            .set("proposals_burst_max", NO_LIMIT)
            .set("bytes_per_second_max", NO_LIMIT_BYTES)
            .set("bytes_burst_max", NO_LIMIT_BYTES);
        let mut cluster = SyncedCluster::start(&folder.0, &options)?;
        for row in rows {
            row.ours.add(&write_to_leader(&mut cluster, row.work)?);
        }
        cluster.end()
    }
}

/// The writer does not follow a leader that is replaced meanwhile: then the work is done anew, which is told.
fn write_to_leader(cluster: &mut SyncedCluster, work: Work) -> Outcome<Figures> {
    let mut tries = 0;
    loop {
        let leader = cluster.leader()?;
        let target = Target {
            url: cluster.url_of(leader)?,
            game: Game {
                name: GAME.0.to_owned(),
                version: GAME.1.to_owned(),
            },
        };
        tries += 1;
        match write_to_cluster(&target, work) {
            Err(failure) if tries < TRIES_MAX => println!("{work:?} is done anew: {failure}"),
            done => return done,
        }
    }
}

impl Row {
    fn new(work: Work) -> Self {
        Self {
            work,
            ours: Side::default(),
            etcd: Side::default(),
            etcd_tls: Side::default(),
        }
    }
}

fn print(rows: &[Row]) {
    println!(
        "| work | SyncedNode | etcd | etcd, TLS among peers | to etcd | to etcd with TLS |\n|---|---|---|---|---|---|"
    );
    for row in rows {
        match row.work.pace {
            Pace::PerSecond(rate) => {
                row.line(&format!("{rate}/s: p50 ms"), |side| &side.p50_ms);
                row.line(&format!("{rate}/s: p99 ms"), |side| &side.p99_ms);
            }
            Pace::Outstanding(count) => {
                row.line(&format!("{count} out: writes/s"), |side| &side.per_second);
                row.line(&format!("{count} out: p50 ms"), |side| &side.p50_ms);
            }
        }
        row.print_failures();
    }
}

impl Row {
    fn line(&self, what: &str, of: impl Fn(&Side) -> &Spread) {
        let [ours, etcd, tls] = [&self.ours, &self.etcd, &self.etcd_tls].map(of);
        let to = |other: &Spread| ours.median() / other.median();
        let bytes = self.work.value_bytes;
        println!(
            "| {bytes} B, {what} | {ours} | {etcd} | {tls} | {:.2} | {:.2} |",
            to(etcd),
            to(tls)
        );
    }

    fn print_failures(&self) {
        let [ours, etcd, tls] = [&self.ours, &self.etcd, &self.etcd_tls].map(|side| side.failed);
        if ours + etcd + tls > 0 {
            println!("| of these failed | {ours} | {etcd} | {tls} | | |");
        }
    }
}

/// The folder in memory of one cluster, which goes before the next one fills as much.
struct Folder(PathBuf);

impl Folder {
    fn new(memory: &Path, who: &str) -> Outcome<Self> {
        let folder = memory.join(format!("synced-versus-{}-{who}", std::process::id()));
        fs::create_dir_all(&folder)
            .map_err(Failure::of(format!("cannot make {}", folder.display())))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is for whoever looks into the memory.
        let _ = fs::remove_dir_all(&self.0);
    }
}
