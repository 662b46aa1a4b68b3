//! The frames that wait to be written to one connection.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use synced_protocol::link::CloseCode;
use tokio::sync::Notify;

/// What a waiting frame costs beside its own bytes: its place in the queue, and that of its prefix when written.
pub(crate) const FRAME_OVERHEAD_BYTES: usize = 2 * size_of::<Bytes>();

/// Frames go in at the driver, and out at the one task that writes to the connection.
///
/// Closing is in the queue's order: what was pushed before goes out first.
#[derive(Debug)]
pub(crate) struct SendQueue {
    bytes_max: usize,
    state: Mutex<State>,
    changed: Notify,
    close_asked: Notify,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Bytes>,
    /// The cost of `frames` and of those taken but not yet released.
    bytes: usize,
    close: Option<CloseCode>,
}

/// The peer takes frames more slowly than they come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

impl SendQueue {
    /// A queue in which no more than `bytes_max` wait, with [`FRAME_OVERHEAD_BYTES`] for each frame.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            state: Mutex::default(),
            changed: Notify::new(),
            close_asked: Notify::new(),
        }
    }

    /// Appends a frame. After [`close`](Self::close) frames vanish.
    ///
    /// # Errors
    /// When more would wait than may; the frame is not taken.
    pub(crate) fn push(&self, frame: Bytes) -> Result<(), Overflow> {
        let mut state = self.state();
        let bytes = state.bytes + cost(&frame);
        if state.close.is_some() {
            return Ok(());
        }
        if bytes > self.bytes_max {
            return Err(Overflow);
        }
        state.bytes = bytes;
        state.frames.push_back(frame);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Lets the connection end once the queue is empty. The first code given stands.
    pub(crate) fn close(&self, code: CloseCode) {
        self.state().close.get_or_insert(code);
        self.changed.notify_one();
        self.close_asked.notify_one();
    }

    /// The code given to [`close`](Self::close), if it was called.
    pub(crate) fn close_code(&self) -> Option<CloseCode> {
        self.state().close
    }

    /// Waits for [`close`](Self::close). For one waiter at a time.
    pub(crate) async fn closing(&self) -> CloseCode {
        loop {
            if let Some(code) = self.close_code() {
                return code;
            }
            self.close_asked.notified().await;
        }
    }

    /// Waits for frames and moves all of them into `batch`, which must be empty; false when the queue has been closed and
    /// nothing is left. For one taker at a time.
    pub(crate) async fn take(&self, batch: &mut VecDeque<Bytes>) -> bool {
        loop {
            {
                let mut state = self.state();
                if !state.frames.is_empty() {
                    mem::swap(&mut state.frames, batch);
                    return true;
                }
                if state.close.is_some() {
                    return false;
                }
            }
            self.changed.notified().await;
        }
    }

    /// Makes room after a taken frame of `length` bytes has been handed on.
    pub(crate) fn release(&self, length: usize) {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_sub(length + FRAME_OVERHEAD_BYTES);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cost(frame: &Bytes) -> usize {
    frame.len() + FRAME_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SEND_QUEUE_BYTES_MAX;

    fn frame(length: usize) -> Bytes {
        Bytes::from(vec![1; length])
    }

    async fn taken(queue: &SendQueue) -> Option<Vec<usize>> {
        let mut batch = VecDeque::new();
        let more = queue.take(&mut batch).await;
        more.then(|| batch.iter().map(Bytes::len).collect())
    }

    #[tokio::test]
    async fn frames_pushed_before_the_close_come_out_in_order_and_later_ones_do_not() {
        let queue = SendQueue::new(SEND_QUEUE_BYTES_MAX);
        queue.push(frame(1)).unwrap();
        queue.push(frame(2)).unwrap();
        queue.close(CloseCode::Done);
        queue.push(frame(3)).unwrap();
        assert_eq!(taken(&queue).await, Some(vec![1, 2]));
        assert_eq!(taken(&queue).await, None);
    }

    #[tokio::test]
    async fn the_first_close_code_stands() {
        let queue = SendQueue::new(SEND_QUEUE_BYTES_MAX);
        assert_eq!(queue.close_code(), None);
        queue.close(CloseCode::TooSlow);
        queue.close(CloseCode::Done);
        assert_eq!(queue.closing().await, CloseCode::TooSlow);
    }

    #[tokio::test]
    async fn the_queue_overflows_past_its_limit_and_takes_more_once_frames_are_handed_on() {
        let queue = SendQueue::new(SEND_QUEUE_BYTES_MAX);
        let fitting = SEND_QUEUE_BYTES_MAX - FRAME_OVERHEAD_BYTES;
        queue.push(frame(fitting)).unwrap();
        assert_eq!(queue.push(frame(1)), Err(Overflow));
        assert_eq!(taken(&queue).await, Some(vec![fitting]));
        assert_eq!(queue.push(frame(1)), Err(Overflow));
        queue.release(fitting);
        assert_eq!(queue.push(frame(1)), Ok(()));
    }

    #[test]
    fn tiny_frames_fill_the_queue_too() {
        let queue = SendQueue::new(SEND_QUEUE_BYTES_MAX);
        let fitting = SEND_QUEUE_BYTES_MAX / (1 + FRAME_OVERHEAD_BYTES);
        for _ in 0..fitting {
            queue.push(Bytes::from_static(b"x")).unwrap();
        }
        assert_eq!(queue.push(Bytes::from_static(b"x")), Err(Overflow));
    }

    #[tokio::test]
    async fn a_waiting_taker_is_woken_by_a_frame_and_by_the_close() {
        let queue = SendQueue::new(SEND_QUEUE_BYTES_MAX);
        let (first, ()) = tokio::join!(taken(&queue), async { queue.push(frame(5)).unwrap() });
        let (second, ()) = tokio::join!(taken(&queue), async { queue.close(CloseCode::Done) });
        assert_eq!((first, second), (Some(vec![5]), None));
    }
}
