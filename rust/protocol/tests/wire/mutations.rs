//! Each mutation, and each choice within one.

use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    message::ClientMessage,
    mutation::{
        Access, Lane, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Spawn,
        Transfer,
    },
    value::Value,
};

use crate::golden::{PROPOSE, assert_frame, assert_no_tag, propose};

/// The second node that player 1 spawns.
pub(crate) fn cup() -> Spawn {
    Spawn {
        node: NodeId(0x1_0000_0002),
        origin: Origin::Scene {
            spawner: NodeId(9),
            scene: 1000,
        },
        parent: ParentRef {
            anchor: NodeId::ROOT,
            path: "Main".to_owned(),
        },
        name: "Cup".to_owned(),
        policy: Policy {
            write: Access::Owner,
            call: Access::Anyone,
            transfer: Transfer::Always,
            on_owner_left: OnOwnerLeft::Release,
        },
        owner: PlayerId(1),
        properties: Vec::new(),
    }
}

pub(crate) const CUP: &str = "
    fd 0200000001000000     # node
    01 09 fb e803           # origin: scene, spawner, place
    00 04 4d61696e          # parent: anchor, path
    03 437570               # name
    00 01 01 00             # policy: write, call, transfer, on owner left
    01                      # owner
    00 # properties
";

fn assert_mutation(mutation: Mutation, golden: &str) {
    assert_frame(&propose(mutation), &[PROPOSE, golden].concat());
}

#[test]
fn each_mutation() {
    let node = NodeId(5);
    assert_mutation(Mutation::Spawn(cup()), &["00", CUP].concat());
    assert_mutation(Mutation::Despawn { node }, "01 05");
    let parent = ParentRef {
        anchor: NodeId(6),
        path: "a/b".to_owned(),
    };
    assert_mutation(Mutation::Reparent { node, parent }, "02 05  06 03 612f62");
    let properties = vec![
        (PropertyId(63), Value::Int(-2)),
        (PropertyId(0), Value::String("hi".to_owned())),
    ];
    assert_mutation(
        Mutation::SetProperties { node, properties },
        "03 05  02
         3f  09 02 feffffffffffffff
         00  04 04 02 6869",
    );
    let to = PlayerId(251);
    assert_mutation(Mutation::TransferOwnership { node, to }, "04 05  fb fb00");
    let call = Mutation::Call {
        node,
        method: "ring".to_owned(),
        arguments: vec![Value::Nil, Value::Bool(false)],
    };
    assert_mutation(call, "05 05  04 72696e67  02  01 00  02 01 00");
    assert_no_tag::<ClientMessage>(&[PROPOSE, "06"].concat());
}

/// Puts the bytes in the place of the line of [`CUP`] that has this comment.
fn cup_with(comment: &str, bytes: &str) -> String {
    let lines = CUP.lines().map(|line| match line.split_once('#') {
        Some((_, found)) if found.trim().starts_with(comment) => bytes,
        _ => line,
    });
    let lines: Vec<&str> = lines.collect();
    assert!(lines.contains(&bytes), "no line of {comment}");
    lines.join("\n")
}

/// Everything in front of the line of [`CUP`] that has this comment, then the bytes.
fn cup_until(comment: &str, bytes: &str) -> String {
    let cup = cup_with(comment, "|");
    let before = cup.split('|').next().unwrap_or_default();
    [PROPOSE, "00", before, bytes].concat()
}

#[test]
fn each_origin() {
    let origins = [
        (Origin::Authored, "00"),
        (
            Origin::Scene {
                spawner: NodeId(250),
                scene: 251,
            },
            "01 fa fb fb00",
        ),
        (Origin::Part, "02"),
    ];
    for (origin, bytes) in origins {
        let spawn = Spawn { origin, ..cup() };
        let golden = ["00", &cup_with("origin", bytes)].concat();
        assert_mutation(Mutation::Spawn(spawn), &golden);
    }
    assert_no_tag::<ClientMessage>(&cup_until("origin", "03"));
}

#[test]
fn each_choice_of_a_policy() {
    let accesses = [Access::Owner, Access::Anyone, Access::Server];
    let transfers = [Transfer::WhenFree, Transfer::Always, Transfer::ByOwner];
    let partings = [OnOwnerLeft::Release, OnOwnerLeft::Despawn];
    for (place, access) in accesses.into_iter().enumerate() {
        let policy = Policy {
            write: access,
            call: accesses[2 - place],
            transfer: transfers[place],
            on_owner_left: partings[place % 2],
        };
        let bytes = format!("0{place} 0{} 0{place} 0{}", 2 - place, place % 2);
        let spawn = Spawn { policy, ..cup() };
        let golden = ["00", &cup_with("policy", &bytes)].concat();
        assert_mutation(Mutation::Spawn(spawn), &golden);
    }
    for bytes in ["03", "00 03", "00 00 03", "00 00 00 02"] {
        assert_no_tag::<ClientMessage>(&cup_until("policy", bytes));
    }
}

#[test]
fn each_lane_of_a_property() {
    let property = |path: &str, lane, value| PropertySpec {
        path: path.to_owned(),
        lane,
        value,
    };
    let properties = vec![
        property("a", Lane::Confirmed, Value::Float(1.0)),
        property(":b", Lane::Live, Value::Vector2([1.0, -2.0])),
    ];
    let spawn = Spawn {
        properties,
        ..cup()
    };
    let bytes = "02
        01 61    00  09 03 000000000000f03f     # path, lane, value
        02 3a62  01  09 07 0000803f 000000c0";
    let golden = ["00", &cup_with("properties", bytes)].concat();
    assert_mutation(Mutation::Spawn(spawn), &golden);
    assert_no_tag::<ClientMessage>(&cup_until("properties", "01 00 02"));
}
