//! Batches of samples: the packing itself.

use synced_protocol::{
    input::{InputFrame, Precision, decode_batch, encode_batch},
    time::Micros,
};

use super::{Again, Visitor, samples, words::EPOCH};

const SENT_AT: Micros = EPOCH;

pub(crate) fn show(visitor: &mut impl Visitor) {
    visitor.visit("batches/write/12", || {
        Again::new((samples::hand(SENT_AT), Vec::with_capacity(1024)), write)
    });
    visitor.visit("batches/read/12", || {
        let mut bytes = Vec::new();
        encode_batch(
            &samples::hand(SENT_AT),
            Precision::Fine,
            SENT_AT,
            &mut bytes,
        );
        Again::new(bytes, |bytes: &mut Vec<u8>| read(bytes))
    });
}

fn write((samples, out): &mut (Vec<InputFrame>, Vec<u8>)) {
    out.clear();
    encode_batch(samples, Precision::Fine, SENT_AT, out);
}

fn read(bytes: &[u8]) {
    let read = decode_batch(bytes, SENT_AT, |sample| {
        std::hint::black_box(sample);
    });
    assert_eq!(read, Ok(()));
}
