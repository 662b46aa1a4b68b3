//! Frames on a QUIC stream: a length (u32, little-endian), then so many bytes.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use synced_protocol::limits::MAX_PEER_FRAME_BYTES;

/// How long the length is, in bytes.
pub(crate) const PREFIX_BYTES: usize = 4;

/// The length that goes before a frame; a frame has at most [`MAX_PEER_FRAME_BYTES`].
pub(crate) fn prefix(frame: &Bytes) -> [u8; PREFIX_BYTES] {
    const { assert!(MAX_PEER_FRAME_BYTES <= u32::MAX as usize) };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "frames are checked when queued"
    )]
    (frame.len() as u32).to_le_bytes()
}

/// Cuts a stream into frames. Holds at most one frame's bytes, and never more than twice what has arrived of it.
#[derive(Debug)]
pub(crate) struct FrameReader {
    bytes_max: usize,
    prefix: [u8; PREFIX_BYTES],
    prefix_bytes: usize,
    frame: BytesMut,
}

impl FrameReader {
    /// For frames of at most `bytes_max`.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            prefix: [0; PREFIX_BYTES],
            prefix_bytes: 0,
            frame: BytesMut::new(),
        }
    }

    /// Takes from `chunk` up to the end of the next frame, and gives that frame if it is complete; `None` means that all
    /// of the chunk was taken. A frame that lies whole within the chunk is not copied.
    ///
    /// # Errors
    /// When the next length is not one that a frame may have. The stream is of no use then.
    pub(crate) fn next(&mut self, chunk: &mut Bytes) -> Result<Option<Bytes>, BadLength> {
        if !self.take_prefix(chunk) {
            return Ok(None);
        }
        let length = self.length()?;
        let missing = length - self.frame.len();
        if self.frame.is_empty() && chunk.len() >= length {
            self.prefix_bytes = 0;
            return Ok(Some(chunk.split_to(length)));
        }
        let taken = chunk.split_to(missing.min(chunk.len()));
        self.frame.extend_from_slice(&taken);
        Ok((taken.len() == missing).then(|| self.finish()))
    }

    /// Whether the stream may end here: no frame has begun.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.prefix_bytes == 0
    }

    /// Whether the prefix is complete.
    fn take_prefix(&mut self, chunk: &mut Bytes) -> bool {
        let rest = &mut self.prefix[self.prefix_bytes..];
        let taken = rest.len().min(chunk.len());
        rest[..taken].copy_from_slice(&chunk[..taken]);
        chunk.advance(taken);
        self.prefix_bytes += taken;
        self.prefix_bytes == PREFIX_BYTES
    }

    fn length(&self) -> Result<usize, BadLength> {
        let length = u32::from_le_bytes(self.prefix);
        match usize::try_from(length) {
            Ok(bytes) if (1..=self.bytes_max).contains(&bytes) => Ok(bytes),
            _ => Err(BadLength {
                announced: length,
                bytes_max: self.bytes_max,
            }),
        }
    }

    fn finish(&mut self) -> Bytes {
        self.prefix_bytes = 0;
        std::mem::take(&mut self.frame).freeze()
    }
}

/// A length that no frame has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadLength {
    announced: u32,
    bytes_max: usize,
}

impl fmt::Display for BadLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "announced a frame of {} bytes; a frame has 1 to {}",
            self.announced, self.bytes_max
        )
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;
    use proptest::prelude::*;
    use synced_protocol::limits::MAX_FRAME_BYTES;

    use super::*;

    fn read_all(
        chunks: impl IntoIterator<Item = Bytes>,
    ) -> Result<(Vec<Bytes>, FrameReader), BadLength> {
        let (mut reader, mut frames) = (FrameReader::new(MAX_FRAME_BYTES), Vec::new());
        for mut chunk in chunks {
            while !chunk.is_empty() {
                frames.extend(reader.next(&mut chunk)?);
            }
        }
        Ok((frames, reader))
    }

    fn stream_of(frames: &[Bytes]) -> Bytes {
        let mut stream = BytesMut::new();
        for frame in frames {
            stream.put_slice(&prefix(frame));
            stream.put_slice(frame);
        }
        stream.freeze()
    }

    #[test]
    fn a_frame_within_one_chunk_is_not_copied() {
        let stream = stream_of(&[Bytes::from_static(b"frame")]);
        let (frames, _) = read_all([stream.clone()]).unwrap();
        assert_eq!(frames[0].as_ptr(), stream[PREFIX_BYTES..].as_ptr());
    }

    #[test]
    fn lengths_of_nothing_and_beyond_the_limit_are_refused_at_once() {
        for length in [0, 64 * 1024 + 1, u32::MAX] {
            let stream = Bytes::copy_from_slice(&length.to_le_bytes());
            let error = read_all([stream]).unwrap_err();
            assert_eq!(error.announced, length);
        }
    }

    #[test]
    fn the_largest_frame_is_read() {
        let frame = Bytes::from(vec![7; MAX_FRAME_BYTES]);
        let (frames, _) = read_all([stream_of(std::slice::from_ref(&frame))]).unwrap();
        assert_eq!(frames, [frame]);
    }

    #[test]
    fn an_announced_length_alone_takes_no_memory() {
        let announced = (MAX_FRAME_BYTES as u32).to_le_bytes();
        let (_, reader) =
            read_all([Bytes::copy_from_slice(&announced), Bytes::from_static(b"x")]).unwrap();
        assert!(reader.frame.capacity() < 1024);
        assert!(!reader.is_between_frames());
    }

    proptest! {
        #[test]
        fn frames_come_back_however_the_stream_is_cut(
            lengths in proptest::collection::vec(1_usize..3000, 0..8),
            cuts in proptest::collection::vec(1_usize..2000, 0..40),
            cut_off in 0_usize..4,
        ) {
            let frames: Vec<Bytes> = lengths.iter().map(|&n| Bytes::from(vec![n as u8; n])).collect();
            let mut stream = stream_of(&frames);
            stream.truncate(stream.len().saturating_sub(cut_off));
            let whole = cut_off == 0 || frames.is_empty();
            let mut chunks = Vec::new();
            for cut in cuts {
                chunks.push(stream.split_to(cut.min(stream.len())));
            }
            chunks.push(stream);
            let (read, reader) = read_all(chunks).unwrap();
            let complete = frames.len() - usize::from(!whole);
            prop_assert_eq!(&read[..], &frames[..complete]);
            prop_assert_eq!(reader.is_between_frames(), whole);
        }

        #[test]
        fn any_bytes_are_frames_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_all([Bytes::from(bytes)]);
        }
    }
}
