//! A network of several hosts on this machine, and what breaks it.
//!
//! Each host is a network namespace of the kernel. A bridge in a namespace of its own joins them to each other and to the tests
//! themselves; faults are rules of nftables at that bridge, so that any number of them begin, or all end, at one instant. It needs
//! root, and a kernel that has both.

mod cluster;
mod faults;

use std::{
    ffi::OsStr,
    net::Ipv4Addr,
    path::PathBuf,
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{Failure, Outcome, folder};

pub use cluster::LanCluster;
use faults::Faults;

/// The exit code of scripts that cannot do their work on this machine.
const UNAVAILABLE: i32 = 3;
/// The most hosts of one network.
pub const HOSTS_MAX: u8 = 200;
/// The tests themselves, as one host of the network.
pub const HERE: u8 = 254;
const SUBNETS: u32 = 250;

/// How many networks this process has made: the kernel takes its time to forget one.
static MADE: AtomicU32 = AtomicU32::new(0);

/// Hosts from 1. They go when this is dropped.
#[derive(Debug)]
pub struct Lan {
    faults: Faults,
    namespaces: Namespaces,
    subnet: u8,
}

impl Lan {
    /// A network of so many hosts, at most [`HOSTS_MAX`]; `None` where this machine can have none, which it says.
    ///
    /// # Errors
    /// When it should have been possible, or must be: in continuous integration (`CI` is set).
    pub fn new(hosts: u8) -> Outcome<Option<Self>> {
        let Some(tools) = tools()? else {
            return Ok(None);
        };
        let (process, made) = (process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let namespaces = Namespaces {
            tools,
            name: format!("syn{process}n{made}"),
            hosts: hosts.min(HOSTS_MAX),
        };
        let subnet = (process.wrapping_add(made) % SUBNETS) as u8;
        namespaces.build(subnet)?;
        let nft = || namespaces.within(&namespaces.switch(), namespaces.tool("nft"));
        Ok(Some(Self {
            faults: Faults::begin(nft)?,
            namespaces,
            subnet,
        }))
    }

    /// Where a host is.
    #[must_use]
    pub const fn address(&self, host: u8) -> Ipv4Addr {
        address(self.subnet, host)
    }

    /// The same command on a host.
    #[must_use]
    pub fn on(&self, host: u8, command: &Command) -> Command {
        let namespace = self.namespaces.host(host);
        let mut wrapped = self.namespaces.within(&namespace, command.get_program());
        wrapped.args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(key, value),
                None => wrapped.env_remove(key),
            };
        }
        wrapped
    }

    /// Nothing from any of `from` reaches any of `to` any more; the other way is as it was.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn cut(&mut self, from: &[u8], to: &[u8]) -> Outcome {
        let pairs: Vec<_> = pairs(from, to).collect();
        let rules = pairs.into_iter().map(|(from, to)| self.between(from, to));
        let rules: Vec<_> = rules.collect();
        self.faults.add(&rules)
    }

    /// Nothing gets from one of these groups to another any more.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn part(&mut self, groups: &[&[u8]]) -> Outcome {
        let apart = (0..groups.len()).flat_map(|one| {
            let others = (0..groups.len()).filter(move |other| *other != one);
            others.flat_map(move |other| pairs(groups[one], groups[other]))
        });
        let rules: Vec<_> = apart.map(|(from, to)| self.between(from, to)).collect();
        self.faults.add(&rules)
    }

    /// Of a hundred packets that would reach one of these hosts, so many do not; at most 99.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn lose(&mut self, hosts: &[u8], percent: u8) -> Outcome {
        let rules = hosts.iter().map(|host| {
            let to = self.address(*host);
            format!("ip daddr {to} numgen random mod 100 < {percent} drop")
        });
        let rules: Vec<_> = rules.collect();
        self.faults.add(&rules)
    }

    /// All faults end.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn heal(&mut self) -> Outcome {
        self.faults.end_all()
    }

    fn between(&self, from: u8, to: u8) -> String {
        let [from, to] = [from, to].map(|host| self.address(host));
        format!("ip saddr {from} ip daddr {to} drop")
    }
}

const fn address(subnet: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 213, subnet, host)
}

fn pairs<'a>(from: &'a [u8], to: &'a [u8]) -> impl Iterator<Item = (u8, u8)> + 'a {
    let to_all = |from: u8| to.iter().map(move |to| (from, *to));
    from.iter().copied().flat_map(to_all)
}

/// What a network is made of. What stands in a namespace goes with it.
#[derive(Debug)]
struct Namespaces {
    tools: PathBuf,
    name: String,
    hosts: u8,
}

impl Namespaces {
    fn build(&self, subnet: u8) -> Outcome {
        let (name, switch) = (self.name.as_str(), self.switch());
        self.ip(["netns", "add", &switch])?;
        self.ip([
            "-n",
            &switch,
            "link",
            "add",
            "bridge",
            "type",
            "bridge",
            "forward_delay",
            "0",
        ])?;
        self.ip(["-n", &switch, "link", "set", "bridge", "up"])?;
        self.ip([
            "link", "add", name, "type", "veth", "peer", "name", "here", "netns", &switch,
        ])?;
        self.ip(["address", "add", &place(subnet, HERE), "dev", name])?;
        self.ip(["link", "set", name, "up"])?;
        self.plug("here")?;
        (1..=self.hosts).try_for_each(|host| self.build_host(subnet, host))
    }

    fn build_host(&self, subnet: u8, host: u8) -> Outcome {
        let (namespace, port) = (self.host(host), format!("host{host}"));
        self.ip(["netns", "add", &namespace])?;
        self.ip([
            "-n",
            &namespace,
            "link",
            "add",
            "eth0",
            "type",
            "veth",
            "peer",
            "name",
            &port,
            "netns",
            &self.switch(),
        ])?;
        self.plug(&port)?;
        let address = place(subnet, host);
        self.ip(["-n", &namespace, "address", "add", &address, "dev", "eth0"])?;
        self.ip(["-n", &namespace, "link", "set", "eth0", "up"])?;
        self.ip(["-n", &namespace, "link", "set", "lo", "up"])
    }

    /// Joins a port to the bridge.
    fn plug(&self, port: &str) -> Outcome {
        let switch = self.switch();
        self.ip(["-n", &switch, "link", "set", port, "master", "bridge", "up"])
    }

    fn switch(&self) -> String {
        format!("{}s", self.name)
    }

    fn host(&self, host: u8) -> String {
        format!("{}h{host}", self.name)
    }

    fn tool(&self, name: &str) -> PathBuf {
        self.tools.join(name)
    }

    fn within(&self, namespace: &str, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(self.tool("ip"));
        command.args(["netns", "exec", namespace]).arg(program);
        command
    }

    fn ip<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        run(Command::new(self.tool("ip")).args(arguments))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // What was never made cannot be deleted.
        for host in 1..=self.hosts {
            let _ = self.ip(["netns", "delete", &self.host(host)]);
        }
        let _ = self.ip(["netns", "delete", &self.switch()]);
        let _ = self.ip(["link", "delete", &self.name]);
    }
}

fn place(subnet: u8, host: u8) -> String {
    format!("{}/24", address(subnet, host))
}

/// Where the programs are that make networks.
fn tools() -> Outcome<Option<PathBuf>> {
    let script = folder::repository().join("scripts/setup-network");
    let output = Command::new(&script)
        .output()
        .map_err(Failure::of(format!("cannot run {}", script.display())))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => {
            let folder = String::from_utf8_lossy(&output.stdout);
            Ok(Some(PathBuf::from(folder.trim())))
        }
        Some(UNAVAILABLE) if std::env::var_os("CI").is_none() => {
            println!("NOT CHECKED, since there is no network to break: {said}");
            Ok(None)
        }
        _ => Err(Failure::new("no network of several hosts").with("setup-network says", &said)),
    }
}

fn run(command: &mut Command) -> Outcome {
    let output = command
        .output()
        .map_err(Failure::of(format!("cannot run {command:?}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("{command:?} ended with {}", output.status)).with("it says", &said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(lan: &Lan, from: u8, to: u8) -> bool {
        let script = format!("exec 3<>/dev/tcp/{}/9", lan.address(to));
        let mut command = Command::new("timeout");
        command.args(["0.5", "bash", "-c", &script]);
        if from != HERE {
            command = lan.on(from, &command);
        }
        let output = command.output().unwrap();
        // Nobody listens there: whoever is reached says so.
        String::from_utf8_lossy(&output.stderr).contains("refused")
    }

    #[test]
    fn hosts_reach_each_other_until_they_are_cut_off_and_again_when_that_is_healed() {
        let Some(mut lan) = Lan::new(3).unwrap() else {
            return;
        };
        assert!(reaches(&lan, 1, 2) && reaches(&lan, 2, 1) && reaches(&lan, HERE, 1));
        lan.part(&[&[1], &[2, 3, HERE]]).unwrap();
        assert!(!reaches(&lan, 1, 2) && !reaches(&lan, 2, 1) && !reaches(&lan, HERE, 1));
        assert!(reaches(&lan, 2, 3) && reaches(&lan, HERE, 3));
        lan.heal().unwrap();
        assert!(reaches(&lan, 1, 2) && reaches(&lan, HERE, 1));
        // The answer is what does not come.
        lan.cut(&[2], &[1]).unwrap();
        assert!(!reaches(&lan, 1, 2) && reaches(&lan, 3, 1));
        lan.heal().unwrap();
        lan.lose(&[1], 99).unwrap();
        assert!(!(0..5).all(|_| reaches(&lan, 2, 1)) && reaches(&lan, 2, 3));
        let refused = lan.faults.add(&["nonsense".to_owned()]).unwrap_err();
        assert!(refused.to_string().contains("nonsense"), "{refused}");
        lan.heal().unwrap();
        assert!(reaches(&lan, 2, 1));
    }
}
