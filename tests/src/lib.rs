//! Scenarios across crates, in real processes and a real Godot.
