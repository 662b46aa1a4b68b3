//! Whatever the others say, this server lives on, and what it has committed stays.

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use synced_protocol::{
    id::{GroupId, LogIndex},
    time::Micros,
};

use crate::{
    Consensus, News, Output, Role,
    codec::{GroupMessage, Message, VoteAnswer, tests::message},
    testing::{begin, founded, frame, server},
};

/// Does what is to be done; nothing that was told once is told otherwise.
fn settle(consensus: &mut Consensus, now: Micros, last: &mut LogIndex) {
    loop {
        if let Some((group, news)) = consensus.poll_news() {
            match news {
                News::Committed { index, .. } => {
                    assert!(index > *last, "{index} after {last}");
                    *last = index;
                }
                News::Restored { index, .. } => *last = index.max(*last),
                News::SnapshotWanted => {
                    consensus.snapshot(group, *last, vec![Bytes::from_static(b"s")])
                }
                _ => {}
            }
        } else if let Some(output) = consensus.poll_output() {
            if let Output::Store(write) = output {
                consensus.stored(now, write.id);
            }
        } else {
            return;
        }
    }
}

#[derive(Debug, Clone)]
enum Event {
    Said(u16, Message),
    Garbage(u16, Vec<u8>),
    Waited(u64),
    /// One of the others votes for this server, as often as it takes.
    Elected(u16),
    Broke(u16),
    Proposed,
    Transferred,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => (2..=3_u16, message()).prop_map(|(from, message)| Event::Said(from, message)),
        1 => (0..=3_u16, vec(any::<u8>(), 0..40)).prop_map(|(from, bytes)| Event::Garbage(from, bytes)),
        4 => (100..8_000_u64).prop_map(Event::Waited),
        1 => (2..=3_u16).prop_map(Event::Elected),
        1 => (2..=3_u16).prop_map(Event::Broke),
        1 => Just(Event::Proposed),
        1 => Just(Event::Transferred),
    ]
}

fn elect(consensus: &mut Consensus, now: &mut Micros, last: &mut LogIndex, by: u16) {
    for _ in 0..20 {
        *now = *now + Micros(1_000);
        consensus.advance(*now);
        for pre in [true, false] {
            let term = consensus.status(GroupId(0)).unwrap().term.0 + u64::from(pre);
            let answer = VoteAnswer {
                pre,
                refused: false,
                term,
                committed: (0, 0),
            };
            let message = Message::Group(GroupId(0), GroupMessage::VoteAnswer(answer));
            let _ = consensus.receive(*now, server(by), frame(&message));
            settle(consensus, *now, last);
        }
    }
}

fn happen(consensus: &mut Consensus, now: &mut Micros, last: &mut LogIndex, event: Event) {
    match event {
        Event::Said(from, message) => {
            let _ = consensus.receive(*now, server(from), frame(&message));
        }
        Event::Garbage(from, bytes) => {
            let _ = consensus.receive(*now, server(from), bytes.into());
        }
        Event::Waited(span) => {
            *now = *now + Micros(span);
            consensus.advance(*now);
        }
        Event::Elected(by) => elect(consensus, now, last, by),
        Event::Broke(peer) => {
            consensus.peer_down(*now, server(peer));
            consensus.peer_up(*now, server(peer));
        }
        Event::Proposed => {
            let _ = consensus.propose(GroupId(0), Bytes::from_static(b"p"));
        }
        Event::Transferred => {
            let _ = consensus.transfer(GroupId(0), None);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_messages_ends_this_server(events in vec(event(), 1..120)) {
        let (mut consensus, mut now, mut last) = (begin(founded()), Micros::ZERO, LogIndex::ZERO);
        settle(&mut consensus, now, &mut last);
        for event in events {
            happen(&mut consensus, &mut now, &mut last, event);
            settle(&mut consensus, now, &mut last);
        }
    }
}

#[test]
fn a_server_that_is_voted_for_leads() {
    let (mut consensus, mut now, mut last) = (begin(founded()), Micros::ZERO, LogIndex::ZERO);
    settle(&mut consensus, now, &mut last);
    elect(&mut consensus, &mut now, &mut last, 2);
    assert_eq!(consensus.status(GroupId(0)).unwrap().role, Role::Leader);
}
