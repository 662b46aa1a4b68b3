//! Our words for the engine's, and back.

use raft::eraftpb::{
    ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, ConfState, Entry,
    EntryType, Message, MessageType,
};
use synced_protocol::{
    id::{LogIndex, ReplicaId, Term},
    store::{EntryKind, Members, RaftEntry},
};

use crate::codec::{
    Append, AppendAnswer, GroupMessage, MembershipChange, Step, VoteAnswer, VoteRequest,
};

/// What the engine puts into the vote requests of one that was asked to take over.
const TAKING_OVER: &[u8] = b"CampaignTransfer";

/// The engine's entry for ours. A change of members is its context: its data is for the engine's own codec, whose parser is not to
/// meet what came from the network.
pub(crate) fn entry_into(entry: RaftEntry) -> Entry {
    let mut out = Entry {
        index: entry.index.0,
        term: entry.term.0,
        ..Entry::default()
    };
    match entry.kind {
        EntryKind::Normal => out.data = entry.data,
        EntryKind::Membership => {
            out.set_entry_type(EntryType::EntryConfChangeV2);
            out.context = entry.data;
        }
    }
    out
}

/// Our entry for the engine's.
pub(crate) fn entry_from(entry: &Entry) -> RaftEntry {
    let normal = entry.get_entry_type() == EntryType::EntryNormal;
    RaftEntry {
        index: LogIndex(entry.index),
        term: Term(entry.term),
        kind: if normal {
            EntryKind::Normal
        } else {
            EntryKind::Membership
        },
        data: if normal {
            entry.data.clone()
        } else {
            entry.context.clone()
        },
    }
}

/// The engine's message for ours; those about snapshots and heartbeats have their own ways.
pub(crate) fn message_into(from: ReplicaId, message: GroupMessage) -> Option<Message> {
    let mut out = match message {
        GroupMessage::Append(append) => append_into(append),
        GroupMessage::AppendAnswer(answer) => append_answer_into(answer),
        GroupMessage::VoteRequest(request) => vote_request_into(request),
        GroupMessage::VoteAnswer(answer) => vote_answer_into(answer),
        GroupMessage::TakeOver { term } => typed(MessageType::MsgTimeoutNow, term),
        GroupMessage::SnapshotOffer(_)
        | GroupMessage::SnapshotPart(_)
        | GroupMessage::SnapshotAnswer(_) => {
            return None;
        }
    };
    out.from = from.0;
    Some(out)
}

fn typed(kind: MessageType, term: u64) -> Message {
    let mut out = Message {
        term,
        ..Message::default()
    };
    out.set_msg_type(kind);
    out
}

fn append_into(append: Append) -> Message {
    let entries: Vec<Entry> = append.entries.into_iter().map(entry_into).collect();
    let mut out = typed(MessageType::MsgAppend, append.term);
    (out.index, out.log_term) = append.previous;
    out.commit = append.committed;
    out.set_entries(entries.into());
    out
}

fn append_answer_into(answer: AppendAnswer) -> Message {
    let mut out = typed(MessageType::MsgAppendResponse, answer.term);
    out.index = answer.index;
    out.commit = answer.committed;
    if let Some((hint, hint_term)) = answer.refused {
        out.reject = true;
        out.reject_hint = hint;
        out.log_term = hint_term;
    }
    out
}

fn vote_request_into(request: VoteRequest) -> Message {
    let kind = if request.pre {
        MessageType::MsgRequestPreVote
    } else {
        MessageType::MsgRequestVote
    };
    let mut out = typed(kind, request.term);
    (out.index, out.log_term) = request.last;
    (out.commit, out.commit_term) = request.committed;
    if request.forced {
        out.context = TAKING_OVER.into();
    }
    out
}

fn vote_answer_into(answer: VoteAnswer) -> Message {
    let kind = if answer.pre {
        MessageType::MsgRequestPreVoteResponse
    } else {
        MessageType::MsgRequestVoteResponse
    };
    let mut out = typed(kind, answer.term);
    out.reject = answer.refused;
    (out.commit, out.commit_term) = answer.committed;
    out
}

/// Our message for the engine's; those about snapshots and heartbeats have their own ways.
pub(crate) fn message_from(message: &Message) -> Option<GroupMessage> {
    let pre = matches!(
        message.get_msg_type(),
        MessageType::MsgRequestPreVote | MessageType::MsgRequestPreVoteResponse
    );
    Some(match message.get_msg_type() {
        MessageType::MsgAppend => GroupMessage::Append(Append {
            term: message.term,
            previous: (message.index, message.log_term),
            committed: message.commit,
            entries: message.entries.iter().map(entry_from).collect(),
        }),
        MessageType::MsgAppendResponse => GroupMessage::AppendAnswer(AppendAnswer {
            term: message.term,
            index: message.index,
            committed: message.commit,
            refused: message
                .reject
                .then_some((message.reject_hint, message.log_term)),
        }),
        MessageType::MsgRequestVote | MessageType::MsgRequestPreVote => {
            GroupMessage::VoteRequest(VoteRequest {
                pre,
                forced: message.context == TAKING_OVER,
                term: message.term,
                last: (message.index, message.log_term),
                committed: (message.commit, message.commit_term),
            })
        }
        MessageType::MsgRequestVoteResponse | MessageType::MsgRequestPreVoteResponse => {
            GroupMessage::VoteAnswer(VoteAnswer {
                pre,
                refused: message.reject,
                term: message.term,
                committed: (message.commit, message.commit_term),
            })
        }
        MessageType::MsgTimeoutNow => GroupMessage::TakeOver { term: message.term },
        _ => return None,
    })
}

/// The engine's change of members for ours.
pub(crate) fn conf_change(change: &MembershipChange) -> ConfChangeV2 {
    let mut out = ConfChangeV2::default();
    if change.joint {
        out.set_transition(ConfChangeTransition::Explicit);
    }
    let single = |(step, replica): &(Step, ReplicaId)| {
        let mut single = ConfChangeSingle {
            node_id: replica.0,
            ..ConfChangeSingle::default()
        };
        single.set_change_type(match step {
            Step::Vote => ConfChangeType::AddNode,
            Step::Learn => ConfChangeType::AddLearnerNode,
            Step::Leave => ConfChangeType::RemoveNode,
        });
        single
    };
    out.set_changes(change.steps.iter().map(single).collect::<Vec<_>>().into());
    out
}

/// Our members for the engine's, sorted, without addresses.
pub(crate) fn members_from(state: &ConfState) -> Members {
    let list = |ids: &[u64]| {
        let mut list: Vec<ReplicaId> = ids.iter().copied().map(ReplicaId).collect();
        list.sort_unstable();
        list
    };
    Members {
        voters: list(&state.voters),
        outgoing: list(&state.voters_outgoing),
        learners: list(&state.learners),
        learners_next: list(&state.learners_next),
        auto_leave: state.auto_leave,
        addresses: Vec::new(),
    }
}
