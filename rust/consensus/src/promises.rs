//! What this server has promised it keeps, through a restart too.

use bytes::Bytes;
use synced_protocol::{id::GroupId, store::StoredGroup, time::Micros};

use crate::{
    Consensus, Output,
    codec::{GroupMessage, Message, VoteAnswer, VoteRequest},
    testing::{begin, founded, frame, said, server, write},
};

const LATER: Micros = Micros::from_millis(20);

fn request(term: u64) -> Message {
    let request = VoteRequest {
        pre: false,
        forced: false,
        term,
        last: (1, 1),
        committed: (1, 1),
    };
    Message::Group(GroupId(0), GroupMessage::VoteRequest(request))
}

fn answers(bytes: &Bytes) -> Vec<VoteAnswer> {
    let answer = |message| match message {
        Message::Group(_, GroupMessage::VoteAnswer(answer)) => Some(answer),
        _ => None,
    };
    said(bytes).into_iter().filter_map(answer).collect()
}

/// Does what is to be done; what it answered to requests for votes.
fn settle(consensus: &mut Consensus, stored: &mut StoredGroup) -> Vec<VoteAnswer> {
    let mut said = Vec::new();
    while let Some(output) = consensus.poll_output() {
        match output {
            Output::Send { bytes, .. } => said.extend(answers(&bytes)),
            Output::Store(what) => {
                let id = what.id;
                write(stored, what);
                consensus.stored(LATER, id);
            }
            Output::Connect { .. } => {}
        }
    }
    said
}

fn ask(
    consensus: &mut Consensus,
    stored: &mut StoredGroup,
    from: u16,
    term: u64,
) -> Vec<VoteAnswer> {
    consensus
        .receive(LATER, server(from), frame(&request(term)))
        .unwrap();
    settle(consensus, stored)
}

#[test]
fn a_vote_is_given_once_in_a_term_though_the_server_is_restarted_in_between() {
    let mut stored = founded();
    let mut consensus = begin(stored.clone());
    settle(&mut consensus, &mut stored);
    let granted = ask(&mut consensus, &mut stored, 2, 5);
    assert!(
        matches!(
            granted[..],
            [VoteAnswer {
                refused: false,
                term: 5,
                ..
            }]
        ),
        "{granted:?}"
    );
    let mut consensus = begin(stored.clone());
    let refused = ask(&mut consensus, &mut stored, 3, 5);
    assert!(
        matches!(
            refused[..],
            [VoteAnswer {
                refused: true,
                term: 5,
                ..
            }]
        ),
        "{refused:?}"
    );
    let again = ask(&mut consensus, &mut stored, 2, 5);
    assert!(
        matches!(again[..], [VoteAnswer { refused: false, .. }]),
        "to the same one it is the same vote"
    );
    assert_eq!(
        ask(&mut consensus, &mut stored, 3, 4),
        [],
        "the term is remembered as well"
    );
}

#[test]
fn a_vote_that_is_not_stored_yet_is_not_given() {
    let mut consensus = begin(founded());
    let mut stored = founded();
    settle(&mut consensus, &mut stored);
    consensus
        .receive(LATER, server(2), frame(&request(5)))
        .unwrap();
    let mut written = None;
    while let Some(output) = consensus.poll_output() {
        match output {
            Output::Send { bytes, .. } => assert_eq!(answers(&bytes), []),
            Output::Store(write) => written = Some(write.id),
            Output::Connect { .. } => {}
        }
    }
    consensus.stored(LATER, written.unwrap());
    assert_eq!(settle(&mut consensus, &mut stored).len(), 1);
}
