//! Messages on their way out that are to share a frame or a datagram.

use std::collections::VecDeque;

use bytes::Bytes;
use synced_protocol::{id::ServerId, time::Micros};

use crate::{
    codec::{BEAT_BYTES_MAX, Beat, Beats, Header, MAX_BEATS, Message},
    output::{Lane, MAX_BEAT_BYTES, MAX_MESSAGE_BYTES, Output},
};

/// The heartbeats of one datagram, so that all of them fit whatever their numbers are.
const BEATS_MAX: usize = (MAX_BEAT_BYTES - HEAD_BYTES) / BEAT_BYTES_MAX;
/// What stands before the heartbeats of a datagram: the header, a tag, the promise, the time, the count.
const HEAD_BYTES: usize = 9 + 1 + 9 + 8 + 2;

const _: () = assert!(BEATS_MAX > 16 && BEATS_MAX <= MAX_BEATS);

/// Messages to one server by one lane, until they are packed into a frame.
#[derive(Debug)]
pub(crate) struct Frame {
    lane: Lane,
    header: Option<Header>,
    bytes: Vec<u8>,
}

impl Frame {
    pub(crate) const fn new(lane: Lane) -> Self {
        Self {
            lane,
            header: None,
            bytes: Vec::new(),
        }
    }

    /// Adds a message. Whatever does not belong with it, or does not fit beside it, is packed before.
    pub(crate) fn add(
        &mut self,
        to: ServerId,
        header: Header,
        message: &Message,
        out: &mut VecDeque<Output>,
    ) {
        if self.header != Some(header) {
            self.pack(to, out);
            self.begin(header);
        }
        let before = self.bytes.len();
        message.put(&mut self.bytes);
        if self.bytes.len() > MAX_MESSAGE_BYTES {
            let tail = self.bytes.split_off(before);
            self.pack(to, out);
            self.begin(header);
            self.bytes.extend_from_slice(&tail);
        }
    }

    fn begin(&mut self, header: Header) {
        self.header = Some(header);
        header.put(&mut self.bytes);
    }

    /// Packs what there is.
    pub(crate) fn pack(&mut self, to: ServerId, out: &mut VecDeque<Output>) {
        if self.header.take().is_some() {
            let bytes = Bytes::from(std::mem::take(&mut self.bytes));
            out.push_back(Output::Send {
                to,
                lane: self.lane,
                bytes,
            });
        }
    }
}

/// Heartbeats to one server, or answers to its own, until they are packed into a datagram.
#[derive(Debug)]
pub(crate) struct Datagram {
    message: fn(Micros, Beats) -> Message,
    header: Option<Header>,
    promise: Micros,
    sent_at: Micros,
    beats: Vec<Beat>,
}

impl Datagram {
    /// Heartbeats, which promise nothing.
    pub(crate) const fn of_beats() -> Self {
        Self::new(Micros::ZERO, |_, beats| Message::Beats(beats))
    }

    /// Answers, which promise to elect nobody else for so long.
    pub(crate) const fn of_answers(promise: Micros) -> Self {
        Self::new(promise, Message::BeatAnswers)
    }

    const fn new(promise: Micros, message: fn(Micros, Beats) -> Message) -> Self {
        Self {
            message,
            header: None,
            promise,
            sent_at: Micros::ZERO,
            beats: Vec::new(),
        }
    }

    /// Adds a heartbeat of that time. Those of another are packed before.
    pub(crate) fn add(
        &mut self,
        to: ServerId,
        header: Header,
        sent_at: Micros,
        beat: Beat,
        out: &mut VecDeque<Output>,
    ) {
        let other = self.header != Some(header) || self.sent_at != sent_at;
        if other || self.beats.len() >= BEATS_MAX {
            self.pack(to, out);
        }
        self.header = Some(header);
        self.sent_at = sent_at;
        self.beats.push(beat);
    }

    /// Packs what there is.
    pub(crate) fn pack(&mut self, to: ServerId, out: &mut VecDeque<Output>) {
        let Some(header) = self.header.take() else {
            return;
        };
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.beats.len() * BEAT_BYTES_MAX);
        header.put(&mut bytes);
        let beats = std::mem::take(&mut self.beats);
        let sent_at = self.sent_at;
        (self.message)(self.promise, Beats { sent_at, beats }).put(&mut bytes);
        out.push_back(Output::Send {
            to,
            lane: Lane::Datagram,
            bytes: bytes.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::{
        bytes_io::Reader,
        id::{GroupId, LogIndex, Term},
        limits::MAX_FRAME_BYTES,
        store::{EntryKind, RaftEntry},
    };

    use super::*;
    use crate::codec::{Append, GroupMessage, NUMBER_MAX};

    const TO: ServerId = ServerId(2);
    const HEADER: Header = Header {
        version: 1,
        from: 0,
        to: 0,
    };

    fn bytes(output: &Output) -> &Bytes {
        match output {
            Output::Send { bytes, .. } => bytes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn heartbeats_of_more_groups_than_fit_go_in_several_datagrams_none_of_them_too_large() {
        let largest = NUMBER_MAX - 1;
        let (mut datagram, mut out) = (Datagram::of_answers(Micros(largest)), VecDeque::new());
        for group in 0..1_000 {
            let beat = Beat {
                group: GroupId(u32::MAX - group),
                term: largest,
                committed: largest,
            };
            datagram.add(TO, HEADER, Micros(7), beat, &mut out);
        }
        datagram.pack(TO, &mut out);
        let mut read = 0;
        for output in &out {
            let bytes = bytes(output);
            assert!(bytes.len() <= MAX_BEAT_BYTES, "{}", bytes.len());
            let mut reader = Reader::new(&bytes[9..]);
            let Ok(Message::BeatAnswers(_, beats)) = Message::read(&mut reader, bytes) else {
                panic!()
            };
            read += beats.beats.len();
        }
        assert_eq!(read, 1_000);
    }

    #[test]
    fn messages_share_frames_none_of_which_is_too_large() {
        let (mut frame, mut out) = (Frame::new(Lane::Frame), VecDeque::new());
        let entry = RaftEntry {
            index: LogIndex(2),
            term: Term(1),
            kind: EntryKind::Normal,
            data: vec![1; MAX_FRAME_BYTES].into(),
        };
        let append = Append {
            term: 1,
            previous: (1, 1),
            committed: 1,
            entries: vec![entry],
        };
        let message = Message::Group(GroupId(0), GroupMessage::Append(append));
        for _ in 0..10 {
            frame.add(TO, HEADER, &message, &mut out);
        }
        frame.pack(TO, &mut out);
        assert_eq!(out.len(), 4, "three to a frame");
        assert!(
            out.iter()
                .all(|output| bytes(output).len() <= MAX_MESSAGE_BYTES)
        );
    }

    #[test]
    fn what_is_for_another_life_of_a_server_goes_by_itself() {
        let (mut frame, mut out) = (Frame::new(Lane::Frame), VecDeque::new());
        let message = Message::Group(GroupId(0), GroupMessage::TakeOver { term: 1 });
        for to in [0, 0, 9] {
            frame.add(TO, Header { to, ..HEADER }, &message, &mut out);
        }
        frame.pack(TO, &mut out);
        assert_eq!(out.len(), 2);
    }
}
