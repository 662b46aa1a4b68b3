//! What is packed and unpacked a thousand times a second allocates nothing.

use allocation_counter::measure;
use synced_protocol::{
    input::{MAX_BATCH_FRAMES, Precision, decode_batch, encode_batch},
    time::Micros,
};

use crate::motion::{self, MOVING};

const ORIGIN: Micros = Micros::from_secs(1_000_000);

#[test]
fn a_batch_is_written_into_a_warm_buffer_and_read_without_an_allocation() {
    for motion in MOVING {
        let mut frames = motion.samples(0.0, MAX_BATCH_FRAMES, ORIGIN);
        motion::add_noise(&mut frames);
        let sent_at = ORIGIN + Micros::from_secs(1);
        let mut bytes = Vec::new();
        encode_batch(&frames, Precision::Exact, sent_at, &mut bytes);

        bytes.clear();
        let writing = measure(|| encode_batch(&frames, Precision::Exact, sent_at, &mut bytes));
        let mut count = 0;
        let reading = measure(|| decode_batch(&bytes, sent_at, |_| count += 1).unwrap());
        assert_eq!((writing.count_total, reading.count_total), (0, 0));
        assert_eq!(count, MAX_BATCH_FRAMES);
    }
}
