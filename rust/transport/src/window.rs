//! The congestion window of the live connection: fixed.
//!
//! A controller that shrinks its window on loss holds datagrams back behind what is already in flight: at a round trip
//! of 100 ms and 1 % random loss that costs a live sample hundreds of milliseconds at the tail. A fixed window delays
//! nothing and loses just what the link loses.
//!
//! It is *not* congestion control, which RFC 9221 section 5.4 expects of whoever sends datagrams: the logic above must cap the
//! rate that it sends at, and lower it when [`TransportStats`](crate::TransportStats) shows loss.

use std::{any::Any, sync::Arc, time::Instant};

use quinn::congestion::{Controller, ControllerFactory};

/// A congestion window that nothing changes, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FixedWindow {
    pub(crate) bytes: u64,
}

impl Controller for FixedWindow {
    fn on_congestion_event(&mut self, _: Instant, _: Instant, _: bool, _: u64) {}

    fn on_mtu_update(&mut self, _: u16) {}

    fn window(&self) -> u64 {
        self.bytes
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(*self)
    }

    fn initial_window(&self) -> u64 {
        self.bytes
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl ControllerFactory for FixedWindow {
    fn build(self: Arc<Self>, _: Instant, _: u16) -> Box<dyn Controller> {
        Box::new(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_does_not_shrink_the_window() {
        let mut window = FixedWindow { bytes: 1000 };
        let now = Instant::now();
        window.on_congestion_event(now, now, true, 500);
        assert_eq!(window.window(), 1000);
    }
}
