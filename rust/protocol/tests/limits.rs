//! Each limit that the protocol enforces by itself, at the last thing inside and the first outside. The rest is the world's.

#![expect(clippy::panic, clippy::unwrap_used, reason = "so a test fails")]

use synced_protocol::{
    bits::BitWriter,
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
    bytes.push(0xf0);
    bytes.extend(NODE.0.to_le_bytes());
    bytes.push(property);
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
    older.splice(13..13, [2, 0x80, 0x80, 0x80, 0x01]);
    let refused = first_block(&older).map(|_| ());
    assert_eq!(refused, too_long("age of values", MAX_VALUE_AGE.0 as usize));
}

#[test]
fn a_players_datagram_leaves_room_for_the_leaders_stamp() {
    let mut writer = LiveWriter::default();
    writer.begin(0, SENT_AT);
    let mut nodes = (1..).map(NodeId);
    let mut write = |bytes| {
        let node = nodes.next().unwrap();
        writer.value(node, PropertyId(0), SENT_AT, &value_of_bytes(bytes))
    };
    assert_eq!([write(512), write(512)], [Fit::Written; 2]);
    // A header of 13 bytes, two blocks of 9 bytes and a value, and 9 bytes more for the third.
    let room = MAX_UP_DATAGRAM_BYTES - 13 - 2 * (9 + 512) - 9;
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
            sampled_at: SENT_AT - Micros::from_secs(1) + Micros::from_millis(place),
            ..InputFrame::default()
        })
        .collect();
    let mut bytes = Vec::new();
    encode_batch(&frames, Precision::Fine, SENT_AT, &mut bytes);
    let mut decoded = Vec::new();
    decode_batch(&bytes, SENT_AT, |frame| decoded.push(frame)).unwrap();
    assert_eq!(decoded, frames[1..]);
}

/// The first sample of a batch, at rest in the middle of its space, so many ticks old.
fn begin_batch(bits: &mut BitWriter<'_>, rest: u32, precision: u32, age_ticks: u32) {
    bits.put(rest, 6);
    bits.put(precision, 2);
    if rest > 0 {
        // Everything is still, intervals have Rice codes with parameter 0, nothing else is written.
        bits.put(0, 6);
        bits.put(0x11, 8);
        bits.put(0, 16);
    }
    bits.put(0, 15);
    bits.put(3, 2);
    bits.put(age_ticks, 24);
    bits.put(0, 1);
    let w_is_largest = 3;
    bits.put(w_is_largest, 2);
    let ratios_bits = [43, 37][precision as usize & 1];
    bits.put_wide(0, ratios_bits);
}

fn batch_of_age(precision: u32, age_ticks: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut bits = BitWriter::new(&mut bytes);
    begin_batch(&mut bits, 0, precision, age_ticks);
    bits.finish();
    bytes
}

/// Two samples, the second a millisecond less a few ticks behind a first one that is so many ticks old.
fn batch_of_interval(precision: u32, age_ticks: u32, ticks_less: i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut bits = BitWriter::new(&mut bytes);
    begin_batch(&mut bits, 1, precision, age_ticks);
    bits.put_rice_unsigned(0, 0);
    bits.put_rice(-ticks_less, 0);
    bits.put(0, 1);
    bits.finish();
    bytes
}

const EXACT: u32 = 0;
const FINE: u32 = 1;

/// The age of the newest sample.
fn decode_age(batch: &[u8]) -> Result<Micros, DecodeError> {
    let mut age = Micros::ZERO;
    decode_batch(batch, SENT_AT, |frame| age = SENT_AT - frame.sampled_at)?;
    Ok(age)
}

fn out_of_range(what: &'static str) -> Result<Micros, DecodeError> {
    Err(DecodeError::OutOfRange { what })
}

#[test]
fn a_sample_past_the_oldest_is_written_as_the_oldest_and_not_read() {
    for age in [MAX_FRAME_AGE, MAX_FRAME_AGE + Micros(1)] {
        let frame = InputFrame {
            sampled_at: SENT_AT - age,
            ..InputFrame::default()
        };
        for precision in [Precision::Exact, Precision::Fine, Precision::Coarse] {
            let mut bytes = Vec::new();
            encode_batch(&[frame], precision, SENT_AT, &mut bytes);
            assert_eq!(decode_age(&bytes), Ok(MAX_FRAME_AGE));
        }
    }
    let oldest = MAX_FRAME_AGE.0 as u32;
    for (precision, oldest) in [(EXACT, oldest), (FINE, oldest / 10)] {
        let age = decode_age(&batch_of_age(precision, oldest));
        assert_eq!(age, Ok(MAX_FRAME_AGE));
        let age = decode_age(&batch_of_age(precision, oldest + 1));
        assert_eq!(age, out_of_range("sample time"));
    }
}

#[test]
fn a_sample_behind_its_datagram_or_before_the_last_one_is_refused() {
    assert_eq!(
        decode_age(&batch_of_interval(FINE, 100, 0)),
        Ok(Micros::ZERO)
    );
    let behind = decode_age(&batch_of_interval(FINE, 99, 0));
    assert_eq!(behind, out_of_range("sample time"));
    let same = decode_age(&batch_of_interval(FINE, 100, 100));
    assert_eq!(same, Ok(Micros::from_millis(1)));
    let before = decode_age(&batch_of_interval(FINE, 100, 101));
    assert_eq!(before, out_of_range("interval between samples"));
}

#[test]
fn at_the_end_of_time_a_sample_behind_its_datagram_is_refused_too() {
    for age_ticks in [0, 999] {
        let batch = batch_of_interval(EXACT, age_ticks, 0);
        let result = decode_batch(&batch, Micros(u64::MAX), |_| {});
        let refused = DecodeError::OutOfRange {
            what: "sample time",
        };
        assert_eq!(result, Err(refused));
    }
}

#[test]
fn a_precision_or_a_model_that_is_none_is_refused() {
    let two_samples = |precision: u32, position_model: u32, orientation_model: u32| {
        let mut bytes = Vec::new();
        let mut bits = BitWriter::new(&mut bytes);
        bits.put(1, 6);
        bits.put(precision, 2);
        bits.put(position_model, 2);
        bits.put(orientation_model, 2);
        bits.put(0, 26);
        bits.put_wide(0, 64);
        bits.finish();
        decode_age(&bytes)
    };
    assert_eq!(two_samples(3, 0, 0), out_of_range("precision"));
    assert_eq!(two_samples(FINE, 3, 0), out_of_range("model"));
    assert_eq!(two_samples(FINE, 0, 3), out_of_range("model"));
}
