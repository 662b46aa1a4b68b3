//! What operators ask.

use std::collections::BTreeMap;

use bytes::Bytes;
use quinn::{Connection, RecvStream, SendStream, VarInt};
use synced_protocol::peer::RequestId;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    task::JoinSet,
    time,
};

use super::connection::PeerArrival;
use crate::limits;

/// Takes requests by one connection until it ends: one stream for each, with the request whole, then the answer.
pub(super) async fn serve(
    connection: Connection,
    _seat: OwnedSemaphorePermit,
    arrivals: mpsc::Sender<PeerArrival>,
) {
    let mut requests = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_) = requests.join_next() => {}
            stream = connection.accept_bi() => match stream {
                Ok((send, receive)) => drop(requests.spawn(answer(send, receive, arrivals.clone()))),
                Err(_) => return,
            },
        }
    }
}

/// A stream that is reset has no answer.
async fn answer(
    mut send: SendStream,
    mut receive: RecvStream,
    arrivals: mpsc::Sender<PeerArrival>,
) {
    let asked = ask(&mut receive, &arrivals);
    match time::timeout(limits::OPERATOR_TIME_MAX, asked).await {
        Ok(Some(answer)) => {
            // An operator that has gone needs no answer.
            let _ = send.write_all_chunks(&mut [answer]).await;
            let _ = send.finish();
            let _ = send.stopped().await;
        }
        _ => drop(send.reset(VarInt::from_u32(0))),
    }
}

async fn ask(receive: &mut RecvStream, arrivals: &mpsc::Sender<PeerArrival>) -> Option<Bytes> {
    let request = receive
        .read_to_end(limits::OPERATOR_REQUEST_BYTES_MAX)
        .await
        .ok()?;
    let (answer_to, answer) = oneshot::channel();
    let asked = PeerArrival::Request(request.into(), answer_to);
    arrivals.send(asked).await.ok()?;
    answer.await.ok()
}

/// Requests that the logic has yet to answer.
#[derive(Debug, Default)]
pub(super) struct Requests {
    last: u64,
    waiting: BTreeMap<RequestId, oneshot::Sender<Bytes>>,
}

impl Requests {
    pub(super) fn take_in(&mut self, answer_to: oneshot::Sender<Bytes>) -> RequestId {
        self.waiting.retain(|_, waiting| !waiting.is_closed());
        self.last += 1;
        let request = RequestId(self.last);
        self.waiting.insert(request, answer_to);
        request
    }

    pub(super) fn respond(&mut self, request: RequestId, answer: Bytes) {
        if let Some(waiting) = self.waiting.remove(&request) {
            // An operator that has gone needs no answer.
            let _ = waiting.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_whose_operator_has_gone_are_forgotten() {
        let mut requests = Requests::default();
        for _ in 0..3 {
            requests.take_in(oneshot::channel().0);
        }
        assert_eq!(requests.waiting.len(), 1);
    }

    #[test]
    fn an_answer_reaches_the_one_who_asked() {
        let mut requests = Requests::default();
        let [(first, mut at_first), (second, mut at_second)] = [(); 2].map(|()| oneshot::channel());
        let (first, second) = (requests.take_in(first), requests.take_in(second));
        requests.respond(second, Bytes::from_static(b"2"));
        requests.respond(second, Bytes::from_static(b"again"));
        requests.respond(first, Bytes::from_static(b"1"));
        assert_eq!(at_first.try_recv().unwrap(), "1");
        assert_eq!(at_second.try_recv().unwrap(), "2");
    }
}
