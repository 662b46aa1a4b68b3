//! Reading datagrams without copying them.

use super::{
    BLOCK_AIM, BLOCK_INPUT, BLOCK_JOINTS, BLOCK_STAMP, BLOCK_VALUE, BLOCK_VALUE_SAME,
    BLOCK_VALUE_SAME_END, Heads, KIND_DOWN, KIND_PING, KIND_PONG, KIND_UP, Loss,
    MAX_UP_DATAGRAM_BYTES, MAX_VALUE_AGE, NodeRef, VALUE_PACKED, aim, packed::Packed,
};
use crate::{
    bytes_io::Reader,
    error::DecodeError,
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId, PropertyId},
    input::Pose,
    limits::{MAX_DATAGRAM_BYTES, MAX_LIVE_VALUE_BYTES},
    time::Micros,
    value::Value,
};

/// One datagram.
#[derive(Debug)]
pub enum Datagram<'a> {
    /// From a player to the leader.
    Up(Live<'a>),
    /// From the leader to a player.
    Down {
        /// Who sent it to the leader.
        player: PlayerId,
        /// When the leader relayed it.
        hlc: HlcTimestamp,
        /// What the player sent.
        live: Live<'a>,
    },
    /// A client asks for the time.
    Ping {
        /// The client's local time.
        sent_at: Micros,
        /// Of the leader's live datagrams on their way to this client, lately.
        down_loss: Loss,
    },
    /// The answer.
    Pong(Pong),
}

/// The leader's answer to a ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pong {
    /// The local time that the ping carried.
    pub ping_sent_at: Micros,
    /// When the ping arrived, in session time.
    pub received_at: Micros,
    /// When the answer left, in session time.
    pub sent_at: Micros,
    /// Of this client's live datagrams on their way to the leader, lately.
    pub up_loss: Loss,
    /// The highest [`down_loss`](Datagram::Ping::down_loss) that any other player told lately.
    pub peers_loss: Loss,
}

/// What a player sends live.
#[derive(Debug, Clone, Copy)]
pub struct Live<'a> {
    /// Counts this player's live datagrams, from 0, wrapping.
    pub sequence: u32,
    /// When the player sent it, in session time as the player knows it.
    pub sent_at: Micros,
    body: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads a datagram up to its blocks.
    ///
    /// # Errors
    /// Whatever is wrong with the bytes before the blocks.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let kind = reader.u8()?;
        let limit = if kind == KIND_UP {
            MAX_UP_DATAGRAM_BYTES
        } else {
            MAX_DATAGRAM_BYTES
        };
        if bytes.len() > limit {
            return Err(DecodeError::TooLong {
                what: "datagram",
                limit,
            });
        }
        let datagram = match kind {
            KIND_UP => return Live::take(&mut reader).map(Self::Up),
            KIND_DOWN => {
                let player = PlayerId(reader.u32()?);
                let hlc = HlcTimestamp(reader.u64()?);
                return Ok(Self::Down {
                    player,
                    hlc,
                    live: Live::take(&mut reader)?,
                });
            }
            KIND_PING => Self::Ping {
                sent_at: Micros(reader.u64()?),
                down_loss: Loss(reader.u16()?),
            },
            KIND_PONG => Self::Pong(Pong {
                ping_sent_at: Micros(reader.u64()?),
                received_at: Micros(reader.u64()?),
                sent_at: Micros(reader.u64()?),
                up_loss: Loss(reader.u16()?),
                peers_loss: Loss(reader.u16()?),
            }),
            tag => {
                return Err(DecodeError::BadTag {
                    what: "datagram",
                    tag,
                });
            }
        };
        reader.finish()?;
        Ok(datagram)
    }
}

impl<'a> Live<'a> {
    /// The blocks, in the order in which they were written.
    #[must_use]
    pub fn blocks(&self) -> Blocks<'a> {
        Blocks {
            sent_at: self.sent_at,
            stamp: self.sent_at,
            stamp_block: &[],
            heads: Heads::default(),
            reader: Reader::new(self.body),
        }
    }

    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let sequence = reader.u32()?;
        let sent_at = Micros(reader.u64()?);
        Ok(Self {
            sequence,
            sent_at,
            body: reader.rest(),
        })
    }
}

/// One block: the smallest part that the leader relays or leaves out.
#[derive(Debug)]
pub struct Block<'a> {
    /// Whose input or value.
    pub node: NodeRef,
    /// What it carries.
    pub kind: BlockKind<'a>,
    /// The block as it came, kind byte and all. A value's node and property may stand in one before it: where that one is left
    /// out, [`Heads`] write it anew.
    pub raw: &'a [u8],
    /// How much of it stands in front of a value.
    pub(super) head_bytes: usize,
    /// The stamp that holds for it, as it came, if it needs one: it must stand before it, and may before others, too.
    pub stamp_block: &'a [u8],
}

/// What a block carries.
#[derive(Debug)]
pub enum BlockKind<'a> {
    /// A batch for [`decode_batch`](crate::input::decode_batch).
    Input {
        /// The batch, still packed.
        batch: &'a [u8],
    },
    /// A live value.
    Value {
        /// Which property.
        property: PropertyId,
        /// When its owner had it, in session time.
        stamp: Micros,
        /// The value.
        value: Value,
    },
    /// Where a tracked controller points: its aim pose relative to its grip pose.
    Aim {
        /// When its owner had it, in session time.
        stamp: Micros,
        /// Relative to the grip pose, which the samples tell.
        aim: Pose,
    },
    /// A hand's joints, for [`decode_joints`](crate::input::decode_joints).
    Joints {
        /// When they were measured, in session time.
        stamp: Micros,
        /// The joints, still packed.
        packed: &'a [u8],
    },
}

/// The blocks of a datagram; ends for good at the first error.
#[derive(Debug, Clone)]
pub struct Blocks<'a> {
    sent_at: Micros,
    /// That of the values that follow.
    stamp: Micros,
    stamp_block: &'a [u8],
    heads: Heads,
    reader: Reader<'a>,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.take().transpose();
        if let Some(Err(_)) = block {
            self.reader = Reader::new(&[]);
        }
        block
    }
}

impl<'a> Blocks<'a> {
    /// The next block that is one by itself, if there is any.
    fn take(&mut self) -> Result<Option<Block<'a>>, DecodeError> {
        loop {
            let start = self.reader.rest();
            if start.is_empty() {
                return Ok(None);
            }
            let tag = self.reader.u8()?;
            if tag != BLOCK_STAMP {
                return self.take_block(tag, start).map(Some);
            }
            self.stamp = self.take_stamp("age of values")?;
            self.stamp_block = self.since(start);
        }
    }

    fn take_block(&mut self, tag: u8, start: &'a [u8]) -> Result<Block<'a>, DecodeError> {
        if matches!(tag, BLOCK_VALUE_SAME..BLOCK_VALUE_SAME_END | BLOCK_VALUE..) {
            return self.take_value(tag, start);
        }
        let node = NodeRef::Id(NodeId(self.reader.u64()?));
        let kind = match tag {
            BLOCK_INPUT => {
                let count = self.reader.count("input batch", MAX_DATAGRAM_BYTES)?;
                BlockKind::Input {
                    batch: self.reader.take(count)?,
                }
            }
            BLOCK_AIM => BlockKind::Aim {
                stamp: self.take_stamp("age of an aim")?,
                aim: aim::take(&mut self.reader)?,
            },
            BLOCK_JOINTS => self.take_joints()?,
            tag => return Err(DecodeError::BadTag { what: "block", tag }),
        };
        Ok(Block {
            node,
            kind,
            raw: self.since(start),
            head_bytes: 0,
            stamp_block: &[],
        })
    }

    fn take_value(&mut self, tag: u8, start: &'a [u8]) -> Result<Block<'a>, DecodeError> {
        let (node, property) = self.heads.take(tag, &mut self.reader)?;
        let head_bytes = self.since(start).len();
        let value = match tag & VALUE_PACKED {
            0 => self.take_plain_value()?,
            code => Packed::take(code, &mut self.reader)?.value(),
        };
        Ok(Block {
            node,
            kind: BlockKind::Value {
                property,
                stamp: self.stamp,
                value,
            },
            raw: self.since(start),
            head_bytes,
            stamp_block: self.stamp_block,
        })
    }

    fn take_plain_value(&mut self) -> Result<Value, DecodeError> {
        let start = self.reader.rest();
        let value = Value::decode(&mut self.reader)?;
        if self.since(start).len() > MAX_LIVE_VALUE_BYTES {
            return Err(DecodeError::TooLong {
                what: "live value",
                limit: MAX_LIVE_VALUE_BYTES,
            });
        }
        Ok(value)
    }

    fn take_joints(&mut self) -> Result<BlockKind<'a>, DecodeError> {
        let stamp = self.take_stamp("age of joints")?;
        let count = self.reader.count("joints", MAX_DATAGRAM_BYTES)?;
        let packed = self.reader.take(count)?;
        Ok(BlockKind::Joints { stamp, packed })
    }

    /// What was read since.
    fn since(&self, start: &'a [u8]) -> &'a [u8] {
        let length = start.len() - self.reader.rest().len();
        &start[..length]
    }

    fn take_stamp(&mut self, what: &'static str) -> Result<Micros, DecodeError> {
        let age = self.reader.count(what, MAX_VALUE_AGE.0 as usize)?;
        Ok(self.sent_at - Micros(age as u64))
    }
}
