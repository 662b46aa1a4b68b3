//! The page itself: its numbers are the code's.

use synced_protocol::{input, limits, live};

const PAGE: &str = include_str!("../../src/wire.md");

macro_rules! named {
    ($($module:ident::$name:ident),+ $(,)?) => {
        [$((stringify!($name), $module::$name as u64)),+]
    };
}

#[test]
fn the_page_names_every_limit_with_its_number() {
    let limits = named![
        limits::MAX_UDP_PAYLOAD_BYTES,
        limits::MAX_DATAGRAM_BYTES,
        live::MAX_UP_DATAGRAM_BYTES,
        limits::MAX_FRAME_BYTES,
        limits::MAX_PEER_FRAME_BYTES,
        limits::MAX_SERVERS,
        limits::MAX_MUTATION_BYTES,
        limits::MAX_VALUE_BYTES,
        limits::MAX_LIVE_VALUE_BYTES,
        limits::MAX_VALUE_DEPTH,
        limits::MAX_PROPERTIES,
        limits::MAX_NAME_BYTES,
        limits::MAX_GAME_BYTES,
        limits::MAX_TRANSACTION_STEPS,
        limits::MAX_CALL_ARGUMENTS,
        limits::MAX_NODE_BYTES,
        limits::MAX_WORLD_BYTES,
        limits::MAX_NODES,
        limits::MAX_UNWANTED_NODES,
        limits::MAX_TREE_DEPTH,
        input::MAX_BATCH_FRAMES,
    ];
    for (name, number) in limits {
        let row = format!("| `{name}` | {number} |");
        assert!(PAGE.contains(&row), "the page has no row {row}");
    }
    for (name, time) in [
        ("MAX_FRAME_AGE", input::MAX_FRAME_AGE),
        ("MAX_VALUE_AGE", live::MAX_VALUE_AGE),
    ] {
        let row = format!("| `{name}` | {} |", time.0);
        assert!(PAGE.contains(&row), "the page has no row {row}");
    }
}

#[test]
fn every_limit_of_the_code_is_on_the_page() {
    let source = include_str!("../../src/limits.rs");
    let names = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "))
        .filter_map(|rest| rest.split(':').next());
    for name in names {
        assert!(PAGE.contains(&format!("| `{name}` |")), "{name}");
    }
}
