//! Clients who all move something, and see what the others move: what a server hands on grows with the square of their number.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{
    Member, RunningCrowd, all,
    onlooker::{LOOKS_A_TURN, POLL, Seen},
    threads::Mark,
};
use crate::{
    Failure, Outcome,
    clock::{self, Nanos},
    peers::{
        Cell, Plan,
        meter::Watch,
        report::{Collected, Measured, Part, Row},
    },
};
/// Twenty times a second each.
const INTERVAL: Nanos = Nanos(50_000_000);

/// Measures every library with crowds of so many clients, who each move one object twenty times a second; as often each as the
/// plan has rounds. `progress` is told what is measured next.
///
/// # Errors
/// As [`compare`](super::compare).
pub fn compare_crowds(
    plan: &Plan,
    crowds: &[u32],
    mut progress: impl FnMut(&str),
) -> Outcome<Vec<Row>> {
    let libraries = all();
    let mut collected = Collected::default();
    for turn in 0..plan.rounds.len() {
        for clients in crowds {
            // What each of them sees.
            let cell = Cell::lossless(clients - 1, *clients);
            for place in 0..libraries.len() {
                let library = &*libraries[(place + turn) % libraries.len()];
                progress(&format!(
                    "{clients} clients who all move: {}",
                    library.name()
                ));
                let measured = measure(library.start_crowd(*clients)?, cell, plan)?;
                collected.add(Part::Crowd, library.name(), cell, measured);
            }
        }
    }
    Ok(collected.rows())
}

fn measure(running: RunningCrowd, cell: Cell, plan: &Plan) -> Outcome<Measured> {
    let RunningCrowd {
        mut members,
        session,
    } = running;
    let (stop, seen) = (AtomicBool::new(false), Mutex::<Seen>::default());
    let watch = Watch::begin();
    let figures = thread::scope(|scope| -> Outcome<_> {
        let mark = Mark::now()?;
        let playing = scope.spawn(|| play(&mut members, &seen, &stop));
        let session = session.with_threads_since(&mark)?;
        thread::sleep(plan.settling);
        let figures = session.observe(cell, plan.span, || std::mem::take(&mut *lock(&seen)));
        stop.store(true, Ordering::Relaxed);
        let played = playing.join();
        played.map_err(|_| Failure::new("the players panicked"))??;
        figures
    });
    Ok(Measured {
        figures: figures?,
        surroundings: watch.end(),
    })
}

/// Everybody's game, in one thread: each moves at its own time, spread evenly, and looks as often as an onlooker does.
fn play(members: &mut [Box<dyn Member>], seen: &Mutex<Seen>, stop: &AtomicBool) -> Outcome {
    let (begun, count) = (clock::now(), members.len());
    let share = |number: usize| Nanos(begun.0 + INTERVAL.0 * number as u64 / count as u64);
    let mut due: Vec<_> = (0..count).map(share).collect();
    for turn in (0..LOOKS_A_TURN).cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        for (number, (member, due)) in members.iter_mut().zip(&mut due).enumerate() {
            if *due <= clock::now() {
                *due = clock::next_deadline(*due, INTERVAL);
                member.send()?;
            }
            if number == 0 {
                let mut seen = lock(seen);
                member.receive(&mut |object, sent| seen.take(object, sent))?;
                seen.show();
            } else if number % LOOKS_A_TURN == turn {
                member.receive(&mut |_, _| {})?;
            }
        }
        thread::sleep(POLL);
    }
    Ok(())
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
