//! How the log names those who were refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
};

use support::{
    cluster::Cluster,
    peer::{Shown, dial, peer_nowhere},
};
use synced_transport::cluster::SERVER_FILES;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines_with(&self, text: &str) -> Vec<String> {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        log.lines()
            .filter(|line| line.contains(text))
            .map(str::to_owned)
            .collect()
    }
}

/// Alone in its file, since there is one log for a whole process.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_kind_of_refusal_is_named_once_however_often_it_happens() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let cluster = Cluster::new();
    let server = cluster.start(2);
    server.knows(&[peer_nowhere(1)]);
    let (stranger, other) = (cluster.server_files(5), Cluster::called("dice"));
    let foreigner = other.server_files(1);
    let mut refused = 0;
    for _ in 0..5 {
        for (certificate, protocol) in [
            (None, "synced-peer/1"),
            (Some((&*foreigner, SERVER_FILES)), "synced-peer/1"),
            (Some((&*foreigner, SERVER_FILES)), "synced-peer/9"),
            (Some((&*stranger, SERVER_FILES)), "synced-peer/1"),
        ] {
            let shown = Shown {
                certificate,
                protocol,
            };
            if let Ok((_endpoint, connection)) = dial(&cluster, server.peer_addr, shown).await {
                connection.closed().await;
            }
            refused += 1;
            server.has_refused(refused);
        }
    }
    for saying in [
        "refused somebody: it showed no certificate",
        "refused somebody: its certificate is none of this cluster",
        "refused somebody: it speaks no version",
        "refused server 5: ",
    ] {
        let lines = log.lines_with(saying);
        let [line] = &lines[..] else {
            panic!("{saying}: {lines:?}")
        };
        assert!(
            line.contains("WARN") && line.contains("127.0.0.1"),
            "{line}"
        );
    }
    assert_complains_of_a_dead_peer_once(&cluster, &log);
}

fn assert_complains_of_a_dead_peer_once(cluster: &Cluster, log: &Log) {
    let one = cluster.start(1);
    let away: Vec<_> = (3..=4).map(peer_nowhere).collect();
    one.knows(&away);
    let dialled = || log.lines_with("no connection to server").len();
    while dialled() < 2 {
        std::thread::yield_now();
    }
    let two = cluster.start(6);
    two.knows(&[one.address()]);
    one.knows(&[away, vec![two.address()]].concat());
    one.up();
    assert_eq!(dialled(), 2);
}
