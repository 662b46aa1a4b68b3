//! Who looks for what has come, at all clients in turn.

use std::{
    sync::Arc,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Scope, ScopedJoinHandle},
    time::Duration,
};

use super::Client;
use crate::{
    Failure, Outcome,
    clock::{self, Nanos},
    peers::{
        Cell, Figure, motion,
        shown::{Shown, quantile},
    },
};

/// How often it looks at the first client.
pub(super) const POLL: Duration = Duration::from_micros(500);
/// Each of the others has its turn once in so many looks, all spread evenly: as often as a game for VR draws a frame.
pub(super) const LOOKS_A_TURN: usize = 20;
/// How often what has come by then is taken for shown.
const FRAME: Duration = Duration::from_micros(11_111);

/// A thread that looks.
pub(super) struct Onlookers<'scope> {
    seen: Arc<Mutex<Seen>>,
    thread: ScopedJoinHandle<'scope, Outcome>,
}

/// What came to the first client.
#[derive(Debug, Default)]
pub(super) struct Seen {
    messages: u64,
    latencies_ms: Vec<f64>,
    /// When something of the first object came, and the times from each such time to the next.
    last: Option<Nanos>,
    gaps_ms: Vec<f64>,
    /// When the newest message of the first object was sent.
    newest: Option<Nanos>,
    next_frame: Option<Nanos>,
    /// Where the first object was by then, frame by frame; as [`Shown`] reads it.
    frames: Vec<f64>,
}

impl<'scope> Onlookers<'scope> {
    pub(super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        clients: &'env mut [Box<dyn Client>],
        stop: &'env AtomicBool,
    ) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = seen.clone();
        let thread = scope.spawn(move || {
            for turn in (0..LOOKS_A_TURN).cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                look(clients, turn, &shared)?;
                thread::sleep(POLL);
            }
            Ok(())
        });
        Self { seen, thread }
    }

    /// What came since this was asked last.
    pub(super) fn counted(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for the end of the thread, which has been told to stop.
    pub(super) fn end(self) -> Outcome {
        let ended = self.thread.join();
        ended.map_err(|_| Failure::new("the onlookers panicked"))?
    }
}

fn look(clients: &mut [Box<dyn Client>], turn: usize, seen: &Mutex<Seen>) -> Outcome {
    let Some((first, others)) = clients.split_first_mut() else {
        return Ok(());
    };
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    first.receive(&mut |object, sent| seen.take(object, sent))?;
    seen.show();
    drop(seen);
    for client in others.iter_mut().skip(turn).step_by(LOOKS_A_TURN) {
        client.receive(&mut |_, _| {})?;
    }
    Ok(())
}

impl Seen {
    pub(super) fn take(&mut self, object: u32, sent: Nanos) {
        let now = clock::now();
        self.messages += 1;
        self.latencies_ms.push(1e3 * now.seconds_since(sent));
        if object == 0 {
            self.newest = self.newest.max(Some(sent));
            if let Some(last) = self.last.replace(now) {
                self.gaps_ms.push(1e3 * now.seconds_since(last));
            }
        }
    }

    /// If it is time for a frame, the first object is where its newest message says.
    pub(super) fn show(&mut self) {
        let now = clock::now();
        let Some(newest) = self.newest else { return };
        if self.next_frame.is_none_or(|due| due <= now) {
            self.next_frame = Some(now + FRAME);
            let usec = |at: Nanos| at.0 as f64 / 1e3;
            self.frames.extend([usec(now), usec(newest)]);
            self.frames
                .extend(motion::place(0, usec(newest)).to_array());
        }
    }

    /// What it says about a cell in which so many bytes went to and from the client in so long.
    ///
    /// # Errors
    /// When nothing came.
    pub(super) fn figures(
        mut self,
        cell: Cell,
        bytes: u64,
        span: Duration,
    ) -> Outcome<Vec<(Figure, f64)>> {
        if self.messages == 0 {
            return Err(Failure::new("nothing came to the first client"));
        }
        let per_object = self.messages as f64 / f64::from(cell.objects);
        let (error_mm, lag_ms) = Shown::new(&[0], &self.frames)?.error_p99_mm();
        let mut latency = |part| quantile(&mut self.latencies_ms, part);
        Ok(vec![
            (Figure::BytesPerUpdate, bytes as f64 / self.messages as f64),
            (Figure::UpdatesPerSecond, per_object / span.as_secs_f64()),
            (Figure::LatencyP50, latency(0.5)),
            (Figure::LatencyP95, latency(0.95)),
            (Figure::LatencyP99, latency(0.99)),
            (Figure::GapP99, quantile(&mut self.gaps_ms, 0.99)),
            (Figure::ErrorP99, error_mm),
            (Figure::Lag, lag_ms),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shared_out_among_messages_and_messages_among_objects() {
        let mut seen = Seen::default();
        for object in [0, 1, 0, 1] {
            seen.take(object, clock::now());
            seen.show();
        }
        let figures = seen
            .figures(Cell::lossless(2, 1), 400, Duration::from_secs(2))
            .unwrap();
        let of = |figure| {
            figures
                .iter()
                .find(|(other, _)| *other == figure)
                .map(|one| one.1)
        };
        assert_eq!(of(Figure::BytesPerUpdate), Some(100.0));
        assert_eq!(of(Figure::UpdatesPerSecond), Some(1.0));
        assert!(of(Figure::LatencyP99).is_some_and(|latency| latency >= 0.0));
        assert!(of(Figure::ErrorP99).is_some_and(|error_mm| error_mm < 1.0));
    }

    #[test]
    fn to_see_nothing_is_a_failure() {
        let figures = Seen::default().figures(Cell::lossless(1, 1), 0, Duration::from_secs(1));
        assert!(figures.is_err());
    }
}
