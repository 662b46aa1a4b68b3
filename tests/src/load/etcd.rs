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

use super::{Figures, Work};
use crate::{Failure, Outcome, etcd::EtcdClient};

/// Does the work at one etcd, over one connection.
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
    let client = EtcdClient::connect(address).await?;
    let value: Arc<[u8]> = vec![7; work.value_bytes].into();
    let permits = work.outstanding_max().min(Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(permits));
    let (ends, mut ended) = mpsc::unbounded_channel();
    let began = Instant::now();
    for number in 0.. {
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

/// A paced write counts from when it was due, another from when it goes out.
fn counts_from(began: Instant, due: Duration, work: &Work) -> Instant {
    match work.pace {
        super::Pace::PerSecond(_) => began + due,
        super::Pace::Outstanding(_) => Instant::now(),
    }
}

fn count(figures: &mut Figures, end: Outcome<Duration>) {
    match end {
        Ok(latency) => figures.done(latency),
        Err(_) => figures.failed(),
    }
}
