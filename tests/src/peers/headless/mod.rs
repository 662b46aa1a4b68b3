//! The same messages by libraries without an engine: one mover, a server that relays, and clients.
//!
//! The mover is a client as well, and sends sixty times a second a pose of each object; the server hands all of them to each
//! of the others. The first client looks twice a millisecond for what has come, so that no library profits from a lucky phase, and
//! is behind a relay, which counts bytes and may lose some; the other clients look as often as a game does. All clients of a
//! library share one thread for their network, so that no server pays for waking a hundred.

mod crowd;
mod enet;
mod joining;
mod message;
mod onlooker;
mod renet;
mod server_thread;
mod synced;
mod threads;
mod udp;

use std::{
    net::SocketAddr,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

pub use crowd::compare_crowds;

use self::{
    onlooker::{Onlookers, Seen},
    threads::{Mark, Threads},
};
use super::{
    figure::Figure,
    meter::{CpuTime, Watch},
    plan::{Cell, Plan},
    report::{Collected, Measured, Part, Row},
};
use crate::{
    Failure, Outcome,
    clock::{self, Nanos},
    relay::{Network, Relay, Traffic},
};

/// Sixty times a second.
const TICK: Nanos = Nanos(16_666_667);

/// What carries messages.
trait Library {
    /// What it is called in tables, settings included.
    fn name(&self) -> &'static str;

    /// Whether the settings are others than the defaults.
    fn is_tuned(&self) -> bool;

    /// Starts a server, a mover of the objects of a cell, and its clients. All are connected when this returns.
    fn start(&self, cell: Cell) -> Outcome<Running>;

    /// Starts a server and clients of whom each moves an object: the first one that of the highest number, the next one object
    /// 0, and so on. All are connected when this returns.
    fn start_crowd(&self, clients: u32) -> Outcome<RunningCrowd>;
}

/// Who sends.
trait Mover: Send {
    /// Sends a new pose of every object.
    fn send(&mut self) -> Outcome;
}

/// Who receives.
trait Client: Send {
    /// Tells `seen` of every message that has come: its object, and when it was sent.
    fn receive(&mut self, seen: &mut dyn FnMut(u32, Nanos)) -> Outcome;
}

/// Who does both.
trait Member: Mover + Client {}

impl<M: Mover + Client> Member for M {}

/// A client that moves objects as well.
struct Sender<C> {
    end: C,
    objects: Range<u32>,
}

impl<C: Client> Client for Sender<C> {
    fn receive(&mut self, seen: &mut dyn FnMut(u32, Nanos)) -> Outcome {
        self.end.receive(seen)
    }
}

/// A server with its clients.
struct Running {
    mover: Box<dyn Member>,
    clients: Vec<Box<dyn Client>>,
    session: Session,
}

/// A server with clients who all move something.
struct RunningCrowd {
    members: Vec<Box<dyn Member>>,
    session: Session,
}

/// What of a server and its clients is looked at from outside.
struct Session {
    /// The threads of this process that belong to clients alone, besides the one that looks.
    client_threads: Threads,
    /// In front of the first client.
    relay: Relay,
    server: Box<dyn Server>,
}

/// What a session has taken up to a time.
struct Usage {
    at: Instant,
    server: CpuTime,
    clients: CpuTime,
    traffic: Traffic,
}

impl Session {
    /// A server that listens at an address, without clients.
    fn new(address: SocketAddr, server: impl Server + 'static) -> Outcome<Self> {
        Ok(Self::behind(relay_to(address)?, server))
    }

    fn behind(relay: Relay, server: impl Server + 'static) -> Self {
        Self {
            client_threads: Threads::default(),
            relay,
            server: Box::new(server),
        }
    }

    /// From now on threads that were started since count for its clients too.
    fn with_threads_since(mut self, mark: &Mark) -> Outcome<Self> {
        self.client_threads = self.client_threads.and_those_since(mark)?;
        Ok(self)
    }

    /// What it has taken up to now.
    fn usage(&self) -> Outcome<Usage> {
        Ok(Usage {
            server: self.server.cpu_time()?,
            clients: self.client_threads.cpu_time()?,
            traffic: self.relay.traffic(),
            at: Instant::now(),
        })
    }

    /// What the first client of a cell saw within a span that begins now.
    fn observe(&self, cell: Cell, span: Duration, seen: impl Fn() -> Seen) -> Outcome<Figures> {
        let before = self.usage()?;
        // Forgets what came so far.
        seen();
        thread::sleep(span);
        let (seen, after) = (seen(), self.usage()?);
        let span = after.at - before.at;
        let Traffic { up, down } = after.traffic.since(before.traffic);
        let mut figures = seen.figures(cell, up.bytes + down.bytes, span)?;
        let server = after.server.percent_since(before.server, span);
        let clients = after.clients.percent_since(before.clients, span);
        figures.extend([
            (Figure::ServerCpu, server),
            (Figure::AllClientsCpu, clients),
        ]);
        Ok(figures)
    }
}

fn relay_to(server: SocketAddr) -> Outcome<Relay> {
    Relay::start(server, Network::default(), 1)
}

type Figures = Vec<(Figure, f64)>;

/// Who relays.
trait Server {
    /// What it has had of the processor.
    fn cpu_time(&self) -> Outcome<CpuTime>;
}

/// Every library, with its settings.
fn all() -> Vec<Box<dyn Library>> {
    vec![
        Box::new(synced::Synced::DEFAULT),
        Box::new(enet::ENet::DEFAULT),
        Box::new(renet::Renet::DEFAULT),
        Box::new(udp::Udp),
        Box::new(synced::Synced::TUNED),
        Box::new(enet::ENet::TUNED),
        Box::new(renet::Renet::TUNED),
    ]
}

/// Measures every library. `progress` is told what is measured next.
///
/// # Errors
/// When something does not start, or a connection ends.
pub fn compare(plan: &Plan, progress: impl FnMut(&str)) -> Outcome<Vec<Row>> {
    repetitions(plan, progress).map(|collected| collected.rows())
}

/// As [`compare`], with every repetition by itself.
///
/// # Errors
/// As there.
pub fn repetitions(plan: &Plan, mut progress: impl FnMut(&str)) -> Outcome<Collected> {
    let libraries = all();
    let mut collected = Collected::default();
    for (step, turn) in plan.in_turn() {
        for place in 0..libraries.len() {
            let library = &*libraries[(place + turn) % libraries.len()];
            if library.is_tuned() && !step.tuned {
                continue;
            }
            progress(&format!("{}: {}", step.cell, library.name()));
            let measured = measure(library, step.cell, plan)?;
            collected.add(Part::Headless, library.name(), step.cell, measured);
        }
    }
    Ok(collected)
}

fn measure(library: &dyn Library, cell: Cell, plan: &Plan) -> Outcome<Measured> {
    let Running {
        mut mover,
        mut clients,
        session,
    } = library.start(cell)?;
    session
        .relay
        .set_network(Network::losing(cell.loss_permille));
    let stop = AtomicBool::new(false);
    let watch = Watch::begin();
    let figures = thread::scope(|scope| -> Outcome<_> {
        let moving = scope.spawn(|| keep_moving(&mut *mover, &stop));
        let mark = Mark::now()?;
        let looking = Onlookers::start(scope, &mut clients, &stop);
        let session = session.with_threads_since(&mark)?;
        thread::sleep(plan.settling);
        let figures = session.observe(cell, plan.span, || looking.counted())?;
        stop.store(true, Ordering::Relaxed);
        looking.end()?;
        moving
            .join()
            .map_err(|_| Failure::new("the mover panicked"))??;
        Ok(figures)
    });
    Ok(Measured {
        figures: figures?,
        surroundings: watch.end(),
    })
}

fn keep_moving(mover: &mut dyn Member, stop: &AtomicBool) -> Outcome {
    let mut deadline = clock::now();
    while !stop.load(Ordering::Relaxed) {
        deadline = clock::next_deadline(deadline, TICK);
        clock::sleep_until(deadline);
        mover.send()?;
        mover.receive(&mut |_, _| {})?;
    }
    Ok(())
}
