//! A network of several hosts on this machine, and what breaks it.
//!
//! Each host is a network namespace of the kernel, joined to the others and to the tests themselves by a bridge; faults are rules
//! of nftables. That needs root, and a kernel that has both.

use std::{
    ffi::OsStr,
    net::Ipv4Addr,
    path::PathBuf,
    process::{self, Command},
};

use crate::{Failure, Outcome, folder};

/// The exit code of scripts that cannot do their work on this machine.
const UNAVAILABLE: i32 = 3;
/// Where the tests themselves are in the network.
const OWN_PLACE: u8 = 254;

/// Hosts from 1. They go when this is dropped.
#[derive(Debug)]
pub struct Lan {
    tools: PathBuf,
    name: String,
    subnet: u8,
    hosts: u8,
}

impl Lan {
    /// A network of so many hosts, at most 200; `None` where this machine can have none, which it says.
    ///
    /// # Errors
    /// When it should have been possible, or must be: in continuous integration (`CI` is set).
    pub fn new(hosts: u8) -> Outcome<Option<Self>> {
        let Some(tools) = tools()? else {
            return Ok(None);
        };
        let lan = Self {
            tools,
            name: format!("syn{}", process::id()),
            subnet: (process::id() % 250) as u8,
            hosts,
        };
        lan.build()?;
        Ok(Some(lan))
    }

    /// Where a host is.
    #[must_use]
    pub const fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.subnet, host)
    }

    /// The same command on a host.
    #[must_use]
    pub fn on(&self, host: u8, command: &Command) -> Command {
        let mut wrapped = self.ip();
        wrapped.args(["netns", "exec", &self.namespace(host)]);
        wrapped.arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(key, value),
                None => wrapped.env_remove(key),
            };
        }
        wrapped
    }

    /// Nothing from `from` reaches `to` any more; the other way is as it was.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn cut(&self, from: u8, to: u8) -> Outcome {
        let address = self.address(from);
        self.rule(to, &format!("ip saddr {address} drop"))
    }

    /// Nothing that others have sent reaches a host any more, and nothing of it any other.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn isolate(&self, host: u8) -> Outcome {
        self.rule(host, "iifname != \"lo\" drop")?;
        self.outgoing_rule(host, "oifname != \"lo\" drop")
    }

    /// Of a hundred packets that would reach a host, so many do not; at most 99.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn lose(&self, host: u8, percent: u8) -> Outcome {
        self.rule(host, &format!("numgen random mod 100 < {percent} drop"))
    }

    /// Every fault of a host ends.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn heal(&self, host: u8) -> Outcome {
        self.nft(
            host,
            "flush chain inet faults incoming; flush chain inet faults outgoing",
        )
    }

    fn rule(&self, host: u8, rule: &str) -> Outcome {
        self.nft(host, &format!("add rule inet faults incoming {rule}"))
    }

    fn outgoing_rule(&self, host: u8, rule: &str) -> Outcome {
        self.nft(host, &format!("add rule inet faults outgoing {rule}"))
    }

    fn nft(&self, host: u8, commands: &str) -> Outcome {
        let mut command = Command::new(self.tools.join("nft"));
        command.arg(commands);
        run(&mut self.on(host, &command))
    }

    fn build(&self) -> Outcome {
        let own = format!("{}/24", self.address(OWN_PLACE));
        self.ip_does(["link", "add", &self.name, "type", "bridge"])?;
        self.ip_does(["address", "add", &own, "dev", &self.name])?;
        self.ip_does(["link", "set", &self.name, "up"])?;
        (1..=self.hosts).try_for_each(|host| self.build_host(host))
    }

    fn build_host(&self, host: u8) -> Outcome {
        let (namespace, port) = (self.namespace(host), format!("{}p{host}", self.name));
        let address = format!("{}/24", self.address(host));
        self.ip_does(["netns", "add", &namespace])?;
        self.ip_does([
            "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &namespace,
        ])?;
        self.ip_does(["link", "set", &port, "master", &self.name, "up"])?;
        let inside = |arguments: &[&str]| {
            let all = [&["-n", &namespace], arguments].concat();
            self.ip_does(all)
        };
        inside(&["address", "add", &address, "dev", "eth0"])?;
        inside(&["link", "set", "eth0", "up"])?;
        inside(&["link", "set", "lo", "up"])?;
        self.nft(
            host,
            "add table inet faults; \
             add chain inet faults incoming { type filter hook input priority 0; }; \
             add chain inet faults outgoing { type filter hook output priority 0; }",
        )
    }

    fn namespace(&self, host: u8) -> String {
        format!("{}h{host}", self.name)
    }

    fn ip(&self) -> Command {
        Command::new(self.tools.join("ip"))
    }

    fn ip_does(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        run(self.ip().args(arguments))
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        // What was never made cannot be deleted.
        for host in 1..=self.hosts {
            let _ = self.ip_does(["netns", "delete", &self.namespace(host)]);
        }
        let _ = self.ip_does(["link", "delete", &self.name]);
    }
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
        let output = lan.on(from, &command).output().unwrap();
        // Nobody listens there: whoever is reached says so.
        String::from_utf8_lossy(&output.stderr).contains("refused")
    }

    #[test]
    fn hosts_reach_each_other_until_they_are_cut_off_and_again_when_that_is_healed() {
        let Some(lan) = Lan::new(3).unwrap() else {
            return;
        };
        assert!(reaches(&lan, 1, 2) && reaches(&lan, 2, 1) && reaches(&lan, 3, 1));
        lan.isolate(1).unwrap();
        assert!(!reaches(&lan, 1, 2) && !reaches(&lan, 2, 1) && reaches(&lan, 2, 3));
        lan.heal(1).unwrap();
        lan.cut(2, 1).unwrap();
        assert!(!reaches(&lan, 2, 1) && reaches(&lan, 3, 1));
        lan.heal(1).unwrap();
        assert!(reaches(&lan, 1, 2) && reaches(&lan, 2, 1));
    }
}
