//! Servers of a cluster whose logic a test plays by hand.

use std::{
    collections::VecDeque,
    fmt, fs,
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::SystemTime,
};

use bytes::Bytes;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use synced_protocol::{
    id::ServerId,
    link::{Event, Logic, Output},
    peer::{PeerAddress, PeerEvent, PeerLogic, PeerOutput},
    time::Micros,
};
use synced_transport::{
    ClusterEndpoint, Disk, Handle, PeerConfig, ServerConfig, Waker,
    cluster::{
        AUTHORITY_FILE, AUTHORITY_KEY_FILE, Authority, Credentials, OPERATOR_FILES, SERVER_FILES,
    },
};

use super::{PATIENCE, disk::MemoryDisk, loopback, raw::TempDir};

/// The authority of a cluster, and credentials from it.
pub(crate) struct Cluster {
    pub(crate) authority: Authority,
    pub(crate) dir: TempDir,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        Self::called("cups")
    }

    pub(crate) fn called(name: &str) -> Self {
        let dir = TempDir::new();
        Self {
            authority: Authority::create(&dir.0, &name.parse().unwrap()).unwrap(),
            dir,
        }
    }

    pub(crate) fn credentials(&self, server: u16) -> Credentials {
        Credentials::issued(&self.authority.server(ServerId(server), &[]).unwrap()).unwrap()
    }

    pub(crate) fn operator(&self) -> Credentials {
        Credentials::issued(&self.authority.operator().unwrap()).unwrap()
    }

    /// The folder with the files of a server, for those who play one by hand.
    pub(crate) fn server_files(&self, server: u16) -> std::path::PathBuf {
        let dir = self.dir.0.join(format!("server-{server}"));
        if !dir.exists() {
            let issued = self.authority.server(ServerId(server), &[]).unwrap();
            issued.write(&dir, SERVER_FILES).unwrap();
        }
        dir
    }

    /// As [`server_files`](Self::server_files), for a certificate that is good until then.
    pub(crate) fn server_files_until(&self, server: u16, until: SystemTime) -> std::path::PathBuf {
        let cluster = self.authority.cluster();
        let mut of_authority = named(&format!("authority.{cluster}.synced"));
        of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = fs::read_to_string(self.dir.0.join(AUTHORITY_KEY_FILE)).unwrap();
        let issuer = Issuer::new(of_authority, KeyPair::from_pem(&key).unwrap());
        let mut of_server = named(&format!("server-{server}.{cluster}.synced"));
        of_server.not_after = until.into();
        of_server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let own_key = KeyPair::generate().unwrap();
        let certificate = of_server.signed_by(&own_key, &issuer).unwrap();
        let authority = fs::read_to_string(self.dir.0.join(AUTHORITY_FILE)).unwrap();
        let since_epoch = until.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let dir = self.dir.0.join(format!("until-{}", since_epoch.as_secs()));
        fs::create_dir(&dir).unwrap();
        let chain = certificate.pem() + &authority;
        fs::write(dir.join(SERVER_FILES.certificate), chain).unwrap();
        fs::write(dir.join(SERVER_FILES.key), own_key.serialize_pem()).unwrap();
        dir
    }

    pub(crate) fn operator_files(&self) -> std::path::PathBuf {
        let dir = self.dir.0.join("operator");
        let issued = self.authority.operator().unwrap();
        issued.write(&dir, OPERATOR_FILES).unwrap();
        dir
    }

    pub(crate) fn peer_config(&self, server: u16) -> PeerConfig {
        PeerConfig::new(loopback(), self.credentials(server))
    }

    pub(crate) fn start(&self, server: u16) -> Server {
        Server::start(self.peer_config(server), MemoryDisk::default())
    }

    /// Two servers that are connected.
    pub(crate) fn pair(&self) -> (Server, Server) {
        let (one, two) = (self.start(1), self.start(2));
        meet(&one, &two);
        (one, two)
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Makes two servers know each other and waits until they are connected.
pub(crate) fn meet(one: &Server, two: &Server) {
    two.knows(&[one.address()]);
    one.knows(&[two.address()]);
    one.up();
    two.up();
}

/// What a server's logic was told.
pub(crate) enum Heard {
    Player(Event),
    Peer(PeerEvent),
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Player(event) => event.fmt(f),
            Self::Peer(event) => event.fmt(f),
        }
    }
}

#[derive(Default)]
struct Script {
    peer: VecDeque<PeerOutput>,
    player: VecDeque<Output>,
}

pub(crate) type Answer = fn(&PeerEvent) -> Option<PeerOutput>;

/// A logic that shows what it is told, and does what the test says.
pub(crate) struct Puppet {
    heard: mpsc::Sender<Heard>,
    script: Arc<Mutex<Script>>,
    answer: Answer,
}

impl Logic for Puppet {
    fn handle(&mut self, _: Micros, event: Event) {
        if !matches!(event, Event::Woken) {
            let _ = self.heard.send(Heard::Player(event));
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.script.lock().unwrap().player.pop_front()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        None
    }

    fn is_finished(&self) -> bool {
        false
    }
}

impl PeerLogic for Puppet {
    fn handle_peer(&mut self, _: Micros, event: PeerEvent) {
        let answer = (self.answer)(&event);
        self.script.lock().unwrap().peer.extend(answer);
        let _ = self.heard.send(Heard::Peer(event));
    }

    fn poll_peer_output(&mut self) -> Option<PeerOutput> {
        self.script.lock().unwrap().peer.pop_front()
    }
}

/// The test's end of a server.
pub(crate) struct Server {
    pub(crate) id: ServerId,
    pub(crate) handle: Handle<Puppet>,
    pub(crate) peer_addr: SocketAddr,
    pub(crate) players_addr: SocketAddr,
    pub(crate) stats: Arc<synced_transport::TransportStats>,
    heard: mpsc::Receiver<Heard>,
    script: Arc<Mutex<Script>>,
    waker: Waker,
}

impl Server {
    pub(crate) fn start(config: PeerConfig, disk: impl Disk + Send + 'static) -> Self {
        Self::answering(config, disk, |_| None)
    }

    pub(crate) fn answering(
        config: PeerConfig,
        disk: impl Disk + Send + 'static,
        answer: Answer,
    ) -> Self {
        let synced_transport::cluster::Holder::Server(id) = config.credentials.holder() else {
            panic!("not a server");
        };
        let players = ServerConfig::new(loopback(), config.credentials.identity().clone());
        let endpoint = ClusterEndpoint::bind(players, config).unwrap();
        let (sender, heard) = mpsc::channel();
        let (script, waker) = (Arc::<Mutex<Script>>::default(), Waker::new());
        let puppet = Puppet {
            heard: sender,
            script: script.clone(),
            answer,
        };
        Self {
            id,
            peer_addr: endpoint.peer_addr(),
            players_addr: endpoint.players().local_addr(),
            stats: endpoint.peer_stats(),
            handle: endpoint.spawn(puppet, disk, waker.clone()).unwrap(),
            heard,
            script,
            waker,
        }
    }

    pub(crate) fn address(&self) -> PeerAddress {
        self.address_at(self.peer_addr)
    }

    pub(crate) fn address_at(&self, address: SocketAddr) -> PeerAddress {
        PeerAddress {
            server: self.id,
            address: address.to_string(),
        }
    }

    pub(crate) fn does(&self, output: PeerOutput) {
        self.does_all([output]);
    }

    pub(crate) fn does_all(&self, outputs: impl IntoIterator<Item = PeerOutput>) {
        self.script.lock().unwrap().peer.extend(outputs);
        self.waker.wake();
    }

    pub(crate) fn does_to_players(&self, output: Output) {
        self.script.lock().unwrap().player.push_back(output);
        self.waker.wake();
    }

    pub(crate) fn knows(&self, peers: &[PeerAddress]) {
        let peers = peers.to_vec();
        self.does(PeerOutput::Connect { peers });
    }

    pub(crate) fn sends<B: Into<Bytes>>(&self, server: ServerId, bytes: B) {
        let bytes = bytes.into();
        self.does(PeerOutput::Frame { server, bytes });
    }

    pub(crate) fn sends_bulk<B: Into<Bytes>>(&self, server: ServerId, bytes: B) {
        let bytes = bytes.into();
        self.does(PeerOutput::Bulk { server, bytes });
    }

    pub(crate) fn casts(&self, server: ServerId, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.does(PeerOutput::Datagram { server, bytes });
    }

    pub(crate) fn next(&self) -> Heard {
        self.heard.recv_timeout(PATIENCE).expect("nothing happened")
    }

    pub(crate) fn next_of_peers(&self) -> PeerEvent {
        match self.next() {
            Heard::Peer(event) => event,
            Heard::Player(event) => panic!("expected something of a peer, saw {event:?}"),
        }
    }

    pub(crate) fn heard_meanwhile(&self) -> Vec<Heard> {
        self.heard.try_iter().collect()
    }

    pub(crate) fn up(&self) -> ServerId {
        match self.next_of_peers() {
            PeerEvent::Up { server } => server,
            other => panic!("expected a connection, saw {other:?}"),
        }
    }

    pub(crate) fn down(&self) -> ServerId {
        match self.next_of_peers() {
            PeerEvent::Down { server } => server,
            other => panic!("expected the end of a connection, saw {other:?}"),
        }
    }

    pub(crate) fn frame(&self) -> Bytes {
        match self.next_of_peers() {
            PeerEvent::Frame { bytes, .. } => bytes,
            other => panic!("expected a frame, saw {other:?}"),
        }
    }

    pub(crate) fn bulk(&self) -> Bytes {
        match self.next_of_peers() {
            PeerEvent::Bulk { bytes, .. } => bytes,
            other => panic!("expected a bulk frame, saw {other:?}"),
        }
    }

    pub(crate) fn datagram(&self) -> Bytes {
        match self.next_of_peers() {
            PeerEvent::Datagram { bytes, .. } => bytes,
            other => panic!("expected a datagram, saw {other:?}"),
        }
    }

    /// How many connections it has refused, once there are so many.
    pub(crate) fn has_refused(&self, count: u64) {
        let begin = std::time::Instant::now();
        while self.stats.counters().refused < count {
            assert!(begin.elapsed() < PATIENCE, "nobody was refused");
            thread::yield_now();
        }
    }

    pub(crate) fn join(self) -> Vec<Heard> {
        self.handle.join().unwrap();
        self.heard.iter().collect()
    }
}
