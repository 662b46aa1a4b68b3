//! Two hands, shared between two Godots over bad networks: how true they are there, beside Godot's own means.

mod comparison;
mod headset;
mod marks;
mod packets;
