//! The newest frames of the stream, for players who come back.

use std::collections::VecDeque;

use bytes::Bytes;
use synced_protocol::id::{LogIndex, PlayerId};

/// Frames in the order in which they were published, as many as the limits allow.
#[derive(Debug)]
pub(crate) struct Kept {
    frames: VecDeque<KeptFrame>,
    bytes: usize,
    frames_max: usize,
    bytes_max: usize,
    /// Whoever was here or further has missed nothing but what is kept.
    floor: LogIndex,
}

#[derive(Debug)]
struct KeptFrame {
    log_index: LogIndex,
    /// The one player whom it is for, or everybody.
    to: Option<PlayerId>,
    bytes: Bytes,
}

impl Kept {
    pub(crate) const fn new(frames_max: usize, bytes_max: usize) -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            frames_max,
            bytes_max,
            floor: LogIndex::ZERO,
        }
    }

    pub(crate) fn push(&mut self, log_index: LogIndex, to: Option<PlayerId>, bytes: Bytes) {
        self.bytes += bytes.len();
        self.frames.push_back(KeptFrame {
            log_index,
            to,
            bytes,
        });
        while self.frames.len() > self.frames_max || self.bytes > self.bytes_max {
            self.drop_oldest();
        }
    }

    /// What `player` has missed after `cursor`, or `None` when that is not known any more.
    ///
    /// A rejection that never reached the log stands at the index before it, so rejections at the cursor itself are told
    /// again: the player may have heard them or not.
    pub(crate) fn after(
        &self,
        cursor: LogIndex,
        player: PlayerId,
    ) -> Option<impl Iterator<Item = &Bytes>> {
        if cursor < self.floor {
            return None;
        }
        let first = self
            .frames
            .partition_point(|frame| frame.log_index < cursor);
        let missed = self
            .frames
            .range(first..)
            .filter(move |frame| match frame.to {
                None => frame.log_index > cursor,
                Some(to) => to == player,
            });
        Some(missed.map(|frame| &frame.bytes))
    }

    fn drop_oldest(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.bytes -= frame.bytes.len();
            // Who was at a rejection's index may have missed it, who was at a commit's has applied it.
            self.floor = match frame.to {
                Some(_) => frame.log_index.next(),
                None => frame.log_index,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PlayerId = PlayerId(1);
    const B: PlayerId = PlayerId(2);

    fn kept(frames_max: usize, bytes_max: usize) -> Kept {
        let mut kept = Kept::new(frames_max, bytes_max);
        for index in 1..=4 {
            let frame = Bytes::from(vec![index; 10]);
            kept.push(LogIndex(index.into()), None, frame);
        }
        kept
    }

    fn after(kept: &Kept, cursor: u64, player: PlayerId) -> Option<Vec<u8>> {
        let missed = kept.after(LogIndex(cursor), player)?;
        Some(missed.map(|frame| frame[0]).collect())
    }

    #[test]
    fn a_returning_player_gets_what_comes_after_the_cursor_and_only_that() {
        let kept = kept(10, 1_000);
        assert_eq!(after(&kept, 2, A), Some(vec![3, 4]));
        assert_eq!(after(&kept, 0, A), Some(vec![1, 2, 3, 4]));
        assert_eq!(after(&kept, 4, A), Some(vec![]));
    }

    #[test]
    fn past_the_limit_of_frames_or_of_bytes_the_oldest_are_not_known_any_more() {
        for kept in [kept(2, 1_000), kept(10, 29)] {
            assert_eq!(after(&kept, 1, A), None);
            assert_eq!(after(&kept, 2, A), Some(vec![3, 4]));
        }
    }

    #[test]
    fn a_rejection_is_for_its_player_alone_and_told_again_at_the_cursor() {
        let mut kept = kept(10, 1_000);
        kept.push(LogIndex(4), Some(A), Bytes::from_static(&[40]));
        kept.push(LogIndex(5), Some(A), Bytes::from_static(&[50]));
        assert_eq!(after(&kept, 4, A), Some(vec![40, 50]));
        assert_eq!(after(&kept, 3, B), Some(vec![4]));
    }

    #[test]
    fn who_may_have_missed_a_rejection_that_is_not_kept_cannot_go_on_from_there() {
        let mut kept = Kept::new(1, 1_000);
        kept.push(LogIndex(4), Some(A), Bytes::from_static(&[40]));
        kept.push(LogIndex(4), Some(A), Bytes::from_static(&[41]));
        assert_eq!(after(&kept, 4, A), None);
        kept.push(LogIndex(5), None, Bytes::from_static(&[50]));
        kept.push(LogIndex(6), None, Bytes::from_static(&[60]));
        assert_eq!(after(&kept, 5, A), Some(vec![60]));
    }
}
