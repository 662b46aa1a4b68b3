//! Several etcds that agree.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{Failure, Outcome, process::Process};

/// How long it may take until one leads.
const START_TIME_MAX: Duration = Duration::from_secs(60);
/// How often that is asked.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// How long an answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);

/// How etcds speak with each other; with clients they speak in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EtcdPeers {
    /// As it is by default.
    Clear,
    /// By TLS, with certificates that each makes for itself.
    Tls,
}

/// Running etcds. They are killed when dropped.
#[derive(Debug)]
pub struct EtcdCluster {
    members: Vec<Process>,
    addresses: Vec<SocketAddr>,
}

impl EtcdCluster {
    /// Starts `count` of `program`, with its own defaults but for how they speak with each other, each with its data and log in
    /// `folder`.
    ///
    /// # Errors
    /// When they do not start.
    pub fn start(program: &Path, folder: &Path, count: usize, among: EtcdPeers) -> Outcome<Self> {
        let ports = free_ports(2 * count)?;
        let peer_url = |port: &u16| among.url(*port);
        let peers: Vec<String> = ports[count..]
            .iter()
            .enumerate()
            .map(|(place, port)| format!("m{place}={}", peer_url(port)))
            .collect();
        let mut members = Vec::new();
        for place in 0..count {
            let client = EtcdPeers::Clear.url(ports[place]);
            let peer = peer_url(&ports[count + place]);
            let name = format!("m{place}");
            let mut command = Command::new(program);
            if among == EtcdPeers::Tls {
                command.arg("--peer-auto-tls");
            }
            command
                .args(["--name", &name, "--log-level", "error"])
                .args(["--initial-cluster", &peers.join(",")])
                .args(["--initial-cluster-state", "new"])
                .args(["--listen-client-urls", &client])
                .args(["--advertise-client-urls", &client])
                .args(["--listen-peer-urls", &peer])
                .args(["--initial-advertise-peer-urls", &peer])
                .arg("--data-dir")
                .arg(folder.join(&name));
            let log = folder.join(format!("{name}.log"));
            members.push(Process::spawn(&format!("etcd {name}"), &mut command, &log)?);
        }
        let address = |port: &u16| SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
        Ok(Self {
            members,
            addresses: ports[..count].iter().map(address).collect(),
        })
    }

    /// Waits until one leads, and gives its address for clients.
    ///
    /// # Errors
    /// When the time is over, or a member has ended.
    pub fn leader(&mut self) -> Outcome<SocketAddr> {
        let deadline = Instant::now() + START_TIME_MAX;
        loop {
            let leads = |address: &&SocketAddr| leads(**address).unwrap_or(false);
            if let Some(leader) = self.addresses.iter().find(leads) {
                return Ok(*leader);
            }
            for member in &mut self.members {
                if let Some(status) = member.try_wait()? {
                    return Err(member.failure(&format!("ended with {status}")));
                }
            }
            if Instant::now() > deadline {
                return Err(self.members[0].failure("no etcd leads"));
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Their numbers in the system.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        self.members.iter().map(Process::id).collect()
    }
}

impl EtcdPeers {
    fn url(self, port: u16) -> String {
        match self {
            Self::Clear => format!("http://127.0.0.1:{port}"),
            Self::Tls => format!("https://127.0.0.1:{port}"),
        }
    }
}

/// Whether an etcd says of itself that it leads.
fn leads(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIME_MAX)?;
    stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().any(|line| line == "etcd_server_is_leader 1"))
}

/// Ports that nobody listens at. They are given back before they are used, and somebody else may be quicker.
fn free_ports(count: usize) -> Outcome<Vec<u16>> {
    let bound: std::io::Result<Vec<_>> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect();
    let ports = bound.and_then(|listeners| {
        listeners
            .iter()
            .map(|listener| listener.local_addr().map(|address| address.port()))
            .collect()
    });
    ports.map_err(Failure::of("no free port"))
}
