//! The line by which a test tells a Godot player what to do.
//!
//! The player connects to a port of this machine. A request is one line of JSON with a piece of GDScript in it; the answer
//! is one line of JSON too: `{"value": ...}` or `{"error": "..."}`.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Failure, Outcome, process::Process};

/// How long an answer may take beyond what the request itself may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// What a player is to do with a piece of GDScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Run it as statements; it may await.
    Run,
    /// Give the value of an expression.
    Get,
    /// Look at an expression once a frame until it is true.
    Until {
        /// How long to look.
        time_max: Duration,
    },
}

/// The test's end before a player has called.
#[derive(Debug)]
pub struct Listener(TcpListener);

/// The test's end.
#[derive(Debug)]
pub struct Control {
    requests: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Listener {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn bind() -> Outcome<Self> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        bound
            .map(Self)
            .map_err(Failure::of("a port for a player's control"))
    }

    /// The port.
    ///
    /// # Errors
    /// When the system does not know.
    pub fn port(&self) -> Outcome<u16> {
        self.0
            .local_addr()
            .map(|address| address.port())
            .map_err(Failure::of("the port of a player's control"))
    }

    /// Waits for the player's call.
    ///
    /// # Errors
    /// When the player ends before, or the time is over.
    pub fn accept(self, player: &mut Process, time_max: Duration) -> Outcome<Control> {
        let deadline = Instant::now() + time_max;
        loop {
            match self.0.accept() {
                Ok((stream, _)) => {
                    return Control::new(stream).map_err(Failure::of("a player's control"));
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Err(player.failure(&format!("cannot be controlled: {error}")));
                }
                Err(_) => {}
            }
            if let Some(status) = player.try_wait()? {
                return Err(player.failure(&format!("ended ({status}) before it asked what to do")));
            }
            if Instant::now() > deadline {
                return Err(player.failure(&format!(
                    "did not ask what to do within {} s",
                    time_max.as_secs()
                )));
            }
            thread::sleep(POLL);
        }
    }
}

impl Control {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            answers: BufReader::new(stream.try_clone()?),
            requests: stream,
        })
    }

    /// Sends a request. Each wants its [`answer`](Self::answer) before the next.
    ///
    /// # Errors
    /// When the player is gone.
    pub fn ask(&mut self, verb: Verb, script: &str) -> io::Result<()> {
        let (name, time_max) = match verb {
            Verb::Run => ("run", Duration::ZERO),
            Verb::Get => ("get", Duration::ZERO),
            Verb::Until { time_max } => ("until", time_max),
        };
        self.requests
            .set_read_timeout(Some(time_max + ANSWER_TIME_MAX))?;
        let line = json!({"verb": name, "script": script, "msec": u64::try_from(time_max.as_millis()).unwrap_or(u64::MAX)});
        self.requests.write_all(format!("{line}\n").as_bytes())
    }

    /// Waits for the answer to the last request: a value, or the player's own words on why there is none.
    ///
    /// # Errors
    /// When the player is gone or does not answer in time.
    pub fn answer(&mut self) -> io::Result<Result<Value, String>> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut answer: Value = serde_json::from_str(&line)
            .map_err(|error| io::Error::other(format!("{error} in {line}")))?;
        Ok(match answer.get("error") {
            Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
            None => Ok(answer["value"].take()),
        })
    }
}
