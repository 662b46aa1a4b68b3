//! Scenarios across crates, in real processes and a real Godot.
//!
//! | part | does |
//! |---|---|
//! | [`process`] | a program under watch: its output in a file, a deadline on every wait, gone when dropped |
//! | [`ports`] | ports that nobody has |
//! | [`folder`] | where a test keeps its files, which stay behind for whoever looks into a failure |
//! | [`server`] | a `synced serve` of its own |
//! | [`cluster`] | five of them that agree |
//! | [`relay`] | a bad network in front of it |
//! | [`headless`] | a player without an engine |
//! | [`steady`] | two of these who show whether a cluster keeps its word |
//! | [`apply`] | what the main thread of a Godot pays for what others write |
//! | [`etcd`] | the peer that the cluster is measured beside |
//! | [`godot`] | Godot and the projects that it runs |
//! | [`player`] | a Godot player that does what a test says, line by line |
//! | [`journal`] | what a Godot must not have written by its end |
//! | [`motion`] | hands whose truth is known at any time |
//! | [`feeder`] | moves a Monado's head and hands along them |
//! | [`hands`] | hands shared in two ways, and how far from the truth each shows them |
//! | [`peers`] | SyncedNode beside what a game would use instead, on the same work |
//! | [`report`] | what all of it costs, beside others, in one report |
//! | [`capture`] | every packet of a port, as the kernel sees it |
//! | [`clock`] | the clock by which that is timed |
//! | [`monado`] | an OpenXR runtime without a headset, and players who wear it |
//! | [`lan`] | a network of several hosts on this machine, and what breaks it |
//! | [`linear`] | whether what players were told could have happened one at a time |
//! | [`load`] | the same writes to a cluster of ours and to etcd's |
//! | [`stalls`] | how long this machine keeps anybody waiting |
//! | [`crowd_godot`] | real Godots among a crowd of players without an engine |
//! | [`play`] | a server and its players, from the first join to the last look at their logs |

pub mod apply;
pub mod capture;
pub mod clock;
pub mod cluster;
pub mod control;
pub mod crowd_godot;
pub mod etcd;
pub mod failure;
pub mod feeder;
pub mod folder;
pub mod godot;
pub mod hands;
pub mod headless;
pub mod journal;
pub mod lan;
pub mod linear;
pub mod load;
pub mod monado;
pub mod motion;
pub mod peers;
pub mod play;
pub mod player;
pub mod ports;
pub mod process;
pub mod relay;
pub mod report;
pub mod server;
pub mod stalls;
pub mod steady;

pub use failure::{Failure, Outcome};
