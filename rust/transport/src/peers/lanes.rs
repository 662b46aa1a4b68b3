//! The two streams of a connection between servers.

use std::fmt;

use quinn::{Connection, RecvStream, SendStream};
use tokio::time;

use super::refusals;
use crate::limits;

/// Which of the two streams, as its first byte each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Lane {
    Ordered = 1,
    Bulk = 2,
}

/// Both ends of one stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) send: SendStream,
    pub(crate) receive: RecvStream,
}

/// The ordered lane, and the one that gives way to it.
#[derive(Debug)]
pub(crate) struct Lanes {
    pub(crate) ordered: Stream,
    pub(crate) bulk: Stream,
}

/// The streams did not come about, for the reason given.
#[derive(Debug)]
pub(crate) struct NoLanes(pub(crate) String);

impl Lanes {
    /// Opens both streams. That the peer answers on them is its word that it takes the connection.
    pub(crate) async fn open(connection: &Connection) -> Result<Self, NoLanes> {
        in_time(connection, async {
            let mut ordered = open(connection, Lane::Ordered).await?;
            let mut bulk = open(connection, Lane::Bulk).await?;
            expect(&mut ordered.receive, Lane::Ordered).await?;
            expect(&mut bulk.receive, Lane::Bulk).await?;
            Self::prioritised(ordered, bulk)
        })
        .await
    }

    /// Takes both streams as the peer opens them, and answers on them.
    pub(crate) async fn accept(connection: &Connection) -> Result<Self, NoLanes> {
        in_time(connection, async {
            let mut ordered = accept(connection, Lane::Ordered).await?;
            let mut bulk = accept(connection, Lane::Bulk).await?;
            announce(&mut ordered.send, Lane::Ordered).await?;
            announce(&mut bulk.send, Lane::Bulk).await?;
            Self::prioritised(ordered, bulk)
        })
        .await
    }

    fn prioritised(ordered: Stream, bulk: Stream) -> Result<Self, NoLanes> {
        ordered.send.set_priority(1).map_err(broken)?;
        bulk.send.set_priority(0).map_err(broken)?;
        Ok(Self { ordered, bulk })
    }
}

async fn in_time(
    connection: &Connection,
    lanes: impl Future<Output = Result<Lanes, NoLanes>>,
) -> Result<Lanes, NoLanes> {
    let lanes = time::timeout(limits::PEER_GREETING_TIME_MAX, lanes)
        .await
        .unwrap_or_else(|_| Err(NoLanes("it does not open its streams".to_owned())));
    // Where the connection has ended, how it did tells more.
    lanes.map_err(|error| match connection.close_reason() {
        Some(reason) => NoLanes(refusals::in_words(&reason)),
        None => error,
    })
}

async fn open(connection: &Connection, lane: Lane) -> Result<Stream, NoLanes> {
    let (send, receive) = connection.open_bi().await.map_err(broken)?;
    let mut stream = Stream { send, receive };
    announce(&mut stream.send, lane).await?;
    Ok(stream)
}

/// Streams are accepted in the order in which they were opened.
async fn accept(connection: &Connection, lane: Lane) -> Result<Stream, NoLanes> {
    let (send, mut receive) = connection.accept_bi().await.map_err(broken)?;
    expect(&mut receive, lane).await?;
    Ok(Stream { send, receive })
}

async fn announce(stream: &mut SendStream, lane: Lane) -> Result<(), NoLanes> {
    stream.write_all(&[lane as u8]).await.map_err(broken)
}

async fn expect(stream: &mut RecvStream, lane: Lane) -> Result<(), NoLanes> {
    let mut byte = [0];
    stream.read_exact(&mut byte).await.map_err(broken)?;
    if byte == [lane as u8] {
        Ok(())
    } else {
        Err(NoLanes(format!(
            "it began a stream with the byte {}",
            byte[0]
        )))
    }
}

fn broken(error: impl fmt::Display) -> NoLanes {
    NoLanes(error.to_string())
}
