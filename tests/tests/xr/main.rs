//! The extension in a real Godot with a real OpenXR runtime: Monado without a headset, whose head and hands are moved along
//! motions whose truth is known.
//!
//! On a machine that cannot have the runtime the tests say why and pass; in continuous integration they fail.

mod capture;
mod endings;
mod feeding;
mod hunt;
mod recentring;
mod samples;
mod stage;
mod threads;
mod trackers;
