//! The end of a server.

use synced_protocol::{link::CloseCode, time::Micros};

use crate::{cluster::config::HANDOVER_MAX, log::Log, node::Node, timers::Timer};

impl<L: Log> Node<L> {
    /// Tells everybody that the server is stopping, and handles nothing any more.
    pub fn stop(&mut self) {
        self.finished = true;
        let code = CloseCode::ServerStopping;
        for connection in std::mem::take(&mut self.connections).into_keys() {
            self.outbox.close(connection, code);
        }
    }

    /// Stops, after another server has taken over if there is one: that takes a moment, and no longer than
    /// [`HANDOVER_MAX`]. Players are told who leads then.
    pub fn begin_stop(&mut self, now: Micros) {
        if !self.leads || !self.log.hand_over() {
            return self.stop();
        }
        let by = now + HANDOVER_MAX;
        self.stops_by = Some(by);
        self.timers.set(by, Timer::Stop);
    }

    pub(crate) fn stop_if_handed_over(&mut self) {
        if self.stops_by.is_some() && !self.leads && self.log.leader().leader.is_some() {
            self.stop();
        }
    }
}
