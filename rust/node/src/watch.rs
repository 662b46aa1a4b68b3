//! Peers who are told who leads.

use synced_protocol::{
    control,
    link::{CloseCode, ConnectionId},
    message::{ClientMessage, Leader, ServerMessage},
    time::Micros,
};

use crate::{config::ASK_AGAIN_AFTER, connection::Stage, log::Log, node::Node, timers::Timer};

impl<L: Log> Node<L> {
    /// A frame of a peer that watches. It may have been served until just now, and what it proposed then is decided by whoever
    /// leads, once it comes again.
    pub(crate) fn on_watcher(
        &mut self,
        now: Micros,
        id: ConnectionId,
        frame: &[u8],
    ) -> Result<(), CloseCode> {
        match control::decode(frame).map_err(|_| CloseCode::Malformed)? {
            ClientMessage::Hello(hello) => {
                self.charge_question(now, id)?;
                self.take_hello(now, id, hello)
            }
            ClientMessage::Watch => {
                self.charge_question(now, id)?;
                self.watch(now, id);
                Ok(())
            }
            ClientMessage::Leave => Err(CloseCode::Done),
            ClientMessage::Propose { .. } | ClientMessage::Interest { .. } => Ok(()),
        }
    }

    /// Who asks again and again is cut off.
    pub(crate) fn charge_question(
        &mut self,
        now: Micros,
        id: ConnectionId,
    ) -> Result<(), CloseCode> {
        let connection = self.connections.get_mut(&id);
        let may = connection.is_some_and(|it| it.allowances.questions.take(now, 1));
        if may {
            Ok(())
        } else {
            Err(CloseCode::Flooding)
        }
    }

    /// Tells a peer who leads, now and from now on.
    pub(crate) fn watch(&mut self, now: Micros, id: ConnectionId) {
        self.set_stage(id, Stage::Watching);
        self.tell(now, id);
    }

    /// Sends a peer elsewhere, or asks it to come again: this server cannot serve it now.
    pub(crate) fn redirect(&mut self, now: Micros, id: ConnectionId) {
        self.meter.counters.redirects += 1;
        self.has_to_tell |= self.leads;
        self.watch(now, id);
    }

    /// Asks a peer to come again that has seen what this server does not know.
    pub(crate) fn put_off(&mut self, now: Micros, id: ConnectionId) {
        self.meter.counters.redirects += 1;
        self.set_stage(id, Stage::Watching);
        let nobody = Leader {
            leader: None,
            ..self.log.leader()
        };
        self.say(now, id, &ServerMessage::Leader(nobody));
        self.timers.set(now + ASK_AGAIN_AFTER, Timer::Tell(id));
    }

    /// Tells a peer that watches who leads.
    pub(crate) fn tell(&mut self, now: Micros, id: ConnectionId) {
        let connection = self.connections.get(&id);
        if connection.is_some_and(|connection| connection.stage == Stage::Watching) {
            let leader = self.who_leads(now);
            self.say(now, id, &ServerMessage::Leader(leader));
        }
    }

    /// Tells everybody who watches, if there is something to tell; that it leads, a server says once it can serve.
    pub(crate) fn tell_those_who_watch(&mut self, now: Micros) {
        if !self.has_to_tell || (self.leads && !self.log.holds_lease(now)) {
            return;
        }
        self.has_to_tell = false;
        let connections = self.connections.iter();
        let watching: Vec<_> = connections
            .filter(|(_, connection)| connection.stage == Stage::Watching)
            .map(|(&id, _)| id)
            .collect();
        watching.into_iter().for_each(|id| self.tell(now, id));
    }

    /// Sends a message that stands for itself, the first one with the preface.
    pub(crate) fn say(&mut self, now: Micros, id: ConnectionId, message: &ServerMessage) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let frame = if connection.is_answered {
            control::encode(message)
        } else {
            control::encode_first(message)
        };
        connection.is_answered = true;
        if let Ok(frame) = frame {
            self.send(now, id, frame);
        }
    }

    /// A server without its lease does not know whether it leads still.
    fn who_leads(&self, now: Micros) -> Leader {
        let leader = self.log.leader();
        let me = leader.leader == Some(leader.from);
        Leader {
            leader: leader.leader.filter(|_| !me || self.serves(now)),
            ..leader
        }
    }
}
