//! The newest frames of the stream, for players who come back.

use std::collections::VecDeque;

use bytes::Bytes;
use synced_protocol::id::{ClientSeq, LogIndex, PlayerId};

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
    to: To,
    said: Said,
}

/// Whom a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// Everybody.
    All,
    /// The one player whose proposal was decided.
    Player(PlayerId),
    /// The one player whose proposal never got into the log: this server alone knows that.
    Early(PlayerId),
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// These bytes.
    Frame(Bytes),
    /// What another server rejected before the log: which, and why, is seen by the numbers that the log skips.
    Skipped {
        /// The first of them.
        first: ClientSeq,
        /// The last.
        last: ClientSeq,
    },
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

    pub(crate) fn push(&mut self, log_index: LogIndex, to: To, said: Said) {
        self.bytes += said.bytes();
        self.frames.push_back(KeptFrame {
            log_index,
            to,
            said,
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
    ) -> Option<impl Iterator<Item = &Said>> {
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
                To::All => frame.log_index > cursor,
                To::Player(to) | To::Early(to) => to == player,
            });
        Some(missed.map(|frame| &frame.said))
    }

    /// Forgets what this server alone rejected: whoever has not heard of it proposes it again, elsewhere or here.
    pub(crate) fn forget_early(&mut self) {
        self.frames
            .retain(|frame| !matches!(frame.to, To::Early(_)));
        self.bytes = self.frames.iter().map(|frame| frame.said.bytes()).sum();
    }

    /// Forgets everything: whoever was further back than `floor` has missed what is not known here.
    pub(crate) fn restart(&mut self, floor: LogIndex) {
        self.frames.clear();
        self.bytes = 0;
        self.floor = floor;
    }

    fn drop_oldest(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.bytes -= frame.said.bytes();
            // Who was at a rejection's index may have missed it, who was at a commit's has applied it.
            self.floor = match frame.to {
                To::Player(_) | To::Early(_) => frame.log_index.next(),
                To::All => frame.log_index,
            };
        }
    }
}

impl Said {
    fn bytes(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Skipped { .. } => 0,
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
            kept.push(LogIndex(index.into()), To::All, Said::Frame(frame));
        }
        kept
    }

    fn after(kept: &Kept, cursor: u64, player: PlayerId) -> Option<Vec<u8>> {
        let missed = kept.after(LogIndex(cursor), player)?;
        let first = |said: &Said| match said {
            Said::Frame(frame) => frame[0],
            Said::Skipped { first, .. } => first.0 as u8,
        };
        Some(missed.map(first).collect())
    }

    fn says(byte: u8) -> Said {
        Said::Frame(Bytes::from(vec![byte]))
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
        kept.push(LogIndex(4), To::Player(A), says(40));
        kept.push(LogIndex(5), To::Player(A), says(50));
        assert_eq!(after(&kept, 4, A), Some(vec![40, 50]));
        assert_eq!(after(&kept, 3, B), Some(vec![4]));
    }

    #[test]
    fn who_may_have_missed_a_rejection_that_is_not_kept_cannot_go_on_from_there() {
        let mut kept = Kept::new(1, 1_000);
        kept.push(LogIndex(4), To::Player(A), says(40));
        kept.push(LogIndex(4), To::Player(A), says(41));
        assert_eq!(after(&kept, 4, A), None);
        kept.push(LogIndex(5), To::All, says(50));
        kept.push(LogIndex(6), To::All, says(60));
        assert_eq!(after(&kept, 5, A), Some(vec![60]));
    }

    #[test]
    fn what_this_server_alone_rejected_is_forgotten_alone() {
        let mut kept = kept(10, 1_000);
        kept.push(LogIndex(4), To::Early(A), says(40));
        kept.push(LogIndex(5), To::Player(A), says(50));
        kept.forget_early();
        assert_eq!(after(&kept, 3, A), Some(vec![4, 50]));
        assert_eq!(kept.bytes, 41);
    }

    #[test]
    fn after_a_restart_nobody_goes_on_from_before_it() {
        let mut kept = kept(10, 1_000);
        kept.restart(LogIndex(9));
        assert_eq!(after(&kept, 8, A), None);
        assert_eq!(after(&kept, 9, A), Some(vec![]));
        assert_eq!(kept.bytes, 0);
    }
}
