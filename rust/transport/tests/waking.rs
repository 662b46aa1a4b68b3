//! When a logic is woken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

use std::sync::mpsc;

use synced_protocol::{
    link::{Event, Logic, Output},
    time::Micros,
};
use synced_transport::{
    ClientConfig, ClientEndpoint, Handle, Waker, clock, limits::WAKE_INTERVAL_MIN,
};

/// A logic that wants to be woken at one time and shows the times at which it was.
struct Sleeper {
    deadline: Option<Micros>,
    woken: mpsc::Sender<Micros>,
}

impl Logic for Sleeper {
    fn handle(&mut self, now: Micros, event: Event) {
        assert!(matches!(event, Event::Woken), "{event:?}");
        let _ = self.woken.send(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        None
    }

    fn poll_deadline(&self) -> Option<Micros> {
        self.deadline
    }

    fn is_finished(&self) -> bool {
        false
    }
}

fn sleep(deadline: Option<Micros>, waker: &Waker) -> (Handle<Sleeper>, mpsc::Receiver<Micros>) {
    let config = ClientConfig::new("localhost".parse().unwrap());
    let (woken, times) = mpsc::channel();
    let sleeper = Sleeper { deadline, woken };
    let handle = ClientEndpoint::new(config)
        .unwrap()
        .spawn(sleeper, waker.clone());
    (handle.unwrap(), times)
}

#[test]
fn a_logic_is_woken_when_its_deadline_has_passed_and_not_before() {
    let deadline = clock::now() + Micros::from_millis(20);
    let (_handle, times) = sleep(Some(deadline), &Waker::new());
    assert!(times.recv().unwrap() >= deadline);
}

#[test]
fn a_logic_whose_deadline_stays_in_the_past_does_not_spin() {
    let (_handle, times) = sleep(Some(Micros::ZERO), &Waker::new());
    let times: Vec<_> = times.iter().take(20).collect();
    for pair in times.windows(2) {
        assert!(pair[1].since(pair[0]) >= WAKE_INTERVAL_MIN, "{times:?}");
    }
}

#[test]
fn a_logic_without_a_deadline_is_woken_by_each_ring_from_another_thread_also_by_one_before_its_start()
 {
    let waker = Waker::new();
    waker.wake();
    let (_handle, times) = sleep(None, &waker);
    for _ in 0..3 {
        times.recv().unwrap();
        assert!(times.try_recv().is_err());
        waker.wake();
    }
}
