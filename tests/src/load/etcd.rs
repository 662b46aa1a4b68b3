//! Writing to etcd.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    runtime,
    sync::{Semaphore, mpsc},
    time,
};

use super::{Figures, Pace, Work};
use crate::{Failure, Outcome, etcd::EtcdClient};

/// Writes that go over one connection: with more of them, the HTTP/2 library takes the answers for an attack.
const WRITES_A_CONNECTION: usize = 64;

/// Does the work at one etcd, over as many connections as that takes.
///
/// # Errors
/// When it cannot be reached.
pub fn write_to_etcd(address: SocketAddr, work: Work) -> Outcome<Figures> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::of("no runtime"))?;
    runtime.block_on(write(address, work))
}

async fn write(address: SocketAddr, work: Work) -> Outcome<Figures> {
    let clients = connect(address, work).await?;
    let value: Arc<[u8]> = vec![7; work.value_bytes].into();
    let permits = work.outstanding_max().min(Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(permits));
    let (ends, mut ended) = mpsc::unbounded_channel();
    let began = Instant::now();
    for (number, client) in (0..).zip(clients.iter().cycle()) {
        let Some(due) = work.due(number) else { break };
        let Ok(permit) = permits.clone().acquire_owned().await else {
            break;
        };
        if began.elapsed() >= work.span {
            break;
        }
        time::sleep_until((began + due).into()).await;
        let counts_from = counts_from(began, due, &work);
        let (client, value, ends) = (client.clone(), value.clone(), ends.clone());
        tokio::spawn(async move {
            let outcome = client.put(b"cup", &value).await;
            // Who counts waits for all of them.
            let _ = ends.send(outcome.map(|()| counts_from.elapsed()));
            drop(permit);
        });
    }
    drop(ends);
    let mut figures = Figures::new();
    while let Some(end) = ended.recv().await {
        count(&mut figures, end);
    }
    figures.took(began.elapsed());
    Ok(figures)
}

async fn connect(address: SocketAddr, work: Work) -> Outcome<Vec<EtcdClient>> {
    let count = match work.pace {
        Pace::PerSecond(_) => 1,
        Pace::Outstanding(writes) => writes.div_ceil(WRITES_A_CONNECTION),
    };
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(EtcdClient::connect(address).await?);
    }
    Ok(clients)
}

/// A paced write counts from when it was due, another from when it goes out.
fn counts_from(began: Instant, due: Duration, work: &Work) -> Instant {
    match work.pace {
        Pace::PerSecond(_) => began + due,
        Pace::Outstanding(_) => Instant::now(),
    }
}

fn count(figures: &mut Figures, end: Outcome<Duration>) {
    match end {
        Ok(latency) => figures.done(latency),
        Err(_) => figures.failed(),
    }
}
