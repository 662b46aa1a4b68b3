//! The live lane's steady path allocates nothing.

use allocation_counter::measure;
use synced_protocol::{
    id::{NodeId, PropertyId},
    input::{HandJoints, InputFrame, Pose, Precision, decode_batch, decode_joints},
    live::{BlockKind, Datagram, Fit, LiveWriter},
    time::Micros,
    value::Value,
};

const SENT_AT: Micros = Micros::from_secs(1_000_000);

fn write(writer: &mut LiveWriter, samples: &[InputFrame], value: &Value) {
    writer.begin(0, SENT_AT);
    let input = writer.input(NodeId(1), samples, Precision::Fine);
    let value = writer.value(NodeId(2), PropertyId(0), SENT_AT, value);
    let aim = writer.aim(NodeId(1), SENT_AT, &Pose::default());
    let joints = writer.joints(NodeId(1), &HandJoints::default());
    assert_eq!([input, value, aim, joints], [Fit::Written; 4]);
}

/// Returns how many samples and other things there were.
fn read(datagram: &[u8]) -> (usize, usize) {
    let Ok(Datagram::Up(live)) = Datagram::decode(datagram) else {
        return (0, 0);
    };
    let (mut samples, mut others) = (0, 0);
    for block in live.blocks().flatten() {
        match block.kind {
            BlockKind::Input { batch } => {
                assert_eq!(decode_batch(batch, live.sent_at, |_| samples += 1), Ok(()));
            }
            BlockKind::Value { .. } | BlockKind::Aim { .. } => others += 1,
            BlockKind::Joints { stamp, packed } => {
                assert!(decode_joints(packed, stamp).is_ok());
                others += 1;
            }
        }
    }
    (samples, others)
}

#[test]
fn a_datagram_is_written_and_read_without_an_allocation() {
    let samples = [InputFrame::default(); 11];
    let value = Value::Transform3D([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.5, 1.5, 0.7]);
    let mut writer = LiveWriter::with_precision(Some(Precision::Fine));
    write(&mut writer, &samples, &value);

    let writing = measure(|| write(&mut writer, &samples, &value));
    assert_eq!(writing.count_total, 0);
    let mut found = (0, 0);
    let reading = measure(|| found = read(writer.bytes()));
    assert_eq!((reading.count_total, found), (0, (11, 3)));
}

#[test]
fn the_length_of_a_value_is_known_without_an_allocation() {
    let value = Value::Array(vec![
        Value::PackedStringArray(vec!["a".to_owned()]),
        Value::Dictionary(vec![(Value::Nil, Value::Transform3D([0.5; 12]))]),
    ]);
    let mut length = 0;
    let counting = measure(|| length = value.encoded_len());
    assert_eq!((counting.count_total, length), (0, 58));
}
