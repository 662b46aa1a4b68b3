//! etcd, to measure beside: the most used store that agrees by Raft.

mod client;
mod cluster;
mod put;

pub use client::EtcdClient;
pub use cluster::{EtcdCluster, EtcdPeers};
