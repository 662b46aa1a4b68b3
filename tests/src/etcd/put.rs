//! The one call of etcd's API that is made: `etcdserverpb.KV/Put`, as gRPC writes it.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Its path.
pub(super) const PATH: &str = "/etcdserverpb.KV/Put";

/// Fields of `PutRequest`, with protobuf's wire type for bytes.
const KEY: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;

/// The body of a call: a flag for no compression, the message's length, the message.
pub(super) fn body(key: &[u8], value: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(key.len() + value.len() + 12);
    for (tag, bytes) in [(KEY, key), (VALUE, value)] {
        message.put_u8(tag);
        put_varint(&mut message, bytes.len());
        message.put_slice(bytes);
    }
    let mut body = BytesMut::with_capacity(message.len() + 5);
    body.put_u8(0);
    body.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    body.put_slice(&message);
    body.freeze()
}

fn put_varint(out: &mut BytesMut, mut number: usize) {
    while number >= 0x80 {
        out.put_u8((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.put_u8((number & 0x7F) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_written_as_grpc_and_protobuf_lay_it_out() {
        let value = [7; 200];
        let body = body(b"ab", &value);
        let expected = [0, 0, 0, 0, 207, 0x0A, 2, b'a', b'b', 0x12, 0xC8, 1, 7];
        assert_eq!(body[..13], expected);
        assert_eq!(body.len(), 5 + 207);
    }
}
