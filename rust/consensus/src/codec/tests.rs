//! The layout, byte for byte; any value reads back; any bytes are survived.

use proptest::{collection::vec, option, prelude::*};
use synced_protocol::{
    id::{LogIndex, ReplicaId, ServerId, Term},
    limits::MAX_FRAME_BYTES,
    peer::PeerAddress,
    store::{EntryKind, MemberAddress, Members, RaftEntry},
    time::Micros,
};

use super::{membership::MAX_REPLICAS, replication::MAX_APPEND_ENTRIES, *};

fn encoded(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.put(&mut out);
    out
}

fn decoded(bytes: &[u8]) -> Result<Message, DecodeError> {
    let frame = Bytes::copy_from_slice(bytes);
    let mut reader = Reader::new(&frame);
    let message = Message::read(&mut reader, &frame)?;
    reader.finish().map(|()| message)
}

fn about(message: GroupMessage) -> Message {
    Message::Group(GroupId(300), message)
}

fn entry(index: u64, term: u64, data: &'static [u8]) -> RaftEntry {
    let data = Bytes::from_static(data);
    RaftEntry {
        index: LogIndex(index),
        term: Term(term),
        kind: EntryKind::Normal,
        data,
    }
}

fn replica(server: u16, incarnation: u32) -> ReplicaId {
    ReplicaId::new(ServerId(server), incarnation)
}

fn member(server: u16) -> MemberAddress {
    let address = PeerAddress {
        server: ServerId(server),
        address: "h:1".to_owned(),
    };
    MemberAddress {
        peer: address,
        players: "h:2".to_owned(),
    }
}

fn assert_golden(message: &Message, bytes: &[u8]) {
    assert_eq!(encoded(message), bytes, "{message:?}");
    assert_eq!(decoded(bytes).as_ref(), Ok(message));
}

#[test]
fn each_message_has_the_bytes_that_it_always_had() {
    let append = Append {
        term: 5,
        previous: (129, 4),
        committed: 128,
        entries: vec![entry(130, 4, b"ab"), entry(131, 5, b"")],
    };
    assert_golden(
        &about(GroupMessage::Append(append)),
        b"\x01\xac\x02\x05\x81\x01\x04\x80\x01\x02\x00\x04\x02ab\x00\x05\x00",
    );
    let answer = AppendAnswer {
        term: 5,
        index: 9,
        committed: 7,
        refused: Some((3, 2)),
    };
    assert_golden(
        &about(GroupMessage::AppendAnswer(answer)),
        b"\x02\xac\x02\x05\x09\x07\x01\x03\x02",
    );
    let request = VoteRequest {
        pre: true,
        forced: true,
        term: 6,
        last: (9, 5),
        committed: (7, 4),
    };
    assert_golden(
        &about(GroupMessage::VoteRequest(request)),
        b"\x03\xac\x02\x03\x06\x09\x05\x07\x04",
    );
    let vote = VoteAnswer {
        pre: false,
        refused: true,
        term: 6,
        committed: (7, 4),
    };
    assert_golden(
        &about(GroupMessage::VoteAnswer(vote)),
        b"\x04\xac\x02\x04\x06\x07\x04",
    );
    assert_golden(
        &about(GroupMessage::TakeOver { term: 6 }),
        b"\x05\xac\x02\x06",
    );
    let beats = Beats {
        sent_at: Micros(0x0102_0304_0506_0708),
        beats: vec![Beat {
            group: GroupId(1),
            term: 2,
            committed: 300,
        }],
    };
    let body = b"\x08\x07\x06\x05\x04\x03\x02\x01\x01\x01\x02\xac\x02";
    assert_golden(
        &Message::Beats(beats.clone()),
        &[b"\x06", &body[..]].concat(),
    );
    assert_golden(
        &Message::BeatAnswers(Micros(4_500), beats),
        &[b"\x07\x94\x23", &body[..]].concat(),
    );
}

#[test]
fn each_message_about_snapshots_and_members_has_the_bytes_that_it_always_had() {
    let place = SnapshotPlace { index: 9, term: 2 };
    let members = Members {
        voters: vec![replica(1, 0)],
        outgoing: vec![replica(2, 0)],
        learners: vec![replica(3, 258)],
        learners_next: vec![replica(2, 0)],
        auto_leave: false,
        addresses: vec![member(1)],
    };
    let offer = SnapshotOffer {
        term: 5,
        place,
        parts: 2,
        bytes: 300,
        members,
    };
    assert_golden(
        &about(GroupMessage::SnapshotOffer(offer)),
        b"\x08\xac\x02\x05\x09\x02\x02\xac\x02\
          \x01\0\0\0\0\x01\0\0\0\x01\0\0\0\0\x02\0\0\0\x01\x02\x01\0\0\x03\0\0\0\x01\0\0\0\0\x02\0\0\0\
          \x00\x01\x01\x00\x03h:1\x03h:2",
    );
    let part = SnapshotPart {
        place,
        number: 1,
        bytes: Bytes::from_static(b"abc"),
    };
    assert_golden(
        &about(GroupMessage::SnapshotPart(part)),
        b"\x09\xac\x02\x09\x02\x01\x03abc",
    );
    let answer = SnapshotAnswer { place, have: 2 };
    assert_golden(
        &about(GroupMessage::SnapshotAnswer(answer)),
        b"\x0a\xac\x02\x09\x02\x02",
    );
    let steps = vec![
        (Step::Vote, replica(4, 1)),
        (Step::Learn, replica(5, 0)),
        (Step::Leave, replica(6, 0)),
    ];
    let change = MembershipChange {
        joint: true,
        steps,
        addresses: vec![member(4)],
    };
    let bytes = b"\x01\x03\x00\x01\0\0\0\x04\0\0\0\x01\0\0\0\0\x05\0\0\0\x02\0\0\0\0\x06\0\0\0\
                  \x01\x04\x00\x03h:1\x03h:2";
    assert_eq!(change.encode(), &bytes[..]);
    assert_eq!(MembershipChange::decode(bytes), Ok(change));
}

#[test]
fn the_beginning_of_a_frame_and_a_hello_have_the_bytes_that_they_always_had() {
    let header = Header {
        version: 1,
        from: 0x0403_0201,
        to: 0x0807_0605,
    };
    let mut out = Vec::new();
    header.put(&mut out);
    assert_eq!(out, [1, 1, 2, 3, 4, 5, 6, 7, 8]);
    let ours = PeerVersions { min: 1, max: 2 };
    let read = |bytes: &[u8]| Beginning::read(&mut Reader::new(bytes), ours);
    assert_eq!(read(&out), Ok(Beginning::Messages(header)));
    let hello = Hello {
        versions: PeerVersions { min: 1, max: 3 },
        from: 0x0403_0201,
        answer: true,
    };
    assert_eq!(hello.encode(), [0, 1, 3, 1, 2, 3, 4, 1]);
    assert_eq!(read(&hello.encode()), Ok(Beginning::Hello(hello)));
    for wrong in [
        &[0, 2, 1, 0, 0, 0, 0, 0][..],
        &[0, 0, 1, 0, 0, 0, 0, 0],
        &[3, 0, 0, 0, 0, 0, 0, 0, 0],
    ] {
        assert!(read(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn what_no_sane_server_says_is_refused() {
    let zero_term = b"\x05\x00\x00";
    let snapshot_at_nothing = b"\x09\x00\x00\x02\x01\x00";
    let entry_of_a_later_term = b"\x01\x00\x05\x01\x01\x01\x01\x00\x06\x00";
    let entry_of_an_earlier_term = b"\x01\x00\x05\x01\x03\x01\x01\x00\x02\x00";
    let append_to_no_entry = b"\x01\x00\x05\x00\x00\x01\x00";
    let append_to_an_entry_of_a_later_term = b"\x01\x00\x05\x01\x06\x01\x00";
    let members_that_cannot_be = b"\x01\x00\x05\x01\x01\x01\x01\x01\x05\x01\x07";
    for bytes in [
        &zero_term[..],
        snapshot_at_nothing,
        entry_of_a_later_term,
        entry_of_an_earlier_term,
        append_to_no_entry,
        append_to_an_entry_of_a_later_term,
        members_that_cannot_be,
        b"\x0b\x00",
        b"",
    ] {
        assert!(decoded(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn lists_and_parts_longer_than_their_limits_are_refused() {
    let too_long = |bytes: &[u8]| matches!(decoded(bytes), Err(DecodeError::TooLong { .. }));
    let count = |mut bytes: Vec<u8>, count| {
        synced_protocol::bytes_io::put_count(&mut bytes, count);
        bytes
    };
    assert!(too_long(&count(
        vec![1, 0, 5, 1, 1, 1],
        MAX_APPEND_ENTRIES + 1
    )));
    assert!(too_long(&count(
        vec![1, 0, 5, 1, 1, 1, 1, 0, 5],
        MAX_FRAME_BYTES + 1
    )));
    assert!(too_long(&count(
        vec![6, 0, 0, 0, 0, 0, 0, 0, 0],
        MAX_BEATS + 1
    )));
    assert!(too_long(&count(vec![9, 0, 1, 1, 0], MAX_FRAME_BYTES + 1)));
    assert!(too_long(&count(vec![10, 0, 1, 1], MAX_SNAPSHOT_PARTS + 1)));
}

#[test]
fn members_and_snapshots_larger_than_their_limits_are_refused() {
    let offer = |bytes, voters: usize| {
        let voters = (1..=voters)
            .map(|server| replica(u16::try_from(server).unwrap(), 0))
            .collect();
        let members = Members {
            voters,
            ..Members::default()
        };
        let place = SnapshotPlace { index: 1, term: 1 };
        let offer = SnapshotOffer {
            term: 1,
            place,
            parts: 1,
            bytes,
            members,
        };
        decoded(&encoded(&about(GroupMessage::SnapshotOffer(offer))))
    };
    assert!(offer(MAX_SNAPSHOT_BYTES, 15).is_ok());
    assert!(offer(MAX_SNAPSHOT_BYTES + 1, 15).is_err());
    assert_eq!(
        offer(1, 16),
        Err(DecodeError::OutOfRange { what: "members" })
    );
    assert!(matches!(
        offer(1, MAX_REPLICAS + 1),
        Err(DecodeError::TooLong { .. })
    ));
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..20_u64, 0..NUMBER_MAX]
}

fn term() -> impl Strategy<Value = u64> {
    prop_oneof![1..6_u64, 1..NUMBER_MAX]
}

fn pair() -> impl Strategy<Value = (u64, u64)> {
    (number(), number())
}

fn append() -> impl Strategy<Value = Append> {
    let data = vec(any::<u8>(), 0..40);
    (
        term(),
        0..20_u64,
        1..4_u64,
        number(),
        vec((1..4_u64, data), 0..6),
    )
        .prop_map(|(term, index, previous_term, committed, entries)| {
            let mut last = previous_term.min(term);
            let entries = (index + 1..).zip(entries).map(|(index, (more, data))| {
                last = (last + more - 1).clamp(1, term);
                let (index, term) = (LogIndex(index), Term(last));
                RaftEntry {
                    index,
                    term,
                    kind: EntryKind::Normal,
                    data: data.into(),
                }
            });
            let previous = (index, previous_term.min(term));
            Append {
                term,
                previous,
                committed,
                entries: entries.collect(),
            }
        })
}

fn offer() -> impl Strategy<Value = SnapshotOffer> {
    let voters = vec(1..6_u16, 1..5);
    (term(), 1..30_u64, 0..4_u32, 0..200_u64, voters).prop_map(
        |(term, index, parts, bytes, voters)| {
            let voters: std::collections::BTreeSet<u16> = voters.into_iter().collect();
            let members = Members {
                voters: voters
                    .into_iter()
                    .map(|server| replica(server, 0))
                    .collect(),
                ..Members::default()
            };
            let place = SnapshotPlace {
                index,
                term: 1.max(term / 2),
            };
            SnapshotOffer {
                term,
                place,
                parts,
                bytes,
                members,
            }
        },
    )
}

fn place() -> impl Strategy<Value = SnapshotPlace> {
    (1..30_u64, 1..4_u64).prop_map(|(index, term)| SnapshotPlace { index, term })
}

fn group_message() -> impl Strategy<Value = GroupMessage> {
    let flags = any::<(bool, bool)>();
    let small = vec(any::<u8>(), 0..40);
    prop_oneof![
        4 => append().prop_map(GroupMessage::Append),
        2 => (term(), number(), number(), option::of(pair())).prop_map(|(term, index, committed, refused)| {
            GroupMessage::AppendAnswer(AppendAnswer { term, index, committed, refused })
        }),
        2 => (flags, term(), pair(), pair()).prop_map(|((pre, forced), term, last, committed)| {
            GroupMessage::VoteRequest(VoteRequest { pre, forced, term, last, committed })
        }),
        2 => (any::<(bool, bool)>(), term(), pair()).prop_map(|((pre, refused), term, committed)| {
            GroupMessage::VoteAnswer(VoteAnswer { pre, refused, term, committed })
        }),
        1 => term().prop_map(|term| GroupMessage::TakeOver { term }),
        1 => offer().prop_map(GroupMessage::SnapshotOffer),
        1 => (place(), 0..4_u32, small).prop_map(|(place, number, bytes)| {
            GroupMessage::SnapshotPart(SnapshotPart { place, number, bytes: bytes.into() })
        }),
        1 => (place(), 0..5_u32).prop_map(|(place, have)| {
            GroupMessage::SnapshotAnswer(SnapshotAnswer { place, have })
        }),
    ]
}

/// Any message that a server could send, sane or not.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let beats = || {
        let beat = (0..2_u32, term(), number()).prop_map(|(group, term, committed)| Beat {
            group: GroupId(group),
            term,
            committed,
        });
        (0..20_000_u64, vec(beat, 0..4)).prop_map(|(sent_at, beats)| Beats {
            sent_at: Micros(sent_at),
            beats,
        })
    };
    prop_oneof![
        6 => (0..2_u32, group_message()).prop_map(|(group, m)| Message::Group(GroupId(group), m)),
        1 => beats().prop_map(Message::Beats),
        1 => (0..20_000_u64, beats()).prop_map(|(promise, beats)| Message::BeatAnswers(Micros(promise), beats)),
    ]
}

proptest! {
    #[test]
    fn every_message_reads_back(message in message()) {
        prop_assert_eq!(decoded(&encoded(&message)), Ok(message));
    }

    #[test]
    fn a_message_that_is_cut_short_is_refused(message in message(), cut in 1_usize..20) {
        let bytes = encoded(&message);
        let end = bytes.len().saturating_sub(cut);
        prop_assert!(decoded(&bytes[..end]).is_err());
    }

    #[test]
    fn any_bytes_are_a_message_that_reads_back_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(message) = decoded(&bytes) {
            prop_assert_eq!(decoded(&encoded(&message)), Ok(message));
        }
    }

    #[test]
    fn a_message_of_which_bytes_are_changed_is_a_message_or_an_error(
        message in message(),
        changes in vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encoded(&message);
        for (place, byte) in changes {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        if let Ok(message) = decoded(&bytes) {
            prop_assert_eq!(decoded(&encoded(&message)), Ok(message));
        }
    }
}
