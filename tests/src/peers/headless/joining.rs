//! How clients come to a server, each by its own way.

use std::{
    net::SocketAddr,
    ops::Range,
    thread,
    time::{Duration, Instant},
};

use super::{Client, Member, Running, RunningCrowd, Session};
use crate::{Failure, Outcome, relay::Relay};

/// How long a client may take until it is connected.
const JOIN_TIME_MAX: Duration = Duration::from_secs(5);

impl Session {
    /// Lets so many clients of a server `join`, each of whom is told its number and the address that it reaches it at.
    pub(super) fn with_clients<C: Client + 'static>(
        self,
        server: SocketAddr,
        mover: impl Member + 'static,
        clients: u32,
        join: impl Fn(u32, SocketAddr) -> Outcome<C>,
    ) -> Outcome<Running> {
        let clients = (0..clients).map(|number| {
            let client = join(number, way_of(number, &self.relay, server))?;
            Ok(Box::new(client) as Box<dyn Client>)
        });
        Ok(Running {
            clients: clients.collect::<Outcome<_>>()?,
            mover: Box::new(mover),
            session: self,
        })
    }

    /// The same with clients who are told the object that each of them moves, too.
    pub(super) fn with_crowd<M: Member + 'static>(
        self,
        server: SocketAddr,
        clients: u32,
        join: impl Fn(u32, SocketAddr, Range<u32>) -> Outcome<M>,
    ) -> Outcome<RunningCrowd> {
        let members = (0..clients).map(|number| {
            let by = way_of(number, &self.relay, server);
            let member = join(number, by, object_of(number, clients))?;
            Ok(Box::new(member) as Box<dyn Member>)
        });
        Ok(RunningCrowd {
            members: members.collect::<Outcome<_>>()?,
            session: self,
        })
    }
}

/// Where a client of this number reaches a server: the first one by the relay.
pub(super) const fn way_of(number: u32, relay: &Relay, server: SocketAddr) -> SocketAddr {
    if number == 0 { relay.address() } else { server }
}

/// The one object that a client of a crowd moves: the first client sees the object that is looked at.
pub(super) const fn object_of(number: u32, clients: u32) -> Range<u32> {
    let object = (number + clients - 1) % clients;
    object..object + 1
}

/// Waits until a client is connected to a server, which is driven by its own thread; whoever asks drives the client.
pub(super) fn until_connected(
    library: &str,
    mut is_connected: impl FnMut() -> Outcome<bool>,
) -> Outcome {
    let deadline = Instant::now() + JOIN_TIME_MAX;
    while !is_connected()? {
        if Instant::now() > deadline {
            return Err(Failure::new(format!("{library}: a client cannot connect")));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
