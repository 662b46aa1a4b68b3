//! Players come, do things, are told things, and go.

use synced_protocol::{
    link::{ConnectionId, Event, Logic, Output},
    time::Micros,
};

use super::Run;
use crate::{
    check::{Promise, Violation},
    happening::{Happening, Host, Lane},
    system::{Op, Player, PlayerBoot, System},
};

/// How long a player's driver tries to reach a server.
const CONNECT_TIMEOUT: Micros = Micros::from_secs(2);

impl<S: System> Run<S> {
    pub(super) fn wake_player(&mut self, host: Host) -> Result<(), Violation> {
        self.seats[Self::seat_place(host)].wake = None;
        self.give_player(host, Event::Woken)
    }

    /// A player sits down, does something, or leaves.
    pub(super) fn act(&mut self, host: Host, life: u32) -> Result<(), Violation> {
        let now = self.now;
        let seat = &mut self.seats[Self::seat_place(host)];
        if seat.life != life {
            return Ok(());
        }
        let is_over = seat.logic.as_ref().is_none_or(Logic::is_finished);
        if is_over {
            self.sit_down(host);
        } else if now >= seat.leaves_at && !self.is_healing {
            let local = seat.clock.read(now);
            if let Some(logic) = &mut seat.logic {
                logic.leave(local);
            }
        } else {
            self.do_something(host);
        }
        self.give_player(host, Event::Woken)?;
        self.act_again(host);
        Ok(())
    }

    fn do_something(&mut self, host: Host) {
        let (now, op) = (self.now, Op(self.last_op + 1));
        let seat = &mut self.seats[Self::seat_place(host)];
        let local = seat.clock.read(now);
        if let Some(logic) = &mut seat.logic
            && logic.act(local, op, &mut self.chance.players)
        {
            self.last_op += 1;
            self.told.proposed(seat.number, op);
        }
    }

    fn sit_down(&mut self, host: Host) {
        self.last_number += 1;
        let boot = PlayerBoot {
            number: self.last_number,
            seed: self.chance.logic.any(),
        };
        let stay = Micros::from_millis(self.plan.players.stay_ms);
        let leaves_at = self.now + self.chance.players.exponential(stay);
        self.agenda.set_alarm(host.place(), None);
        let seat = &mut self.seats[Self::seat_place(host)];
        let number = seat.number;
        seat.end();
        seat.life += 1;
        seat.number = boot.number;
        seat.leaves_at = leaves_at;
        seat.logic = Some(self.system.player(boot));
        self.told.gone(number);
    }

    fn act_again(&mut self, host: Host) {
        let think = Micros::from_millis(self.plan.players.think_ms);
        let at = self.now + self.chance.players.exponential(think);
        let life = self.seats[Self::seat_place(host)].life;
        if at < self.acts_until() {
            self.agenda.schedule(at, Happening::Act { host, life });
        }
    }

    /// A player is gone without a word.
    pub(super) fn crash_player(&mut self, host: Host) {
        let (agenda, now) = (&mut self.agenda, self.now);
        agenda.set_alarm(host.place(), None);
        self.network.forget_host(agenda, now, host);
        let seat = &mut self.seats[Self::seat_place(host)];
        seat.end();
        seat.life += 1;
        let (life, number) = (seat.life, seat.number);
        self.told.gone(number);
        self.agenda.schedule(now, Happening::Act { host, life });
    }

    pub(super) fn disconnect_player(&mut self) -> Result<(), Violation> {
        let place = self.chance.faults.place(self.seats.len());
        let connections = self.seats[place].connections.values().copied();
        for number in connections.collect::<Vec<_>>() {
            self.lost(number, 0)?;
        }
        Ok(())
    }

    pub(super) fn give_player(&mut self, host: Host, event: Event) -> Result<(), Violation> {
        let now = self.now;
        self.report.mark(now.0 ^ u64::from(host.0) << 56);
        let seat = &mut self.seats[Self::seat_place(host)];
        let local = seat.clock.read(now);
        let Some(logic) = &mut seat.logic else {
            return Ok(());
        };
        logic.handle(local, event);
        self.drain_player(host);
        self.listen(host)
    }

    fn drain_player(&mut self, host: Host) {
        let place = Self::seat_place(host);
        while let Some(output) = self.seats[place]
            .logic
            .as_mut()
            .and_then(Logic::poll_output)
        {
            self.player_output(host, output);
        }
        let now = self.now;
        let seat = &mut self.seats[place];
        let deadline = seat.logic.as_ref().and_then(Logic::poll_deadline);
        if deadline != seat.wake {
            seat.wake = deadline;
            let at = deadline.map(|deadline| seat.clock.when(now, deadline));
            self.agenda.set_alarm(host.place(), at);
        }
    }

    fn player_output(&mut self, host: Host, output: Output) {
        let place = Self::seat_place(host);
        let (name, lane, bytes) = match output {
            Output::Frame { connection, bytes } => (connection, Lane::Frame, bytes),
            Output::Datagram { connection, bytes } => (connection, Lane::Datagram, bytes),
            Output::Connect { connection, to } => {
                let seat = &mut self.seats[place];
                seat.tries.insert(connection);
                let connect = Happening::Connect {
                    host,
                    life: seat.life,
                    name: connection,
                    to,
                    until: self.now + CONNECT_TIMEOUT,
                };
                return self.agenda.schedule(self.now, connect);
            }
            Output::Close { connection, code } => return self.close_own(host, connection, code),
        };
        if let Some(number) = self.seats[place].connections.get(&name).copied() {
            if lane == Lane::Frame && S::asks_in(&bytes) {
                self.told.asks_in(self.seats[place].number, number);
            }
            let (agenda, now) = (&mut self.agenda, self.now);
            self.network.send(agenda, now, (number, 0), lane, bytes);
        }
    }

    fn close_own(
        &mut self,
        host: Host,
        name: ConnectionId,
        code: synced_protocol::link::CloseCode,
    ) {
        let seat = &mut self.seats[Self::seat_place(host)];
        if let Some(number) = seat.connections.get(&name).copied() {
            return self.close_end((number, 0), code);
        }
        seat.tries.remove(&name);
        let life = seat.life;
        let gone = Happening::Gone {
            host,
            life,
            name,
            code,
        };
        self.agenda.schedule(self.now, gone);
    }

    /// Holds everything that a player was told against the history.
    fn listen(&mut self, host: Host) -> Result<(), Violation> {
        let place = Self::seat_place(host);
        let number = self.seats[place].number;
        let mut heard_any = false;
        while let Some(heard) = self.seats[place]
            .logic
            .as_mut()
            .and_then(Player::poll_heard)
        {
            heard_any = true;
            self.told.heard(&self.history, number, heard)?;
        }
        if !heard_any {
            return Ok(());
        }
        let view = self.seats[place].logic.as_ref().and_then(Player::view);
        let Some((index, digest)) = view else {
            return Ok(());
        };
        if index > self.history.last() {
            let last = self.history.last();
            let what = format!("player {number} sees {index} when {last} was the last committed");
            return Err(Violation::new(Promise::NothingEarly, what));
        }
        self.history.check_view(index, digest)
    }
}
