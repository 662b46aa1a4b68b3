//! How a run begins.

use std::sync::Arc;

use synced_consensus::{Config, PeerVersions};
use synced_protocol::{
    id::{LogIndex, ReplicaId, ServerId, Term},
    store::{HardState, LogSnapshot, Members, StoredGroup},
    time::Micros,
};

use super::{Chance, Run, Settings, outage::Outage};
use crate::{
    check::{History, Promise, Told, Violation},
    clock::Clock,
    disk::Disk,
    happening::{Happening, Host, PLAYERS_FROM},
    network::Network,
    random::{Purpose, Random},
    report::Report,
    seat::Seat,
    server::{SERVERS_MAX, Server, address},
    system::{GROUP, ServerBoot, System},
    trace::{Action, Trace},
};

/// What the wall clock shows when a run begins, in microseconds since the Unix epoch.
const EPOCH: Micros = Micros::from_secs(1_800_000_000);
/// Servers begin within this time.
const START_SPREAD: Micros = Micros::from_millis(20);
/// Players come within this time after the servers.
const PLAYERS_SPREAD: Micros = Micros::from_millis(500);

impl<S: System> Run<S> {
    pub(super) fn new(system: S, settings: Settings, trace: Option<Trace>) -> Self {
        let Settings {
            seed,
            plan,
            time,
            plant,
        } = settings;
        let founders: Vec<u16> = (1..=plan.cluster.servers).collect();
        let members = members(&founders);
        let mut clocks = Random::new(seed, Purpose::Clocks);
        let drift = i64::from(plan.clocks.drift_ppm_max);
        let offset = i64::try_from(plan.clocks.offset_ms_max * 1_000).unwrap_or(0);
        let servers = (1..=SERVERS_MAX as u16).map(|id| {
            let base = Micros(clocks.below(1 << 40));
            let clock = Clock::new(Micros::ZERO, base, either_way(&mut clocks, drift));
            let disk = Disk::new(vec![founded(&members)]);
            Server::new(ServerId(id), clock, either_way(&mut clocks, offset), disk)
        });
        let servers = servers.collect();
        let seats = (0..plan.players.count).map(|place| {
            let base = Micros(clocks.below(1 << 40));
            let clock = Clock::new(Micros::ZERO, base, either_way(&mut clocks, drift));
            Seat::new(Host(PLAYERS_FROM + place), clock)
        });
        let seats: Vec<_> = seats.collect();
        let hosts = usize::from(PLAYERS_FROM) + seats.len();
        Self {
            network: Network::new(&plan, seed),
            history: History::new(system.oracle(), members),
            system,
            plan,
            plant,
            now: Micros::ZERO,
            end: time,
            agenda: crate::happening::Agenda::new(hosts),
            servers,
            seats,
            told: Told::default(),
            chance: Chance {
                faults: Random::new(seed, Purpose::Faults),
                players: Random::new(seed, Purpose::Players),
                disks: Random::new(seed, Purpose::Disks),
                logic: Random::new(seed, Purpose::Logic),
            },
            last_op: 0,
            last_number: 0,
            last_incarnation: 0,
            last_request: 0,
            wanted: founders,
            serving: None,
            outage: Outage::default(),
            leaders: std::collections::BTreeMap::new(),
            is_healing: false,
            trace,
            report: Report::default(),
        }
    }

    pub(super) fn start(&mut self) -> Result<(), Violation> {
        for id in 1..=self.plan.cluster.servers {
            self.servers[usize::from(id) - 1].is_wanted = true;
            let at = Micros(self.chance.logic.below(START_SPREAD.0));
            let restart = crate::happening::Mend::Restart(Host(id));
            self.agenda.schedule(at, Happening::Mend(restart));
        }
        for place in 0..self.seats.len() {
            let host = self.seats[place].host;
            let life = self.seats[place].life;
            let at = START_SPREAD + Micros(self.chance.players.below(PLAYERS_SPREAD.0));
            self.agenda.schedule(at, Happening::Act { host, life });
        }
        self.plan_faults();
        self.agenda.schedule(START_SPREAD, Happening::Operate);
        Ok(())
    }

    /// Lets a server begin, with whatever its disk has.
    pub(super) fn boot(&mut self, host: Host) -> Result<(), Violation> {
        let now = self.now;
        let durability = self.plan.cluster.durability.into();
        let tick = self.plan.tick();
        let Some(server) = self.servers.get_mut(host.place() - 1) else {
            return Ok(());
        };
        if server.logic.is_some() {
            return Ok(());
        }
        let local = server.clock.read(now);
        let wall = (EPOCH + now).shifted(server.wall_error_us);
        server.jumped = Micros::ZERO;
        let id = server.id();
        let mut consensus = Config {
            tick,
            durability,
            log_bytes_kept_max: self.plan.cluster.log_bytes_kept,
            ..Config::new(server.replica)
        };
        if server.is_upgraded {
            let ours = PeerVersions::OURS;
            consensus.versions = PeerVersions {
                min: ours.max,
                max: ours.max + 1,
            };
        }
        let groups = server.disk.open();
        // More may have reached the disk than the process was told before it ended.
        for group in &groups {
            self.history.held(server.replica, &group.entries);
        }
        let boot = ServerBoot {
            consensus,
            address: address(id),
            groups,
            wall_offset: wall - local,
            now: local,
        };
        server.life += 1;
        server.is_wanted = true;
        let logic = self.system.server(boot);
        let logic = logic.map_err(|error| {
            let what = format!("server {} cannot begin: {error}", id.0);
            Violation::new(Promise::Sanity, what)
        })?;
        server.logic = Some(logic);
        let (agenda, network) = (&mut self.agenda, &mut self.network);
        network.reset_former(agenda, now, host);
        self.record(host, Action::Start);
        self.drain_server(host)?;
        self.note_founding(host);
        self.watch(host)
    }

    /// The first server that begins is one of those with which the cluster was founded.
    fn note_founding(&mut self, host: Host) {
        if self.history.last() == LogIndex::ZERO
            && let Some(image) = self.servers[host.place() - 1].disk.group(GROUP)
        {
            let founding = &image.snapshot;
            self.history.begin_behind(founding.index, founding.term);
        }
    }

    /// A server whose memory is gone is to come back as another replica.
    pub(super) fn refound(&mut self, host: Host) {
        self.last_incarnation += 1;
        let incarnation = self.last_incarnation;
        let founders: Vec<u16> = (1..=self.plan.cluster.servers).collect();
        let disk = Disk::new(vec![founded(&members(&founders))]);
        if let Some(server) = self.server_mut(host) {
            server.replica = ReplicaId::new(server.id(), incarnation);
            server.disk = disk;
        }
    }
}

fn either_way(random: &mut Random, most: i64) -> i64 {
    let wide = random.below(2 * most.unsigned_abs() + 1);
    i64::try_from(wide).unwrap_or(0) - most
}

fn members(founders: &[u16]) -> Members {
    let ids = || founders.iter().map(|id| ServerId(*id));
    Members {
        voters: ids().map(|id| ReplicaId::new(id, 0)).collect(),
        addresses: ids().map(address).collect(),
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
