//! Ids, clocks and codes: numbers with a layout of their own.

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId},
    link::CloseCode,
    time::Micros,
};

#[test]
fn a_spawned_id_is_its_player_above_its_counter() {
    assert_eq!(NodeId::spawned(PlayerId(1), 2), NodeId(0x1_0000_0002));
    assert_eq!(
        NodeId::spawned(PlayerId::MAX, u32::MAX),
        NodeId(0x7fff_ffff_ffff_ffff)
    );
}

#[test]
fn derived_ids() {
    let parent = NodeId(0x1_0000_0002);
    let derived = [
        (NodeId::ROOT, "", NodeId(0x813f_0174_a236_7c13)),
        (NodeId::ROOT, "Main/Cup", NodeId(0x8974_ba05_09a5_607e)),
        (parent, "Arm/H\u{e4}nd", NodeId(0x9a9f_1598_c3e6_a23c)),
    ];
    for (parent, path, id) in derived {
        assert_eq!(NodeId::derived(parent, path), id, "{path}");
    }
}

#[test]
fn a_clock_reading_is_microseconds_above_a_count() {
    let reading = HlcTimestamp(0x0060_a241_81e4_0fff);
    assert_eq!(reading.physical(), Micros(0x0000_060a_2418_1e40));
    assert_eq!(reading.logical(), 0xfff);
}

#[test]
fn each_close_code() {
    let codes = [
        (0, CloseCode::Done),
        (1, CloseCode::Refused),
        (2, CloseCode::Malformed),
        (3, CloseCode::Flooding),
        (4, CloseCode::TooSlow),
        (5, CloseCode::ServerStopping),
        (6, CloseCode::HandshakeTimeout),
        (7, CloseCode::Superseded),
        (8, CloseCode::Other(8)),
        (u32::MAX, CloseCode::Other(u32::MAX)),
    ];
    for (number, code) in codes {
        assert_eq!((code.code(), CloseCode::from_code(number)), (number, code));
    }
}
