//! The same messages by libraries without an engine: one mover, a server that relays, and clients.
//!
//! The mover is a client as well, and sends sixty times a second a pose of each object; the server hands all of them to each
//! of the others. The first client looks twice a millisecond for what has come, so that no library profits from a lucky phase, and
//! is behind a relay, which counts bytes and may lose some; the other clients look as often as a game does. All clients of a
//! library share one thread for their network, so that no server pays for waking a hundred.

mod enet;
mod message;
mod onlooker;
mod renet;
mod synced;
mod threads;
mod udp;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use self::{
    onlooker::Onlookers,
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
    relay::{Network, Relay},
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

/// A server with its clients.
struct Running {
    mover: Box<dyn Mover>,
    clients: Vec<Box<dyn Client>>,
    /// The threads of this process that belong to clients alone, besides the one that looks.
    client_threads: Threads,
    /// In front of the first client.
    relay: Relay,
    server: Box<dyn Server>,
}

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
        client_threads,
        relay,
        server,
    } = library.start(cell)?;
    relay.set_network(Network::losing(cell.loss_permille));
    let stop = AtomicBool::new(false);
    let watch = Watch::begin();
    let measured = thread::scope(|scope| -> Outcome<_> {
        let moving = scope.spawn(|| keep_moving(&mut *mover, &stop));
        let mark = Mark::now()?;
        let looking = Onlookers::start(scope, &mut clients, &stop);
        let look = client_threads.and_those_since(&mark)?;
        thread::sleep(plan.settling);
        let usage = || Outcome::Ok((server.cpu_time()?, look.cpu_time()?, relay.traffic()));
        let (before, began) = (usage()?, Instant::now());
        looking.count_from_now();
        thread::sleep(plan.span);
        let seen = looking.counted();
        let (after, span) = (usage()?, began.elapsed());
        stop.store(true, Ordering::Relaxed);
        looking.end()?;
        moving
            .join()
            .map_err(|_| Failure::new("the mover panicked"))??;
        let traffic = after.2.since(before.2);
        let mut figures = seen.figures(cell, traffic.up.bytes + traffic.down.bytes, span)?;
        figures.push((Figure::ServerCpu, after.0.percent_since(before.0, span)));
        figures.push((Figure::AllClientsCpu, after.1.percent_since(before.1, span)));
        Ok(figures)
    });
    Ok(Measured {
        figures: measured?,
        surroundings: watch.end(),
    })
}

fn keep_moving(mover: &mut dyn Mover, stop: &AtomicBool) -> Outcome {
    let mut deadline = clock::now();
    while !stop.load(Ordering::Relaxed) {
        deadline = clock::next_deadline(deadline, TICK);
        clock::sleep_until(deadline);
        mover.send()?;
    }
    Ok(())
}
