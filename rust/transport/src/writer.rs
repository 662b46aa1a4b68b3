//! Writing frames to a stream.

use std::{collections::VecDeque, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use quinn::{SendStream, WriteError};
use tokio::time;

use crate::{framing, queue::SendQueue};

/// Why frames cannot be written any more.
#[derive(Debug)]
pub(crate) enum Unwritable {
    /// The peer wants nothing more on the stream.
    Refused,
    /// The peer takes nothing, without a word.
    Stalled,
    /// The connection is lost; its reading side knows why.
    Lost,
}

/// Moves frames from a queue to a stream without copying them.
#[derive(Debug)]
pub(crate) struct FrameWriter<'a> {
    queue: &'a SendQueue,
    stream: SendStream,
    stall_time_max: Duration,
    batch: VecDeque<Bytes>,
    prefixes: BytesMut,
    /// A prefix and its frame, in turn.
    chunks: Vec<Bytes>,
    lengths: Vec<usize>,
}

impl<'a> FrameWriter<'a> {
    /// A peer may take nothing for `stall_time_max`.
    pub(crate) fn new(queue: &'a SendQueue, stream: SendStream, stall_time_max: Duration) -> Self {
        Self {
            queue,
            stream,
            stall_time_max,
            batch: VecDeque::new(),
            prefixes: BytesMut::new(),
            chunks: Vec::new(),
            lengths: Vec::new(),
        }
    }

    /// Ends well when the queue is closed and the peer has acknowledged all that was in it.
    pub(crate) async fn run(&mut self) -> Result<(), Unwritable> {
        while self.queue.take(&mut self.batch).await {
            self.frame_batch();
            self.write_batch().await?;
        }
        // Fails only on a stream that has ended; how it ended is asked next.
        let _ = self.stream.finish();
        match self.stream.stopped().await {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(Unwritable::Refused),
            Err(_) => Err(Unwritable::Lost),
        }
    }

    fn frame_batch(&mut self) {
        self.prefixes
            .reserve(self.batch.len() * framing::PREFIX_BYTES);
        self.chunks.clear();
        self.lengths.clear();
        for frame in self.batch.drain(..) {
            self.prefixes.put_slice(&framing::prefix(&frame));
            self.lengths.push(frame.len());
            self.chunks.extend([self.prefixes.split().freeze(), frame]);
        }
    }

    /// Makes room in the queue for each frame that QUIC has taken over.
    async fn write_batch(&mut self) -> Result<(), Unwritable> {
        let mut done = 0;
        while done < self.chunks.len() {
            let before = done;
            done += self.write_some(before).await?;
            for &length in &self.lengths[before / 2..done / 2] {
                self.queue.release(length);
            }
        }
        Ok(())
    }

    /// Writes what QUIC takes of the chunks from the one at `from` on, and gives how many it took whole.
    async fn write_some(&mut self, from: usize) -> Result<usize, Unwritable> {
        let writing = self.stream.write_chunks(&mut self.chunks[from..]);
        match time::timeout(self.stall_time_max, writing).await {
            Ok(Ok(written)) => Ok(written.chunks),
            Ok(Err(WriteError::Stopped(_))) => Err(Unwritable::Refused),
            Ok(Err(_)) => Err(Unwritable::Lost),
            Err(_) => Err(Unwritable::Stalled),
        }
    }
}
