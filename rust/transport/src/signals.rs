//! How other threads reach a driver.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

/// Tells a driver that its logic has work: the logic gets [`Event::Woken`](synced_protocol::link::Event::Woken) soon.
///
/// Made before the logic, so that whoever feeds the logic's queues can hold a clone. [`wake`](Self::wake) may be called from
/// any thread, the game's main thread too: it neither allocates nor waits for the driver. Calls before the driver
/// looks fall together into one event.
#[derive(Debug, Clone, Default)]
pub struct Waker(Arc<Notify>);

impl Waker {
    /// A waker that no driver listens to yet; a call made before one does is kept.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for [`Event::Woken`](synced_protocol::link::Event::Woken).
    pub fn wake(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.0.notified().await;
    }
}

/// Tells any number of drivers to come to an orderly end. Clones share one signal, which cannot be taken back.
#[derive(Debug, Clone)]
pub struct StopSignal(Arc<watch::Sender<bool>>);

impl StopSignal {
    /// A signal that has not been given.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Gives the signal and returns at once.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn stopped(&self) {
        // The sender is held by `self`, so that waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|stopped| *stopped).await;
    }
}

impl Default for StopSignal {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wake_before_anyone_listens_is_kept_and_many_become_one() {
        let waker = Waker::new();
        waker.wake();
        waker.wake();
        waker.woken().await;
        tokio::select! {
            biased;
            () = waker.woken() => panic!("the second wake was not merged into the first"),
            () = std::future::ready(()) => {}
        }
    }

    #[tokio::test]
    async fn a_stop_reaches_every_clone_before_and_after() {
        let signal = StopSignal::new();
        let early = tokio::spawn({
            let signal = signal.clone();
            async move { signal.stopped().await }
        });
        tokio::task::yield_now().await;
        signal.stop();
        early.await.unwrap();
        signal.clone().stopped().await;
    }
}
