//! One run: a cluster and its players from their first connection, through all faults of the plan, until everything is healed and
//! everybody agrees.

mod connections;
mod crashes;
mod faults;
mod operator;
mod outage;
mod partitions;
mod players;
mod record;
mod servers;
mod settle;
mod start;
mod upkeep;
mod watch;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use synced_protocol::{
    id::{LogIndex, ReplicaId, Term},
    time::Micros,
};

use crate::{
    check::{History, Promise, Told, Violation},
    happening::{Agenda, Happening, Host},
    network::Network,
    plan::Plan,
    plant::Plant,
    queue::Due,
    random::Random,
    report::Report,
    seat::Seat,
    server::Server,
    system::System,
    trace::Trace,
};

use self::outage::Outage;

pub use settle::SETTLE_MAX;

/// One run of a system.
pub struct Run<S: System> {
    system: S,
    plan: Plan,
    plant: Option<Plant>,
    now: Micros,
    /// When faults end.
    end: Micros,
    agenda: Agenda,
    network: Network,
    servers: Vec<Server<S>>,
    seats: Vec<Seat<S>>,
    history: History<S::Oracle>,
    told: Told,
    chance: Chance,
    last_op: u64,
    last_number: u64,
    last_incarnation: u32,
    last_request: u64,
    /// Who is to vote, by the operator's will.
    wanted: Vec<u16>,
    /// Who served last.
    serving: Option<Host>,
    outage: Outage,
    /// Who was elected in which term.
    leaders: BTreeMap<Term, ReplicaId>,
    is_healing: bool,
    trace: Option<Trace>,
    report: Report,
}

/// A stream of chance for each purpose.
#[derive(Debug)]
struct Chance {
    faults: Random,
    players: Random,
    disks: Random,
    logic: Random,
}

/// How a run is to be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What everything follows from.
    pub seed: u64,
    /// What happens.
    pub plan: Plan,
    /// How long faults go on.
    pub time: Micros,
    /// A mistake that is made on purpose.
    pub plant: Option<Plant>,
}

/// Runs a system once.
///
/// The trace that was handed in comes back with everything that the replicas did.
pub fn run<S: System>(
    system: S,
    settings: Settings,
    trace: Option<Trace>,
) -> (Report, Option<Trace>) {
    let seed = settings.seed;
    let mut run = Run::new(system, settings, trace);
    // Code under test that gives up is as wrong as code that goes on with nonsense, and the seed is wanted in both cases.
    let outcome = catch_unwind(AssertUnwindSafe(|| run.finish()));
    let violation = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(violation)) => Some(violation),
        Err(cause) => Some(Violation::new(Promise::Sanity, words(cause.as_ref()))),
    };
    let at = run.now;
    let report = Report {
        seed,
        time: at,
        entries: run.history.last().0,
        decided: run.told.decided(),
        hash: run.report.hash ^ run.history.chain(),
        violation: violation.map(|violation| Violation { at, ..violation }),
        ..run.report
    };
    (report, run.trace)
}

fn words(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
    format!("the code gave up: {}", text.unwrap_or("without a word"))
}

impl<S: System> Run<S> {
    fn finish(&mut self) -> Result<(), Violation> {
        self.start()?;
        self.pass(self.end)?;
        self.settle()
    }

    /// Lets everything happen that happens up to a time.
    fn pass(&mut self, until: Micros) -> Result<(), Violation> {
        while let Some((at, due)) = self.agenda.pop(until) {
            self.now = at;
            self.report.events += 1;
            match due {
                Due::Alarm(place) => self.wake(Host(place as u16))?,
                Due::Thing(happening) => self.happen(happening)?,
            }
        }
        self.now = until;
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Arrive {
                connection,
                to,
                lane,
                bytes,
            } => self.arrive(connection, to, lane, bytes),
            Happening::Up { connection, at } => self.up(connection, at),
            Happening::Lost { connection, at } => self.lost(connection, at),
            Happening::Closed {
                connection,
                at,
                code,
            } => self.closed(connection, at, code),
            Happening::Gone {
                host,
                life,
                name,
                code,
            } => self.gone(host, life, name, code),
            Happening::Silent { from, to, since } => self.silent((from, to), since),
            Happening::Dial { from, to, tries } => {
                self.dial(from, to, tries);
                Ok(())
            }
            Happening::Connect {
                host,
                life,
                name,
                to,
                until,
            } => self.connect(host, life, name, to, until),
            Happening::Synced { host, life, write } => self.synced(host, life, write),
            Happening::Act { host, life } => self.act(host, life),
            Happening::Strike { fault } => self.strike(fault),
            Happening::Mend(mend) => self.mend(mend),
            Happening::Operate => self.operate(),
        }
    }

    fn server(&self, host: Host) -> Option<&Server<S>> {
        self.servers.get(host.place().checked_sub(1)?)
    }

    fn server_mut(&mut self, host: Host) -> Option<&mut Server<S>> {
        self.servers.get_mut(host.place().checked_sub(1)?)
    }

    fn seat_place(host: Host) -> usize {
        host.place() - usize::from(crate::happening::PLAYERS_FROM)
    }

    fn hosts(&self) -> Vec<Host> {
        self.servers.iter().map(|server| server.host).collect()
    }

    /// The newest entry that has had an effect anywhere.
    fn newest(&self) -> LogIndex {
        let applied = self.servers.iter().map(|server| server.applied);
        applied.max().unwrap_or_default()
    }
}
