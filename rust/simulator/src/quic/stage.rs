//! One run over QUIC, from the first server to the agreement of all.

use std::{collections::BTreeMap, sync::Arc};

use synced_protocol::{
    id::{LogIndex, ServerId, Term},
    store::{HardState, LogSnapshot, Members, StoredGroup},
    time::Micros,
};
use synced_transport::{
    ServerAddress, clock,
    cluster::{Authority, ClusterId},
};
use tokio::{
    task::JoinHandle,
    time::{Duration, sleep},
};

use super::{
    QuicReport,
    judge::{Judge, replica},
    network::Fabric,
    player::Guest,
    server::{Site, address, ip, players_at},
};
use crate::{
    check::{Promise, Violation},
    network::{Path, Weather, ppm},
    plant::Plant,
    system::GROUP,
};

const SERVERS: u16 = 5;
const PLAYERS: u16 = 2;
/// The least and the mean one-way delay of a packet, in microseconds.
const DELAY_US: [u64; 2] = [1_000, 2_000];
const LOSS: f64 = 0.01;
const DUPLICATION: f64 = 0.005;
const REORDERING: f64 = 0.005;
/// Players come once the servers have had so long to elect a leader.
const ELECTION: Duration = Duration::from_millis(500);
/// How long a server is away that was killed.
const AWAY: Duration = Duration::from_millis(700);
/// How long a server is cut off: longer than connections between servers survive.
const CUT_OFF: Duration = Duration::from_millis(600);
/// The longest that everybody may take until everybody has everything.
const SETTLE_MAX: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// Everything of one run.
pub(super) struct Stage {
    seed: u64,
    plant: Option<Plant>,
    authority: Authority,
    fabric: Arc<Fabric>,
    judge: Judge,
    servers: BTreeMap<u16, JoinHandle<Result<(), String>>>,
    players: Vec<JoinHandle<Result<(), String>>>,
}

impl Stage {
    pub(super) fn set(seed: u64, plant: Option<Plant>) -> Result<Self, String> {
        let cluster = "simulated".parse().map_err(|error| format!("{error}"));
        let cluster: ClusterId = cluster?;
        let authority = Authority::seeded(&cluster, seed).map_err(|error| error.to_string())?;
        let members = members();
        let weather = Weather {
            loss_ppm: ppm(LOSS),
            duplication_ppm: ppm(DUPLICATION),
            reordering_ppm: ppm(REORDERING),
            delay: Micros::ZERO,
        };
        Ok(Self {
            seed,
            plant,
            authority,
            fabric: Fabric::new(seed, Path::new(DELAY_US), weather),
            judge: Judge::new(&members, &founded(&members)),
            servers: BTreeMap::new(),
            players: Vec::new(),
        })
    }

    pub(super) async fn play(mut self, time: Duration) -> Result<QuicReport, String> {
        let began = clock::now();
        let carrying = tokio::spawn(self.fabric.clone().carry());
        for host in 1..=SERVERS {
            self.begin(host)?;
        }
        sleep(ELECTION).await;
        self.invite()?;
        sleep(time / 3).await;
        let killed = self.kill_leader().await?;
        sleep((time / 3).saturating_sub(AWAY)).await;
        let cut_off = self.cut_leader_off().await;
        sleep((time / 3).saturating_sub(CUT_OFF)).await;
        self.settle().await;
        carrying.abort();
        let knows = self.judge.knows();
        Ok(QuicReport {
            packets: self.fabric.packets(),
            entries: knows.history.last().0,
            decided: knows.told.decided(),
            leaders: [killed, cut_off],
            time: clock::now() - began,
            violation: knows.violation.clone(),
        })
    }

    fn begin(&mut self, host: u16) -> Result<(), String> {
        let site = Site::new(&self.authority, host, self.fabric.host(ip(host)));
        let site = site.map_err(|error| error.to_string())?;
        let running = tokio::spawn(site.run(self.judge.clone()));
        self.servers.insert(host, running);
        Ok(())
    }

    fn invite(&mut self) -> Result<(), String> {
        let places: Vec<_> = (1..=SERVERS)
            .map(|host| players_at(host).to_string())
            .collect();
        let servers: Result<ServerAddress, _> = places.join(",").parse();
        let servers = servers.map_err(|error| error.to_string())?;
        for number in 1..=PLAYERS {
            let guest = Guest::new(self.seed, u64::from(number), self.plant, self.judge.clone());
            let network = self.fabric.host(ip(SERVERS + number));
            let playing = guest.run(network, servers.clone(), self.authority.fingerprint());
            self.players.push(tokio::spawn(playing));
        }
        Ok(())
    }

    /// The process of whoever leads is gone without a word, and begins again after a while with its disk.
    async fn kill_leader(&mut self) -> Result<Option<u16>, String> {
        let leader = self.judge.knows().serving;
        if let Some(host) = leader {
            self.judge.knows().serving = None;
            self.fabric.kill(ip(host));
            if let Some(running) = self.servers.remove(&host) {
                running.abort();
            }
            self.judge.knows().applied.remove(&host);
            sleep(AWAY).await;
            self.begin(host)?;
        }
        Ok(leader)
    }

    async fn cut_leader_off(&self) -> Option<u16> {
        let leader = self.judge.knows().serving;
        if let Some(host) = leader {
            self.fabric.cut(ip(host), true);
            sleep(CUT_OFF).await;
            self.fabric.cut(ip(host), false);
        }
        leader
    }

    async fn settle(&self) {
        self.judge.knows().is_playing = false;
        let deadline = clock::now() + Micros::from_millis(SETTLE_MAX.as_millis() as u64);
        loop {
            sleep(LOOK).await;
            let mut knows = self.judge.knows();
            let ended = self
                .servers
                .values()
                .chain(&self.players)
                .any(JoinHandle::is_finished);
            let unsettled = knows.is_unsettled().filter(|_| !ended);
            match unsettled {
                None if ended => {
                    let ended = Violation::new(Promise::Sanity, "somebody has ended by itself");
                    return knows.note(Err(ended));
                }
                None => {
                    let checked = knows.told.check_final(&knows.history);
                    return knows.note(checked);
                }
                Some(what) if clock::now() > deadline => {
                    return knows.note(Err(Violation::new(Promise::Progress, what)));
                }
                Some(_) => {}
            }
        }
    }
}

fn members() -> Members {
    let servers = || (1..=SERVERS).map(ServerId);
    Members {
        voters: servers().map(|server| replica(server.0)).collect(),
        addresses: servers().map(address).collect(),
        ..Members::default()
    }
}

fn founded(members: &Members) -> StoredGroup {
    StoredGroup {
        group: GROUP,
        hard_state: HardState::default(),
        snapshot: Arc::new(LogSnapshot {
            index: LogIndex::ZERO,
            term: Term(0),
            members: members.clone(),
            parts: Vec::new(),
        }),
        entries: Vec::new(),
    }
}
