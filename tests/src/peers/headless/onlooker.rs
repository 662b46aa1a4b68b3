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
    peers::{Cell, Figure, shown::quantile},
};

/// How often it looks.
const POLL: Duration = Duration::from_micros(500);

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
            while !stop.load(Ordering::Relaxed) {
                look(clients, &shared)?;
                thread::sleep(POLL);
            }
            Ok(())
        });
        Self { seen, thread }
    }

    /// Forgets what came so far.
    pub(super) fn count_from_now(&self) {
        self.counted();
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

fn look(clients: &mut [Box<dyn Client>], seen: &Mutex<Seen>) -> Outcome {
    let Some((first, others)) = clients.split_first_mut() else {
        return Ok(());
    };
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    first.receive(&mut |object, sent| seen.take(object, sent))?;
    drop(seen);
    for client in others {
        client.receive(&mut |_, _| {})?;
    }
    Ok(())
}

impl Seen {
    fn take(&mut self, object: u32, sent: Nanos) {
        let now = clock::now();
        self.messages += 1;
        self.latencies_ms.push(1e3 * now.seconds_since(sent));
        if object == 0
            && let Some(last) = self.last.replace(now)
        {
            self.gaps_ms.push(1e3 * now.seconds_since(last));
        }
    }

    /// What it says about a cell in which so many bytes went to and from the client in so long.
    pub(super) fn figures(mut self, cell: Cell, bytes: u64, span: Duration) -> Vec<(Figure, f64)> {
        let per_object = self.messages as f64 / f64::from(cell.objects);
        let mut latency = |part| quantile(&mut self.latencies_ms, part);
        vec![
            (Figure::BytesPerUpdate, bytes as f64 / self.messages as f64),
            (Figure::UpdatesPerSecond, per_object / span.as_secs_f64()),
            (Figure::LatencyP50, latency(0.5)),
            (Figure::LatencyP95, latency(0.95)),
            (Figure::LatencyP99, latency(0.99)),
            (Figure::GapP99, quantile(&mut self.gaps_ms, 0.99)),
        ]
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
        }
        let figures = seen.figures(Cell::lossless(2, 1), 400, Duration::from_secs(2));
        let of = |figure| {
            figures
                .iter()
                .find(|(other, _)| *other == figure)
                .map(|one| one.1)
        };
        assert_eq!(of(Figure::BytesPerUpdate), Some(100.0));
        assert_eq!(of(Figure::UpdatesPerSecond), Some(1.0));
        assert!(of(Figure::LatencyP99).is_some_and(|latency| latency >= 0.0));
    }
}
