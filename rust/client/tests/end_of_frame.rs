//! What leaves at the end of a game's frame, and in which order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    paint,
    scripted::{ME, Script},
};
use synced_client::{command::Command, config::LiveConfig};
use synced_protocol::{
    id::{ClientSeq, NodeId, PropertyId},
    link::{Event, Output},
    live::Datagram,
    time::Micros,
    value::Value,
};

/// One frame of a game that moves something, and proposes something or not.
fn frame(script: &mut Script, proposes: bool) {
    let (node, at) = (NodeId::spawned(ME, 1), script.now);
    script.outputs.clear();
    script.session.command(
        at,
        Command::SetLive {
            node,
            property: PropertyId(0),
            at,
            value: Value::Int(at.0.cast_signed()),
        },
    );
    if proposes {
        script.session.command(
            at,
            Command::Propose {
                seq: ClientSeq(1),
                transaction: Box::new(paint(node, 1).into()),
            },
        );
    }
    script.session.command(at, Command::EndFrame);
    script.event(Event::Woken);
}

/// How many datagrams with live values have left.
fn live(script: &Script) -> usize {
    let is_live = |output: &&Output| matches!(output, Output::Datagram { bytes, .. } if matches!(Datagram::decode(bytes), Ok(Datagram::Up(_))));
    script.outputs.iter().filter(is_live).count()
}

#[test]
fn what_was_moved_leaves_at_once_but_after_what_was_proposed_in_the_same_frame() {
    let age = LiveConfig::default().local_delta_max_age;
    let mut script = Script::up();
    script.now = script.now + age;
    frame(&mut script, false);
    assert_eq!(live(&script), 1);

    script.now = script.now + age + age;
    frame(&mut script, true);
    assert_eq!((script.proposed(), live(&script)), (vec![1], 0));
    script.now = script.now + age - Micros(1);
    script.event(Event::Woken);
    assert_eq!(live(&script), 0);
    script.now = script.now + Micros(1);
    script.event(Event::Woken);
    assert_eq!(live(&script), 1);
}
