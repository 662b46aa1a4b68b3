//! What other servers sent, to the groups that it is about.

use bytes::Bytes;
use synced_protocol::{
    bytes_io::Reader,
    error::DecodeError,
    id::{ReplicaId, ServerId},
};

use super::Consensus;
use crate::{
    codec::{Beat, Beats, Beginning, Header, Message},
    group::{Group, Io},
};

impl Consensus {
    pub(super) fn read(&mut self, from: ServerId, bytes: &Bytes) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        let header = match Beginning::read(&mut reader, self.config.versions)? {
            Beginning::Hello(hello) => {
                self.astray += u64::from(!self.peers.hello(from, hello));
                return Ok(());
            }
            Beginning::Messages(header) => header,
        };
        if !self.is_between_us(from, header) {
            self.astray += 1;
            return Ok(());
        }
        let from = ReplicaId::new(from, header.from);
        while !reader.rest().is_empty() {
            let message = Message::read(&mut reader, bytes)?;
            self.dispatch(from, message);
        }
        Ok(())
    }

    /// Whether a message is from a life that is not over to this one.
    fn is_between_us(&mut self, from: ServerId, header: Header) -> bool {
        header.to == self.config.replica.incarnation()
            && from != self.config.replica.server()
            && self.peers.heard(from, header.from)
    }

    fn dispatch(&mut self, from: ReplicaId, message: Message) {
        match message {
            Message::Group(id, message) => {
                let (groups, mut io) = self.split();
                match groups.get_mut(&id) {
                    Some(group) => group.receive(&mut io, from, message),
                    None => self.refused += 1,
                }
            }
            Message::Beats(beats) => {
                let sent_at = beats.sent_at;
                self.dispatch_beats(beats, |group, io, beat| {
                    group.receive_beat(io, from, sent_at, beat)
                })
            }
            // Nothing that comes back was sent in the future.
            Message::BeatAnswers(_, beats) if beats.sent_at > self.now => self.refused += 1,
            Message::BeatAnswers(promise, beats) => {
                let sent_at = beats.sent_at;
                self.dispatch_beats(beats, |group, io, beat| {
                    group.receive_beat_answer(io, from, (sent_at, promise), beat)
                })
            }
        }
    }

    fn dispatch_beats(&mut self, beats: Beats, receive: impl Fn(&mut Group, &mut Io<'_>, Beat)) {
        let (groups, mut io) = self.split();
        for beat in beats.beats {
            if let Some(group) = groups.get_mut(&beat.group) {
                receive(group, &mut io, beat);
            }
        }
    }
}
