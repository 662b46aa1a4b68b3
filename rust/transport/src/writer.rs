//! Writing frames to the stream of the confirmed lane.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};
use quinn::{SendStream, WriteError};

use crate::{framing, queue::SendQueue};

/// Moves frames from a queue to a stream without copying them.
#[derive(Debug)]
pub(crate) struct FrameWriter<'a> {
    queue: &'a SendQueue,
    stream: SendStream,
    batch: VecDeque<Bytes>,
    prefixes: BytesMut,
    /// A prefix and its frame, in turn.
    chunks: Vec<Bytes>,
    lengths: Vec<usize>,
}

impl<'a> FrameWriter<'a> {
    pub(crate) fn new(queue: &'a SendQueue, stream: SendStream) -> Self {
        Self {
            queue,
            stream,
            batch: VecDeque::new(),
            prefixes: BytesMut::new(),
            chunks: Vec::new(),
            lengths: Vec::new(),
        }
    }

    /// Ends well when the queue is closed and the peer has acknowledged all that was in it.
    pub(crate) async fn run(&mut self) -> Result<(), WriteError> {
        while self.queue.take(&mut self.batch).await {
            self.frame_batch();
            self.write_batch().await?;
        }
        // Fails only on a stream that has ended; how it ended is asked next.
        let _ = self.stream.finish();
        match self.stream.stopped().await? {
            None => Ok(()),
            Some(code) => Err(WriteError::Stopped(code)),
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
    async fn write_batch(&mut self) -> Result<(), WriteError> {
        let mut done = 0;
        while done < self.chunks.len() {
            let before = done;
            done += self
                .stream
                .write_chunks(&mut self.chunks[done..])
                .await?
                .chunks;
            for &length in &self.lengths[before / 2..done / 2] {
                self.queue.release(length);
            }
        }
        Ok(())
    }
}
