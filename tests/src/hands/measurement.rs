//! What one stretch of time on a stage showed.

use std::fs;

use crate::relay::{Network, Traffic};

use super::{Errors, PAUSE_MSEC_MAX};

/// Of the sixty that players are to draw, and the built-in's is to send.
const FRAMES_HZ_MIN: f64 = 58.0;

/// Both ways of sharing hands over the same network and the same time.
#[derive(Debug, Clone, Copy)]
pub struct Measurement {
    /// Over which network.
    pub network: Network,
    /// For how long, in seconds.
    pub seconds: f64,
    /// By `SyncedNode`.
    pub synced: Synced,
    /// By `MultiplayerSynchronizer`.
    pub built_in: BuiltIn,
    /// The longest that any of the players showed no frame, in milliseconds.
    pub pause_msec: f64,
    /// How busy the machine was at the end.
    pub load: Load,
}

/// What `SyncedNode` did.
#[derive(Debug, Clone, Copy)]
pub struct Synced {
    /// At the session time that each frame claims to show.
    pub errors: Errors,
    /// How long before a frame the time is that it shows, on average, in milliseconds.
    pub delay_msec: f64,
    /// How far the sender's idea of session time was off on average, in milliseconds. It is a part of the errors.
    pub clock_off_msec: f64,
    /// Frames that were looked at.
    pub frames: usize,
    /// Between the sender and the server.
    pub sender: Traffic,
    /// Between the receiver and the server.
    pub receiver: Traffic,
}

/// What `MultiplayerSynchronizer` did.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// With the lag that is best for each.
    pub errors: Errors,
    /// The lag that is best for its 99th hundredth of distances, in milliseconds.
    pub lag_msec: f64,
    /// Frames that were looked at.
    pub frames: usize,
    /// Between both players.
    pub traffic: Traffic,
}

/// What a network carried, both ways.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wire {
    /// With the headers of IP and UDP.
    pub bytes_per_second: f64,
    /// Packets.
    pub packets_per_second: f64,
}

impl Measurement {
    /// Whether the machine kept a player waiting so long, or the built-in's sender so far below its pace, that the numbers tell
    /// of the machine.
    #[must_use]
    pub fn is_disturbed(&self) -> bool {
        let frames_hz = self.built_in.frames as f64 / self.seconds;
        self.pause_msec > PAUSE_MSEC_MAX
            || frames_hz < FRAMES_HZ_MIN
            || self.built_in_wire().packets_per_second < FRAMES_HZ_MIN
    }

    /// What the busier of `SyncedNode`'s two networks carried.
    #[must_use]
    pub fn synced_wire(&self) -> Wire {
        let [sender, receiver] =
            [self.synced.sender, self.synced.receiver].map(|traffic| self.wire(traffic));
        if sender.bytes_per_second > receiver.bytes_per_second {
            sender
        } else {
            receiver
        }
    }

    /// What the network of Godot's own carried.
    #[must_use]
    pub fn built_in_wire(&self) -> Wire {
        self.wire(self.built_in.traffic)
    }

    fn wire(&self, Traffic { up, down }: Traffic) -> Wire {
        Wire {
            bytes_per_second: (up.bytes + down.bytes) as f64 / self.seconds,
            packets_per_second: (up.packets + down.packets) as f64 / self.seconds,
        }
    }
}

/// How many threads wanted to run at once in the last minute, on average, and how many can.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// `None` where the system does not tell.
    pub minute: Option<f64>,
    /// Cores.
    pub cores: usize,
}

impl Load {
    /// As it is now.
    #[must_use]
    pub fn now() -> Self {
        let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            minute: text.split(' ').next().and_then(|word| word.parse().ok()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}
