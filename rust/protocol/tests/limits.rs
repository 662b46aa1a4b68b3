//! Each limit that the protocol enforces by itself, at the last thing inside and the first outside. The rest is the world's.

#![expect(clippy::panic, clippy::unwrap_used, reason = "so a test fails")]

use synced_protocol::{
    bits::{BitWriter, MAX_RICE_PARAMETER},
    control::{self, First},
    error::DecodeError,
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    input::{InputFrame, MAX_BATCH_FRAMES, MAX_FRAME_AGE, Precision, decode_batch, encode_batch},
    limits::{
        MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES, MAX_LIVE_VALUE_BYTES, MAX_PROPERTIES, MAX_VALUE_BYTES,
        MAX_VALUE_DEPTH,
    },
    live::{
        Block, BlockKind, Datagram, Fit, LiveWriter, MAX_UP_DATAGRAM_BYTES, MAX_VALUE_AGE,
        relay_header,
    },
    message::{ClientMessage, ServerMessage, SnapshotPart},
    mutation::{Mutation, Transaction},
    time::Micros,
    value::Value,
};

const NODE: NodeId = NodeId(1);
const SENT_AT: Micros = Micros::from_secs(1_000_000);
const PREFACE_BYTES: usize = 6;

/// A message of 11 bytes and one more for every id.
fn small_numbers(ids: usize) -> ServerMessage {
    ServerMessage::Snapshot(SnapshotPart {
        log_index: LogIndex(1),
        hlc: HlcTimestamp::ZERO,
        players: Vec::new(),
        nodes: Vec::new(),
        despawned: vec![NODE; ids],
        live: Vec::new(),
        poses: Vec::new(),
        last: true,
    })
}

/// A value of so many bytes.
fn value_of_bytes(bytes: usize) -> Value {
    let count_bytes = if bytes < 130 { 1 } else { 2 };
    let value = Value::PackedByteArray(vec![7; bytes - 1 - count_bytes]);
    assert_eq!(value.encoded_len(), bytes);
    value
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

/// A player's datagram of one value of so many bytes.
fn datagram_with(value_bytes: usize, property: u8) -> Vec<u8> {
    let mut bytes = vec![1];
    bytes.extend([0; 12]);
    bytes.push(2);
    bytes.extend(NODE.0.to_le_bytes());
    bytes.extend([property, 0]);
    value_of_bytes(value_bytes).encode(&mut bytes);
    bytes
}

fn first_block(datagram: &[u8]) -> Result<Block<'_>, DecodeError> {
    match Datagram::decode(datagram)? {
        Datagram::Up(live) => live.blocks().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn too_long<T>(what: &'static str, limit: usize) -> Result<T, DecodeError> {
    Err(DecodeError::TooLong { what, limit })
}

#[test]
fn a_full_frame_of_small_numbers_reads_back() {
    let message = small_numbers(MAX_FRAME_BYTES - 11);
    let frame = control::encode(&message).unwrap();
    assert_eq!(frame.len(), MAX_FRAME_BYTES);
    assert_eq!(control::decode(&frame), Ok(message));
}

#[test]
fn a_frame_past_its_limit_is_neither_written_nor_read() {
    let message = small_numbers(MAX_FRAME_BYTES - 10);
    let refused = too_long("frame", MAX_FRAME_BYTES);
    assert_eq!(control::encode(&message), refused);
    let longer = vec![0; MAX_FRAME_BYTES + 1];
    let refused = too_long("frame", MAX_FRAME_BYTES);
    assert_eq!(control::decode::<ServerMessage>(&longer), refused);
}

#[test]
fn the_preface_counts_towards_the_limit_of_the_first_frame() {
    let message = small_numbers(MAX_FRAME_BYTES - 11 - PREFACE_BYTES);
    let frame = control::encode_first(&message).unwrap();
    assert_eq!(frame.len(), MAX_FRAME_BYTES);
    assert_eq!(
        control::decode_first(&frame),
        Ok(First::SameVersion(message))
    );

    let message = small_numbers(MAX_FRAME_BYTES - 10 - PREFACE_BYTES);
    assert_eq!(
        control::encode_first(&message),
        too_long("frame", MAX_FRAME_BYTES)
    );
    let longer = [&frame, [0].as_slice()].concat();
    assert_eq!(
        control::decode_first::<ServerMessage>(&longer),
        too_long("frame", MAX_FRAME_BYTES)
    );
}

#[test]
fn a_value_reads_back_up_to_its_size() {
    let largest = value_of_bytes(MAX_VALUE_BYTES);
    assert_eq!(Value::from_bytes(&encoded(&largest)), Ok(largest));
    let larger = encoded(&value_of_bytes(MAX_VALUE_BYTES + 1));
    assert_eq!(
        Value::from_bytes(&larger),
        too_long("value", MAX_VALUE_BYTES)
    );
}

#[test]
fn a_value_past_its_size_is_refused_in_a_frame_too() {
    let frame = |bytes| {
        let step = Mutation::SetProperties {
            node: NODE,
            properties: vec![(PropertyId(0), value_of_bytes(bytes))],
        };
        let message = ClientMessage::Propose {
            seq: ClientSeq(1),
            transaction: Transaction::from(step),
        };
        (control::encode(&message).unwrap(), message)
    };
    let (largest, message) = frame(MAX_VALUE_BYTES);
    assert_eq!(control::decode(&largest), Ok(message));
    let (larger, _) = frame(MAX_VALUE_BYTES + 1);
    let refused = control::decode::<ClientMessage>(&larger);
    assert_eq!(refused, Err(DecodeError::BadMessage));
}

#[test]
fn a_value_reads_back_up_to_its_depth() {
    let wraps: [fn(Value) -> Value; 3] = [
        |inner| Value::Array(vec![inner]),
        |inner| Value::Dictionary(vec![(inner, Value::Nil)]),
        |inner| Value::Dictionary(vec![(Value::Nil, inner)]),
    ];
    // An empty array is one deep, as one around a plain value is.
    let innermost = [Value::Array(vec![Value::Nil]), Value::Array(Vec::new())];
    for (wrap, innermost) in wraps
        .into_iter()
        .flat_map(|wrap| innermost.clone().map(|value| (wrap, value)))
    {
        let nested = |depth| (1..depth).fold(innermost.clone(), |inner, _| wrap(inner));
        let deepest = nested(MAX_VALUE_DEPTH);
        assert_eq!(deepest.depth(), MAX_VALUE_DEPTH);
        assert_eq!(Value::from_bytes(&encoded(&deepest)), Ok(deepest));
        let deeper = encoded(&nested(MAX_VALUE_DEPTH + 1));
        assert_eq!(Value::from_bytes(&deeper), Err(DecodeError::TooDeep));
    }
}

#[test]
fn a_live_value_is_written_and_read_up_to_its_size() {
    let mut writer = LiveWriter::default();
    writer.begin(0, SENT_AT);
    let mut write = |bytes| writer.value(NODE, PropertyId(0), SENT_AT, &value_of_bytes(bytes));
    assert_eq!(write(MAX_LIVE_VALUE_BYTES), Fit::Written);
    assert_eq!(write(MAX_LIVE_VALUE_BYTES + 1), Fit::TooLarge);

    assert!(first_block(&datagram_with(MAX_LIVE_VALUE_BYTES, 0)).is_ok());
    let refused = first_block(&datagram_with(MAX_LIVE_VALUE_BYTES + 1, 0)).map(|_| ());
    assert_eq!(refused, too_long("live value", MAX_LIVE_VALUE_BYTES));
}

#[test]
fn a_live_value_names_one_of_the_properties_that_a_node_can_have() {
    let property = |place: usize| {
        first_block(&datagram_with(8, place as u8))
            .map(|_| ())
            .err()
    };
    assert_eq!(property(MAX_PROPERTIES - 1), None);
    let refused = DecodeError::OutOfRange { what: "property" };
    assert_eq!(property(MAX_PROPERTIES), Some(refused));
}

#[test]
fn an_age_past_the_oldest_is_written_as_the_oldest_and_not_read() {
    let stamp = |age: u64| {
        let mut writer = LiveWriter::default();
        writer.begin(0, SENT_AT);
        let fit = writer.value(NODE, PropertyId(0), SENT_AT - Micros(age), &Value::Nil);
        assert_eq!(fit, Fit::Written);
        match first_block(writer.bytes()).unwrap().kind {
            BlockKind::Value { stamp, .. } => SENT_AT - stamp,
            other => panic!("{other:?}"),
        }
    };
    for age in [0, 1, MAX_VALUE_AGE.0] {
        assert_eq!(stamp(age), Micros(age));
    }
    assert_eq!(stamp(MAX_VALUE_AGE.0 + 1), MAX_VALUE_AGE);

    let mut older = datagram_with(8, 0);
    older.splice(23..24, [0x80, 0x80, 0x80, 0x01]);
    let refused = first_block(&older).map(|_| ());
    assert_eq!(
        refused,
        too_long("age of a value", MAX_VALUE_AGE.0 as usize)
    );
}

#[test]
fn a_players_datagram_leaves_room_for_the_leaders_stamp() {
    let mut writer = LiveWriter::default();
    writer.begin(0, SENT_AT);
    let mut write = |bytes| writer.value(NODE, PropertyId(0), SENT_AT, &value_of_bytes(bytes));
    assert_eq!([write(512), write(512)], [Fit::Written; 2]);
    // A header of 13 bytes, two blocks of 11 bytes and a value, and 11 bytes more for the third.
    let room = MAX_UP_DATAGRAM_BYTES - 13 - 2 * (11 + 512) - 11;
    assert_eq!(write(room + 1), Fit::Full);
    assert_eq!(write(room), Fit::Written);

    let fullest = writer.bytes();
    assert_eq!(fullest.len(), MAX_UP_DATAGRAM_BYTES);
    assert!(matches!(Datagram::decode(fullest), Ok(Datagram::Up(_))));
    let header = relay_header(PlayerId(1), HlcTimestamp::ZERO);
    let relayed = [&header, &fullest[1..]].concat();
    assert_eq!(relayed.len(), MAX_DATAGRAM_BYTES);
    assert!(matches!(
        Datagram::decode(&relayed),
        Ok(Datagram::Down { .. })
    ));
}

#[test]
fn a_datagram_past_its_limit_is_refused() {
    let refused = |kind: u8, bytes: usize| {
        let mut datagram = vec![0; bytes];
        datagram[0] = kind;
        Datagram::decode(&datagram).err()
    };
    let (up, down) = (1, 2);
    for (kind, limit) in [(up, MAX_UP_DATAGRAM_BYTES), (down, MAX_DATAGRAM_BYTES)] {
        assert_eq!(refused(kind, limit), None);
        let what = "datagram";
        let too_long = DecodeError::TooLong { what, limit };
        assert_eq!(refused(kind, limit + 1), Some(too_long));
    }
}

#[test]
fn of_more_samples_than_a_batch_holds_the_newest_are_written() {
    let frames: Vec<InputFrame> = (0..MAX_BATCH_FRAMES as u64 + 1)
        .map(|place| InputFrame {
            sampled_at: SENT_AT - Micros::from_secs(1) + Micros(place),
            ..InputFrame::default()
        })
        .collect();
    let mut bytes = Vec::new();
    encode_batch(&frames, Precision::Fine, SENT_AT, &mut bytes);
    let mut decoded = Vec::new();
    decode_batch(&bytes, SENT_AT, |frame| decoded.push(frame)).unwrap();
    assert_eq!(decoded, frames[1..]);
}

/// A batch of one sample at rest, with the Rice parameter for its age.
fn batch_of_age(age_us: i32, parameter: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut bits = BitWriter::new(&mut bytes);
    bits.put(0, 6);
    bits.put(1, 2);
    bits.put(parameter, 5);
    bits.put(0, 20);
    bits.put_rice(age_us, parameter);
    // Position, orientation, velocities and controls are 48 zeros.
    bits.put(0, 32);
    bits.put(0, 16);
    bits.finish();
    bytes
}

fn decode_age(batch: &[u8]) -> Result<Micros, DecodeError> {
    let mut age = Micros::ZERO;
    decode_batch(batch, SENT_AT, |frame| age = SENT_AT - frame.sampled_at)?;
    Ok(age)
}

#[test]
fn a_sample_past_the_oldest_is_written_as_the_oldest_and_not_read() {
    for age in [MAX_FRAME_AGE, MAX_FRAME_AGE + Micros(1)] {
        let frame = InputFrame {
            sampled_at: SENT_AT - age,
            ..InputFrame::default()
        };
        let mut bytes = Vec::new();
        encode_batch(&[frame], Precision::Fine, SENT_AT, &mut bytes);
        assert_eq!(decode_age(&bytes), Ok(MAX_FRAME_AGE));
    }
    let oldest = MAX_FRAME_AGE.0 as i32;
    assert_eq!(decode_age(&batch_of_age(oldest, 19)), Ok(MAX_FRAME_AGE));
    let refused = DecodeError::OutOfRange {
        what: "sample time",
    };
    for age in [oldest + 1, -1, i32::MAX, i32::MIN] {
        assert_eq!(decode_age(&batch_of_age(age, 19)), Err(refused), "{age}");
    }
}

#[test]
fn a_rice_parameter_past_the_largest_is_refused() {
    let largest = MAX_RICE_PARAMETER;
    assert_eq!(decode_age(&batch_of_age(5, largest)), Ok(Micros(5)));
    let refused = DecodeError::OutOfRange {
        what: "Rice parameter",
    };
    assert_eq!(decode_age(&batch_of_age(5, largest + 1)), Err(refused));
}
