//! How old the first sample of a batch is when its datagram is sent, in ticks.

use crate::{
    bits::{BitReader, BitWriter},
    error::DecodeError,
};

/// The bits that an age may take: the first of these that hold it.
const WIDTHS: [u32; 4] = [8, 11, 14, 24];

pub(super) fn put_age(ticks: u32, writer: &mut BitWriter<'_>) {
    let class = WIDTHS.iter().position(|width| ticks >> width == 0);
    let class = class.unwrap_or(WIDTHS.len() - 1);
    writer.put(class as u32, 2);
    writer.put(ticks, WIDTHS[class]);
}

pub(super) fn take_age(reader: &mut BitReader<'_>) -> Result<u32, DecodeError> {
    let class = reader.take(2)? as usize;
    reader.take(WIDTHS[class & 3])
}
