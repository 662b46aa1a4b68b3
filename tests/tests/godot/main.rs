//! The extension in a real Godot, against a real server, over a real network.
//!
//! Each test starts players of the project `tests/godot/e2e` and tells them in GDScript what to do; what the words in it mean,
//! its `player/words.gd` says. No test asserts how long something takes. The files of the last run of each are in
//! `target/runs`.

mod apply;
mod bodies;
mod crowd;
mod devices;
mod editor;
mod freeing;
mod grabbing;
mod hosting;
mod joining;
mod leaving;
mod live;
mod many_players;
mod monitors;
mod recording;
mod rejections;
mod scenes;
mod steady;
mod tracker;
mod tracker_settings;
mod trajectory;
mod transactions;
mod values;
