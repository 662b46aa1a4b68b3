//! A cluster whose servers are on hosts of their own.

use std::path::Path;

use super::{HOSTS_MAX, Lan};
use crate::{
    Outcome,
    cluster::{ClusterOptions, SyncedCluster},
};

/// Where every server listens, for players; for the others it is a port of its own.
const PORT: u16 = 4870;

/// The cluster's server 1 is on host 1 of the network, and so on. Players are outside, and reach them all.
#[derive(Debug)]
pub struct LanCluster {
    /// The servers, which end before their network does.
    pub cluster: SyncedCluster,
    /// What joins them.
    pub lan: Lan,
}

impl LanCluster {
    /// Makes a network and a cluster in it, starts all servers and waits until one leads; `None` where this machine can have no such
    /// network, which it says.
    ///
    /// # Errors
    /// When it should have been possible.
    pub fn start(folder: &Path, options: ClusterOptions) -> Outcome<Option<Self>> {
        let hosts = u8::try_from(options.count()).unwrap_or(HOSTS_MAX);
        let Some(lan) = Lan::new(hosts)? else {
            return Ok(None);
        };
        let addresses = (1..=hosts).map(|host| lan.address(host).to_string());
        let options = options.on_hosts(addresses.collect(), PORT);
        let mut cluster = SyncedCluster::found(folder, &options)?;
        for host in 1..=hosts {
            let server = u16::from(host);
            let command = lan.on(host, &cluster.serve(server)?);
            cluster.run_by(server, command)?;
        }
        cluster.leader()?;
        Ok(Some(Self { cluster, lan }))
    }
}
