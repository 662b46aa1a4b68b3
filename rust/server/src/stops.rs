//! What asks a server to stop in an orderly way.

use std::io::{self, Read as _};

use tokio::sync::oneshot;

use crate::signals::Signals;

/// A signal, or for the child of another program the end of its standard input: it comes also when that program dies.
#[derive(Debug)]
pub(crate) struct Stops {
    signals: Signals,
    input: Option<oneshot::Receiver<()>>,
}

impl Stops {
    /// From here on signals do not end the program by themselves. Must be called within a runtime.
    pub(crate) fn listen(until_input_ends: bool) -> io::Result<Self> {
        Ok(Self {
            signals: Signals::listen()?,
            input: until_input_ends.then(watch_input).transpose()?,
        })
    }

    /// Waits for the next of them and names it.
    pub(crate) async fn next(&mut self) -> &'static str {
        let Self { signals, input } = self;
        let input = async {
            match input {
                Some(end) => drop(end.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            signal = signals.next() => signal,
            () = input => "the end of the standard input",
        }
    }
}

/// What comes by the input means nothing; only its end does.
fn watch_input() -> io::Result<oneshot::Receiver<()>> {
    let (at_end, end) = oneshot::channel();
    let read = move || {
        let mut some = [0; 256];
        while matches!(io::stdin().read(&mut some), Ok(1..)) {}
        // Who stops already needs no further reason.
        let _ = at_end.send(());
    };
    std::thread::Builder::new()
        .name("synced-input".to_owned())
        .spawn(read)?;
    Ok(end)
}
