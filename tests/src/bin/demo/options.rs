//! The command line.

use std::path::PathBuf;

use clap::Parser;
use synced_tests::{Outcome, godot::Godot};

/// Plays a session of the demo by itself: a server, and Godot players that grab, throw, spawn, draw and reparent.
#[derive(Debug, Parser)]
#[command(name = "demo")]
pub(crate) struct Options {
    /// The program that starts Godot; GODOT4_BIN if not given
    #[arg(long, value_name = "PROGRAM")]
    godot: Option<PathBuf>,
    /// How many play from the beginning; one more joins later
    #[arg(long, value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) players: u32,
    /// How long they play
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(3..=3600))]
    pub(crate) seconds: u32,
    /// On a cluster of five servers, of which the leader is killed in the middle
    #[arg(long)]
    pub(crate) cluster: bool,
    /// Where what they do comes from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u32,
    /// Write a picture of the room, as PNG, from the player who joins later; needs a display
    #[arg(long, value_name = "FILE", value_parser = absolute)]
    pub(crate) picture: Option<PathBuf>,
    /// A program that provides a display for the command that follows it
    #[arg(long, value_name = "PROGRAM", requires = "picture")]
    pub(crate) picture_command: Option<PathBuf>,
}

impl Options {
    pub(crate) fn godot(&self) -> Outcome<Godot> {
        match &self.godot {
            Some(launcher) => Godot::at(launcher.clone()),
            None => Godot::find(),
        }
    }
}

/// Players run in folders of their own.
fn absolute(path: &str) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| error.to_string())
}
