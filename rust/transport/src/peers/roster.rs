//! With which servers there is to be a connection, and who brings it up.

use std::collections::{BTreeMap, BTreeSet};

use synced_protocol::{id::ServerId, limits::MAX_SERVERS, peer::PeerAddress};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use super::dialer::{Dialer, Dialling};

/// The servers that the logic wants to be connected with.
#[derive(Debug)]
pub(super) struct Roster {
    me: ServerId,
    dialling: Dialling,
    wanted: BTreeMap<ServerId, Wanted>,
    /// The same for those who let others in.
    known: watch::Sender<BTreeSet<ServerId>>,
}

#[derive(Debug)]
struct Wanted {
    address: String,
    /// Where this side is the one to connect.
    dialer: Option<AbortHandle>,
}

impl Roster {
    pub(super) fn new(me: ServerId, dialling: Dialling) -> Self {
        Self {
            me,
            dialling,
            wanted: BTreeMap::new(),
            known: watch::Sender::new(BTreeSet::new()),
        }
    }

    /// Which servers may come in, now and later.
    pub(super) fn known(&self) -> watch::Receiver<BTreeSet<ServerId>> {
        self.known.subscribe()
    }

    pub(super) fn wants(&self, server: ServerId) -> bool {
        self.wanted.contains_key(&server)
    }

    /// Looks for these from now on, but for this server itself, in tasks of `tasks`; and gives those with which the connection
    /// is to end. Who is looked for at another address than before is connected to anew.
    pub(super) fn replace(
        &mut self,
        peers: Vec<PeerAddress>,
        tasks: &mut JoinSet<()>,
    ) -> Vec<ServerId> {
        let me = self.me;
        if peers.len() > MAX_SERVERS {
            tracing::error!(
                "the logic named {} servers; a cluster has at most {MAX_SERVERS}",
                peers.len()
            );
        }
        let others = peers.into_iter().filter(|peer| peer.server != me);
        let peers: BTreeMap<_, _> = others
            .take(MAX_SERVERS)
            .map(|peer| (peer.server, peer.address))
            .collect();
        let gone: Vec<_> = self
            .all()
            .filter(|server| !peers.contains_key(server))
            .collect();
        for server in &gone {
            self.forget(*server);
        }
        for (server, address) in peers {
            if self
                .wanted
                .get(&server)
                .is_none_or(|wanted| wanted.address != address)
            {
                self.forget(server);
                self.want(PeerAddress { server, address }, tasks);
            }
        }
        self.known.send_replace(self.all().collect());
        gone
    }

    /// Looks for nobody any more.
    pub(super) fn clear(&mut self) {
        for server in self.all().collect::<Vec<_>>() {
            self.forget(server);
        }
        self.known.send_replace(BTreeSet::new());
    }

    fn all(&self) -> impl Iterator<Item = ServerId> {
        self.wanted.keys().copied()
    }

    fn want(&mut self, peer: PeerAddress, tasks: &mut JoinSet<()>) {
        let (server, address) = (peer.server, peer.address.clone());
        let dials = self.me < server;
        let dialer = dials.then(|| tasks.spawn(Dialer::new(self.dialling.clone(), peer).run()));
        self.wanted.insert(server, Wanted { address, dialer });
    }

    fn forget(&mut self, server: ServerId) {
        let dialer = self.wanted.remove(&server).and_then(|wanted| wanted.dialer);
        dialer.iter().for_each(AbortHandle::abort);
    }
}
