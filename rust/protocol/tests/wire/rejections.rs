//! Each reason for a rejection, and each limit that one names.

use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    message::ServerMessage,
    mutation::{Limit, Rejection},
};

use crate::golden::{REJECTED, assert_frame, assert_no_tag, rejected};

fn assert_rejection(reason: Rejection, golden: &str) {
    assert_frame(&rejected(reason), &[REJECTED, golden].concat());
}

#[test]
fn each_reason() {
    let node = NodeId(0xfc);
    let owner = PlayerId(8);
    let property = PropertyId(0xfc);
    let reasons = [
        (Rejection::NodeMissing(node), "00 fb fc00"),
        (Rejection::NodeExists(node), "01 fb fc00"),
        (Rejection::NodeDespawned(node), "02 fb fc00"),
        (Rejection::ForeignId(node), "03 fb fc00"),
        (Rejection::WouldCycle(node), "04 fb fc00"),
        (Rejection::NotOwner { node, owner }, "05 fb fc00 08"),
        (Rejection::ServerOnly(node), "06 fb fc00"),
        (Rejection::PlayerMissing(owner), "07 08"),
        (
            Rejection::PropertyMissing { node, property },
            "08 fb fc00 fc",
        ),
        (Rejection::GuardFailed(0xfd), "09 fd"),
        (Rejection::TooLarge(Limit::MutationBytes), "0a 00"),
        (Rejection::TooMany, "0b"),
    ];
    for (reason, golden) in reasons {
        assert_rejection(reason, golden);
    }
    assert_no_tag::<ServerMessage>(&[REJECTED, "0c"].concat());
}

#[test]
fn each_limit() {
    let limits = [
        (Limit::MutationBytes, "0a 00"),
        (Limit::ValueBytes, "0a 01"),
        (Limit::ValueDepth, "0a 02"),
        (Limit::Properties, "0a 03"),
        (Limit::NameBytes, "0a 04"),
        (Limit::Steps, "0a 05"),
        (Limit::Arguments, "0a 06"),
        (Limit::NodeBytes, "0a 07"),
        (Limit::WorldBytes, "0a 08"),
        (Limit::Nodes, "0a 09"),
        (Limit::TreeDepth, "0a 0a"),
    ];
    for (limit, golden) in limits {
        assert_rejection(Rejection::TooLarge(limit), golden);
    }
    assert_no_tag::<ServerMessage>(&[REJECTED, "0a 0b"].concat());
}
