//! The real program in a process of its own, in a folder of its own.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unreachable_pub)]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// An empty folder of this test alone.
pub fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The program with these arguments, and no settings in its environment.
pub fn synced(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_synced"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SYNCED_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(folder);
    command
}

/// Runs it to its end.
pub fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

pub fn error_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server that listens, on loopback unless told otherwise.
pub struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub address: String,
    pub fingerprint: String,
    pub invitation: String,
}

impl Server {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let basic = ["serve", "--game", "cups", "--listen", "127.0.0.1:0"];
        let all: Vec<&str> = basic.iter().chain(arguments).copied().collect();
        Self::listening(synced(folder, &all))
    }

    /// Waits for the two lines that it prints.
    pub fn listening(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let listening = line(&mut stdout);
        let words: Vec<&str> = listening.split(' ').collect();
        let ["listening", "on", address, "fingerprint", fingerprint] = words[..] else {
            panic!("{listening:?}");
        };
        let invitation = line(&mut stdout);
        Self {
            address: address.to_owned(),
            fingerprint: fingerprint.strip_prefix("sha256=").unwrap().to_owned(),
            invitation: invitation.strip_prefix("invite ").unwrap().to_owned(),
            child,
            stdout,
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The exit code, and what else it printed.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        while let Ok(1..) = self.stdout.read_line(&mut rest) {}
        (self.child.wait().unwrap().code(), rest)
    }

    pub fn stop(self) {
        self.signal(Signal::TERM);
        assert_eq!(self.wait(), (Some(0), String::new()));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
