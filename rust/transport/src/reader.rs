//! Reading frames from a stream.

use quinn::{ConnectionError, ReadError, RecvStream};
use tokio::sync::mpsc;

use bytes::Bytes;

use crate::framing::FrameReader;

/// Why no more frames can be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The peer ended the stream between two frames.
    Ended,
    /// The peer broke the framing; the text says how.
    Broken(String),
    /// The connection is lost.
    Lost(ConnectionError),
}

/// Reads frames of at most `bytes_max` into the inbox, and waits where that is full, until there are no more.
pub(crate) async fn read_frames<T>(
    stream: &mut RecvStream,
    bytes_max: usize,
    inbox: &mpsc::Sender<T>,
    wrap: impl Fn(Bytes) -> T,
) -> Unreadable {
    let mut reader = FrameReader::new(bytes_max);
    loop {
        let mut chunk = match stream.read_chunk(usize::MAX, true).await {
            Ok(Some(chunk)) => chunk.bytes,
            Ok(None) if reader.is_between_frames() => return Unreadable::Ended,
            Ok(None) => return Unreadable::Broken("ended its stream within a frame".to_owned()),
            Err(ReadError::ConnectionLost(error)) => return Unreadable::Lost(error),
            Err(error) => return Unreadable::Broken(format!("broke its stream: {error}")),
        };
        while !chunk.is_empty() {
            match reader.next(&mut chunk) {
                // Without a driver there is nobody to tell.
                Ok(Some(frame)) => drop(inbox.send(wrap(frame)).await),
                Ok(None) => {}
                Err(error) => return Unreadable::Broken(error.to_string()),
            }
        }
    }
}
