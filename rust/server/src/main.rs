//! The `synced` program.

fn main() {}
